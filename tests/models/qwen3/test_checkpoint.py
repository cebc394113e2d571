"""What lies in the folder of weights: looked at, and not loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from models.errors import Unavailable
from models.qwen3.casting import LANGUAGES, SPEAKERS
from models.qwen3.checkpoint import INDEX, WEIGHTS, fingerprint, folder_of, look, missing
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN

CODEC = f"speech_tokenizer/{WEIGHTS}"


def test_it_says_what_it_is(weights: Path) -> None:
    base, custom, design = (look(weights, model) for model in (BASE, CUSTOM, DESIGN))
    assert (base.kind, custom.kind, design.kind) == ("base", "custom_voice", "voice_design")
    assert (base.speakers, custom.speakers, design.speakers) == ((), tuple(SPEAKERS), ())
    assert set(base.languages) == set(LANGUAGES.values()), "dialects are no languages"
    assert base.folder == folder_of(weights, BASE) and base.name == BASE
    assert [base.takes_tone, custom.takes_tone, design.takes_tone] == [False, True, True]


def test_what_is_missing_is_listed(own_weights: Path) -> None:
    own = folder_of(own_weights, BASE)
    assert missing(own_weights, BASE) == []
    for name in ("config.json", CODEC, WEIGHTS):
        (own / name).unlink()
    assert set(missing(own_weights, BASE)) == {own / "config.json", own / CODEC, own / WEIGHTS}
    with pytest.raises(Unavailable, match="are missing") as told:
        look(own_weights, BASE)
    assert told.value.code == "weights_missing"
    assert told.value.hint == "Get them with `vigentd models pull Qwen3-TTS-12Hz-1.7B-Base`"
    assert len(missing(own_weights / "nowhere", "0.6B-Base")) == 10


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def replace(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text)

    return write


def change(key: str, value: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))

    return write


def drop(ending: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        tensors = {name: tensor for name, tensor in load_file(path).items() if not name.endswith(ending)}
        save_file(tensors, path)

    return write


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        (WEIGHTS, shorten, "is not whole: expected"),
        (WEIGHTS, lengthen, "is not whole: expected"),
        (CODEC, shorten, "is not whole: expected"),
        (WEIGHTS, replace("version https://git-lfs.github.com/spec/v1"), "a pointer of git-lfs"),
        (WEIGHTS, replace("<!doctype html>"), "a web page"),
        (WEIGHTS, replace(""), "an empty file"),
        (WEIGHTS, drop("codec_head.weight"), "talker.codec_head.weight is missing"),
        ("config.json", replace("{"), "expected JSON"),
        (
            "config.json",
            change("tts_model_type", "base"),
            "expected tts_model_type 'custom_voice', found 'base'",
        ),
        (
            "config.json",
            change("tokenizer_type", "qwen3_tts_tokenizer_25hz"),
            "found 'qwen3_tts_tokenizer_25hz'",
        ),
        ("config.json", change("talker_config", {}), "does not say which languages"),
        ("config.json", change("talker_config", {"codec_language_id": {"english": 1}}), "names no speakers"),
    ],
)
def test_what_is_wrong_is_named(
    own_weights: Path, name: str, harm: Callable[[Path], None], said: str
) -> None:
    path = folder_of(own_weights, CUSTOM) / name
    harm(path)
    with pytest.raises(Unavailable) as told:
        look(own_weights, CUSTOM)
    assert told.value.code == "weights_wrong"
    assert str(path) in told.value.message and said in told.value.message, told.value.message


def sharded(own: Path, names: tuple[str, str] = ("model-1.safetensors", "model-2.safetensors")) -> None:
    tensors = load_file(own / WEIGHTS)
    (own / WEIGHTS).unlink()
    where = {name: names[i % 2] for i, name in enumerate(tensors)}
    for file in names:
        if "/" not in file:
            save_file({name: t for name, t in tensors.items() if where[name] == file}, own / file)
    (own / INDEX).write_text(json.dumps({"weight_map": where}))


def test_weights_may_be_in_several_files(own_weights: Path) -> None:
    own = folder_of(own_weights, BASE)
    sharded(own)
    assert look(own_weights, BASE).kind == "base"
    (own / "model-2.safetensors").unlink()
    assert missing(own_weights, BASE) == [own / "model-2.safetensors"]


def test_an_index_does_not_lead_out_of_the_folder(own_weights: Path) -> None:
    own = folder_of(own_weights, BASE)
    sharded(own, ("model-1.safetensors", "../elsewhere.safetensors"))
    with pytest.raises(Unavailable, match="does not say in which files the weights are"):
        look(own_weights, BASE)


def test_the_fingerprint_is_of_the_content(own_weights: Path, weights: Path) -> None:
    before = fingerprint(weights, BASE)
    assert len(before) == 16 and int(before, 16) >= 0
    assert fingerprint(own_weights, BASE) == before, "where it lies is not part of it"
    for name in (WEIGHTS, CODEC, "generation_config.json"):
        path = folder_of(own_weights, BASE) / name
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(data)
        assert fingerprint(own_weights, BASE) != before, name
        before = fingerprint(own_weights, BASE)
    assert fingerprint(weights, CUSTOM) != fingerprint(weights, DESIGN)
