"""What a seat does when the GPU fails: it is replaced, or waited for, and the admins hear of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.alarms import Alarms, Notice
from daemon.engines import seat as seat_module
from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from models.host import Plan
from models.host_errors import GpuFault
from models.progress import Quiet

WORK = "tests.models.gpu_work"


class Ears:
    """Alarms and tellings, and a way to wait for them."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.alarms = Alarms(self._hear(self.notices))
        self._changed = threading.Condition()

    def _hear(self, into: list[Notice]) -> Callable[[Notice], None]:
        def hear(notice: Notice) -> None:
            with self._changed:
                into.append(notice)
                self._changed.notify_all()

        return hear

    def tell(self, name: str, facts: dict[str, Any]) -> None:
        with self._changed:
            self.told.append((name, facts))
            self._changed.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(true, 60), (self.told, self.notices)

    def times(self, name: str) -> int:
        return [said for said, _ in self.told].count(name)


@pytest.fixture
def ears() -> Ears:
    return Ears()


Make = Callable[..., Seat]


@pytest.fixture
def make(tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(seat_module, "PAUSES_S", (0.0, 0.05, 0.05, 0.1))
    made: list[Seat] = []

    def make(load: str, **arguments: str) -> Seat:
        seat = Seat(
            Plan("test", f"{WORK}:{load}", arguments),
            "test engine",
            logs=tmp_path / "logs",
            scratch=tmp_path / "tmp",
            tell=ears.tell,
            alarms=ears.alarms,
        )
        made.append(seat)
        seat.open()
        return seat

    yield make
    for seat in made:
        seat.close()


def ask(seat: Seat, do: str, **arguments: str) -> Any:
    with seat.asked(Quiet()) as host:
        return host.ask(f"{WORK}:{do}", arguments, Quiet())


def test_after_a_lost_context_another_process_does_the_work(make: Make, ears: Ears) -> None:
    seat = make("load")
    first = ask(seat, "works")
    with pytest.raises(GpuFault):
        ask(seat, "fails", said="CUDA error: an illegal memory access was encountered")
    assert ask(seat, "works") != first
    (facts,) = (facts for name, facts in ears.told if name == "gpu_fault")
    assert facts["code"] == "gpu_context" and facts["device"] == "cpu"
    assert ears.notices == []  # once is no reason to wake anybody


def test_the_admins_hear_of_a_damaged_gpu_at_once(make: Make, ears: Ears) -> None:
    seat = make("load")
    for _ in range(2):
        with pytest.raises(GpuFault):
            ask(seat, "fails", said="CUDA error: uncorrectable ECC error encountered")
    assert ask(seat, "works")
    (notice,) = ears.notices
    assert (
        notice.key == "gpu:cpu" and "uncorrectable ECC" in notice.message and "reset" in notice.hint.lower()
    )


def test_a_lost_gpu_is_waited_for_and_its_return_is_told(make: Make, ears: Ears, tmp_path: Path) -> None:
    """A replacement does not help, so jobs wait with the reason; nothing rests for minutes because of it."""
    gpu = tmp_path / "gpu"
    seat = make("load_from", gpu=str(gpu))
    ears.until(lambda: ears.times("not_loaded") >= 1)
    assert seat.why() == "The test engine cannot be loaded: The GPU cannot be used: no GPU is found"
    with pytest.raises(EngineAway, match="no GPU is found") as away:
        seat.ready(Quiet())
    assert "nvidia-smi" in away.value.hint
    ears.until(lambda: ears.times("not_loaded") >= 8)  # more often than a process may end
    gpu.touch()
    ears.until(lambda: len(ears.notices) >= 2)
    assert [(notice.key, notice.over) for notice in ears.notices] == [
        ("host:test", False),
        ("host:test", True),
    ]
    assert "no GPU is found" in ears.notices[0].message
    assert ask(seat, "works") and seat.why() == ""


def test_a_gpu_that_is_lost_under_the_work_is_noticed_by_the_next_process(
    make: Make, ears: Ears, tmp_path: Path
) -> None:
    gpu = tmp_path / "gpu"
    gpu.touch()
    seat = make("load_from", gpu=str(gpu))
    assert ask(seat, "works")
    gpu.unlink()
    with pytest.raises(GpuFault) as lost:
        ask(seat, "fails", said="CUDA error: unknown error")
    assert lost.value.kind == "lost"
    with pytest.raises(EngineAway):
        ask(seat, "works")
    gpu.touch()
    ears.until(lambda: ears.times("ready") >= 2)
    assert ask(seat, "works")
