"""Whisper's files: both layouts, strictly; what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import pickle
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import whisper
from safetensors.torch import load_file, save_file

from models.errors import Unavailable
from models.whisper import DECODERS, find
from models.whisper.ear import Ear
from models.whisper.glance import damage
from models.whisper.weights import load
from tests.models.whisper.sounds import bursts
from tests.models.whisper.tiny import DIMS, lay_openai, random_network

HUB_CONFIG = {
    "vocab_size": 51865,
    "num_mel_bins": 80,
    "d_model": 48,
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 192,
    "decoder_layers": 4,
    "decoder_attention_heads": 6,
    "decoder_ffn_dim": 192,
}


def theirs() -> Any:
    """transformers. A torchaudio that was built for another torch would take it down, and is not needed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchaudio", None)
        import transformers

        transformers.WhisperForConditionalGeneration  # noqa: B018  it is imported only now
    return transformers


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """whisper-tiny as transformers itself saves it, with random weights."""
    folder = tmp_path_factory.mktemp("hub")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = theirs().WhisperForConditionalGeneration(theirs().WhisperConfig(**HUB_CONFIG))
        for name, parameter in network.named_parameters():
            if "embed_positions" not in name or "decoder" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    network.save_pretrained(folder / "whisper-tiny")
    return folder


@pytest.fixture(scope="module")
def openai(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_openai(tmp_path_factory.mktemp("openai"))


def saved(folder: Path, dims: Any, state: dict[str, torch.Tensor]) -> Path:
    path = folder / "whisper" / "tiny.pt"
    path.parent.mkdir(parents=True)
    torch.save({"dims": dims, "model_state_dict": state}, path)
    return path


def refused(folder: Path, model: str = "tiny") -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        load(folder, model, "cpu")
    assert caught.value.hint and not caught.value.message.endswith(".")
    return caught.value


def test_openais_own_file(openai: Path) -> None:
    network = load(openai.parents[1], "tiny", "cpu")
    expected = torch.load(openai, weights_only=True)["model_state_dict"]
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, expected[name].float()), name
    reference = random_network()
    reference.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny"])
    assert torch.equal(network.alignment_heads.to_dense(), reference.alignment_heads.to_dense())
    assert torch.equal(network.decoder.mask, reference.decoder.mask), "it is not in the file"
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_the_hubs_layout_hears_what_transformers_hears(hub: Path) -> None:
    """A key that is mapped to a neighbour's place of the same shape would load, and hear nonsense."""
    reference = theirs().WhisperForConditionalGeneration.from_pretrained(hub / "whisper-tiny").eval()
    ours = load(hub, "tiny", "cpu")
    torch.manual_seed(2)
    mel, tokens = torch.randn(1, 80, 3000), torch.tensor([[50258, 50259, 50359, 50363, 2425, 456]])
    with torch.no_grad():
        expected = reference(input_features=mel, decoder_input_ids=tokens).logits
        found = ours(mel, tokens)
    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-4)


def test_half_precision_is_nearly_the_same(openai: Path) -> None:
    """As on a GPU: norms stay in fp32, else they refuse what they are given."""
    half, whole = (load(openai.parents[1], "tiny", "cpu", dtype) for dtype in (torch.float16, None))
    assert half.decoder.ln.weight.dtype == torch.float32 and half.encoder.conv1.weight.dtype == torch.float16
    sound = bursts((0.2, 3.8), length_s=4.0, rate=16_000)
    pieces = [Ear(network).alignment(sound, "Hello there.", "en") or [] for network in (half, whole)]
    assert [p.text for p in pieces[0]] == [" Hello", " there", "."]
    for a, b in zip(*pieces, strict=True):
        assert (a.start_s, a.end_s, a.probability) == pytest.approx(
            (b.start_s, b.end_s, b.probability), abs=0.05
        )


def test_every_size_that_can_be_set_is_known() -> None:
    from typing import get_args

    from pipeline.spec import WhisperSettings

    sizes = get_args(WhisperSettings.model_fields["model"].annotation)
    assert set(sizes) == set(DECODERS)
    for size, (layers, heads) in DECODERS.items():
        network = random_network(
            replace(DIMS, n_text_layer=layers, n_text_head=heads, n_text_state=heads * 2)
        )
        network.set_alignment_heads(whisper._ALIGNMENT_HEADS[size])


def test_find(tmp_path: Path) -> None:
    def lay(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return path

    assert find(tmp_path, "small") is None
    lay("whisper-small/config.json")
    assert find(tmp_path, "small") is None, "half of it"
    lay("whisper-small/model.safetensors")
    assert find(tmp_path, "small") == tmp_path / "whisper-small"
    lay("whisper/small.pt")
    assert find(tmp_path, "small") == tmp_path / "whisper-small", "as `models pull` brings it"
    assert find(tmp_path, "tiny") is None
    file = lay("whisper/base.pt")
    assert find(tmp_path, "base") == file
    file = lay("whisper/large-v3-turbo.pt")
    assert find(tmp_path, "turbo") == file
    assert find(tmp_path / "nowhere", "small") is None


def test_missing(tmp_path: Path) -> None:
    error = refused(tmp_path, "small")
    assert error.code == "weights_missing"
    assert str(tmp_path) in error.message and "models pull whisper-small" in error.hint


class Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("/tmp/never"),))


def other(**sizes: int) -> Callable[[Path], object]:
    dims = replace(DIMS, **sizes)
    return lambda folder: saved(folder, asdict(dims), random_network(dims).state_dict())


def changed(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def lay(folder: Path) -> None:
        state = dict(random_network().state_dict())
        change(state)
        saved(folder, asdict(DIMS), state)

    return lay


def written(data: bytes) -> Callable[[Path], object]:
    def lay(folder: Path) -> None:
        (folder / "whisper").mkdir(parents=True)
        (folder / "whisper" / "tiny.pt").write_bytes(data)

    return lay


def cut(folder: Path) -> None:
    path = lay_openai(folder)
    path.write_bytes(path.read_bytes()[:-1000])


def evil(folder: Path) -> None:
    (folder / "whisper").mkdir()
    with zipfile.ZipFile(folder / "whisper" / "tiny.pt", "w") as archive:
        archive.writestr("tiny/data.pkl", pickle.dumps(Evil()))
        archive.writestr("tiny/version", "3")


WRONG: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "cut": (cut, ["torch.save", "ends too early"]),
    "empty": (written(b""), ["torch.save", "an empty file"]),
    "web page": (written(b"<html>404</html>"), ["a web page"]),
    "code": (evil, ["code"]),
    "no whisper": (lambda folder: saved(folder, {"n_mels": 80}, {}), ["does not describe a Whisper"]),
    "sizes in words": (lambda folder: saved(folder, asdict(DIMS) | {"n_vocab": "x"}, {}), ["n_vocab"]),
    "english": (other(n_vocab=51864), ["English only", "51865", "51864"]),
    "base": (other(n_text_layer=6), ["another Whisper than tiny", "4 layers of 6", "6 of 6"]),
    "short window": (other(n_audio_ctx=750), ["1500", "750"]),
    "one missing": (
        changed(lambda state: state.pop("decoder.ln.bias")),
        ["1 are missing", "decoder.ln.bias"],
    ),
    "one more": (changed(lambda state: state.update(extra=torch.zeros(1))), ["1 are unknown", "extra"]),
    "a shape": (
        changed(lambda state: state.update({"decoder.ln.bias": torch.zeros(47)})),
        ["decoder.ln.bias", "[48]", "[47]"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named_with_what_was_expected_and_found(tmp_path: Path, name: str) -> None:
    lay, words = WRONG[name]
    lay(tmp_path)
    error = refused(tmp_path)
    assert error.code == "weights_wrong"
    for word in ["tiny.pt", *words]:
        assert word in error.message, error.message


def test_a_glance_finds_what_is_damaged_and_nothing_else(tmp_path: Path, openai: Path, hub: Path) -> None:
    assert damage(tmp_path, "tiny") is None, "nothing is there"
    assert damage(openai.parents[1], "tiny") is None and damage(hub, "tiny") is None
    for name, words in (("cut", "ends too early"), ("web page", "a web page"), ("base", "another Whisper")):
        WRONG[name][0](tmp_path / name)
        found = damage(tmp_path / name, "tiny")
        assert found is not None and words in found.message and found.hint
    home = tmp_path / "whisper-tiny"
    home.mkdir()
    for file in ("config.json", "model.safetensors"):
        (home / file).write_bytes((hub / "whisper-tiny" / file).read_bytes())
    assert damage(tmp_path, "tiny") is None
    (home / "model.safetensors").write_bytes((home / "model.safetensors").read_bytes()[:-5])
    found = damage(tmp_path, "tiny")
    assert found is not None and "is not whole" in found.message


def test_a_wrong_folder_of_the_hub(tmp_path: Path, hub: Path) -> None:
    home = tmp_path / "whisper-tiny"
    home.mkdir()
    config, weights = home / "config.json", home / "model.safetensors"
    settings = json.loads((hub / "whisper-tiny" / "config.json").read_text())
    whole = (hub / "whisper-tiny" / "model.safetensors").read_bytes()

    def message(text: str, data: bytes) -> str:
        config.write_text(text)
        weights.write_bytes(data)
        error = refused(tmp_path)
        assert error.code == "weights_wrong"
        return error.message

    assert "config.json" in message("<html>", whole)
    assert "d_model" in message(json.dumps({**settings, "d_model": None}), whole)
    assert "another Whisper" in message(json.dumps({**settings, "decoder_layers": 12}), whole)
    assert "safetensors" in message(json.dumps(settings), whole[:-5])
    tensors = load_file(hub / "whisper-tiny" / "model.safetensors")
    del tensors["model.decoder.layer_norm.bias"]
    save_file(tensors, tmp_path / "less")
    assert "decoder.ln.bias is missing" in message(json.dumps(settings), (tmp_path / "less").read_bytes())
