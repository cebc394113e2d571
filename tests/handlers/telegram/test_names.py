"""Names on which people decide."""

from __future__ import annotations

import pytest

from handlers.telegram.names import clean


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Zoë  Müller\n", "Zoë Müller"),
        ("\u202eannA\u202c", "annA"),
        ("a\x1b[31m\x00b", "a[31mb"),
        ("line\u2028two", "line two"),
        ("李小龙 🎬", "李小龙 🎬"),
        ("\ud83d", ""),
        (" \u200b\u2060 ", ""),
    ],
)
def test_only_what_can_be_seen(name: str, seen: str) -> None:
    assert clean(name) == seen
