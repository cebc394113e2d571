"""Whatever goes wrong in or around a real daemon is found, is healed or told, and the line goes on.

The same faults as `vigentd bench faults`. Each takes a real daemon some ten seconds, so only few of
them are in the default suite.
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from daemon.benches.faults.bench import CASES
from daemon.benches.faults.case import Case, run
from tests.face_kit import portrait

ALWAYS = ("loop-blocked",)


def _case(case: Case) -> object:
    marks = [] if case.name in ALWAYS else [pytest.mark.slow]
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [_case(case) for case in CASES])
def test_found_and_healed_or_told(case: Case, tmp_path: Path, album: Path) -> None:
    row = run(case, tmp_path, portrait(album, (180, 320), 1))
    if row.skipped:
        pytest.skip(row.skipped)
    assert row.ok, row.wrong
    assert row.false == 0
    gc.collect()  # what a broken connection leaves is found here, not in the next test
