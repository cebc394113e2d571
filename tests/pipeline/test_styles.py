from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.errors import BadInput
from pipeline.spec import JobSpec, Settings
from pipeline.styles import Kind, load_styles, subtitle_look, title_look


def lay(folder: Path, kind: str, content: Any) -> Settings:
    (folder / "styles").mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "styles" / f"{kind}.json").write_text(text, "utf-8")
    return Settings(assets=folder)


def refused(settings: Settings, kind: Kind = "subtitle") -> str:
    with pytest.raises(BadInput) as caught:
        load_styles(kind, settings)
    assert caught.value.code == "style_invalid" and caught.value.hint
    assert f"{kind}.json" in caught.value.message
    return caught.value.message


def test_there_are_enough_built_in_looks_and_the_defaults_are_among_them() -> None:
    subtitles, titles = load_styles("subtitle", Settings()), load_styles("title", Settings())
    assert len(subtitles) >= 4 and len(titles) >= 3
    job = JobSpec(clip=Path("/"))
    assert job.subtitles in subtitles and job.title_style in titles
    assert all(look.about for look in [*subtitles.values(), *titles.values()])


def test_built_in_looks_keep_clear_of_the_buttons_of_short_video_apps() -> None:
    for look in load_styles("subtitle", Settings()).values():
        assert look.safe.portrait.bottom >= 0.2 and look.safe.portrait.right >= 0.12


def test_a_users_look_is_added_and_a_built_in_one_replaced(tmp_path: Path) -> None:
    own = {"fonts": ["Mine"], "size": 0.1, "outline": {"width": 0.1, "colour": "#000000"}}
    settings = lay(tmp_path, "subtitle", {"mine": own, "clean": own | {"colour": "#ff0000"}})
    looks = load_styles("subtitle", settings)
    assert looks["mine"].fonts == ["Mine"]
    assert looks["clean"].colour == "#ff0000"
    assert "panel" in looks
    assert load_styles("title", settings) == load_styles("title", Settings())


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(BadInput) as caught:
        subtitle_look("karoke", Settings())
    assert caught.value.code == "style_unknown"
    assert "Did you mean karaoke?" in caught.value.hint and "panel" in caught.value.hint
    with pytest.raises(BadInput) as caught:
        title_look("karaoke", Settings())
    assert "Did you mean" not in caught.value.hint and "headline" in caught.value.hint


OUTLINE = {"width": 0.1, "colour": "#000000"}


@pytest.mark.parametrize(
    ("look", "key"),
    [
        ({"fonts": ["A"], "size": "big", "outline": OUTLINE}, "size"),
        ({"fonts": ["A"], "size": 0.1, "outline": OUTLINE, "colur": "#ffffff"}, "colur"),
        ({"fonts": ["A"], "size": 0.1, "outline": {"width": 0.1, "colour": "red"}}, "outline.colour"),
        ({"fonts": [], "size": 0.1, "outline": OUTLINE}, "fonts"),
        ({"fonts": ["A"], "size": 0.1, "outline": OUTLINE, "animation": {"kind": "spin"}}, "animation.kind"),
        ({"fonts": ["A"], "outline": OUTLINE}, "size"),
    ],
)
def test_a_bad_look_names_file_look_and_key(tmp_path: Path, look: dict[str, Any], key: str) -> None:
    message = refused(lay(tmp_path, "subtitle", {"mine": look}))
    assert "'mine'" in message and f"'{key}'" in message


def test_a_look_that_cannot_stand_out_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(
        lay(tmp_path, "title", {"mine": {"fonts": ["A"], "size": 0.1}}), "title"
    )


@pytest.mark.parametrize(
    "content",
    ['{"mine": {', "[]", '{"mine": 3}', "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")],
)
def test_what_is_no_style_file_is_refused(tmp_path: Path, content: str) -> None:
    refused(lay(tmp_path, "subtitle", content))


def test_broken_json_names_the_line(tmp_path: Path) -> None:
    assert "line 3" in refused(lay(tmp_path, "subtitle", '{\n"mine": {\n"fonts" ["A"]}}'))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    settings = lay(tmp_path, "subtitle", "{}")
    (tmp_path / "styles" / "subtitle.json").write_bytes('{"é": 1}'.encode("latin-1"))
    refused(settings)
