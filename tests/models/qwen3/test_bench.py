"""`bench speech`, on a CPU with tiny networks: all figures but those of the graphs."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.benches.speech import measure, show
from daemon.config import Config
from tests.models.qwen3.tiny import BASE, DESIGN


@pytest.mark.parametrize("model", [BASE, DESIGN])
def test_it_measures_what_there_is(
    weights: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config.model_validate({"data_dir": tmp_path, "speech": {"model": model, "device": "cuda:0"}})
    config.weights.symlink_to(weights)
    result = measure(config, random_weights=False, seconds=1.0, device="cpu")
    assert (result["device"], result["model"], result["precision"]) == ("CPU", model, "float32")
    assert result["graphs"] is None and result["ratio"] is None and result["gpu_bytes"] == 0
    assert result["plain"]["frames"] in (12, 13), "they never end by themselves"
    assert result["plain"]["frames_per_s"] == pytest.approx(12.5 * result["plain"]["sound_per_s"])
    first, again = result["requests"]
    assert first["load_s"] > 0 and first["warm_s"] > 0
    assert again["load_s"] == again["warm_s"] == 0.0 and again["speak_s"] > 0
    show(result)
    said = capsys.readouterr().out
    assert "codec frames a second" in said and "CUDA graphs" not in said
    assert list(tmp_path.iterdir()) == [config.weights], "nothing is left"
