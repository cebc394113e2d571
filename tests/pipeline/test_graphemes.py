from __future__ import annotations

import pytest

from pipeline.graphemes import graphemes


@pytest.mark.parametrize(
    "parts",
    [
        ["a", "b"],
        ["e\u0301", "x"],
        ["👩‍👩‍👧", "👍🏽", "✅"],
        ["🇩🇪", "🇫🇷", "🇮🇹"],
        ["เป็", "น"],
        ["क्षि", "क"],
        [],
    ],
)
def test_what_a_reader_takes_for_one_character_stays_whole(parts: list[str]) -> None:
    assert list(graphemes("".join(parts))) == parts
