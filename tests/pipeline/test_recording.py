"""A recording is one file; what it names is not opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import BadInput
from models.progress import Quiet
from pipeline.recording import check_recording, decode_recording
from tests.pipeline.handmade import playlists


def test_a_playlist_in_disguise_is_refused_and_what_it_names_is_not_read(tmp_path: Path) -> None:
    secret, lists = playlists(tmp_path)
    for path in lists:
        for read in (check_recording, lambda path: decode_recording(path, 60, Quiet())):
            with pytest.raises(BadInput) as refused:
                read(path)
            assert refused.value.code == "speech_unreadable"
    assert secret.stat().st_atime == 0
    assert len(decode_recording(secret, 60, Quiet())[0]) > 0, "the file itself is sound"
