"""The model by both ways: plainly, and through FasterQwen3TTS with graphs that are run eagerly."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.errors import BadInput, Cancelled, StageFailed, Unavailable
from models.qwen3.casting import Role
from models.qwen3.checkpoint import SPEECH_TOKENIZER, WEIGHTS, folder_of, look
from models.qwen3.model import Beat, Model, Take
from tests.models.qwen3.eager import EagerTalker, use_graphs
from tests.models.qwen3.tiny import BASE, CUSTOM
from tests.models.qwen3.voices_kit import ANNA, endless, humming

RYAN = Role("ryan", "custom_voice", "english", None, "ryan", "happily")
FRAME = 1920  # samples


def say(
    model: Model, text: str = "Good morning.", seed: int = 18, cap: int = 200, beat: Beat = lambda _: None
) -> Take:
    return model.say(text, "english", RYAN, None, seed, cap, beat)


def stop_at(frame: int, heard: list[int]) -> Beat:
    def beat(made: int) -> None:
        heard.append(made)
        if made == frame:
            raise Cancelled

    return beat


def test_a_seed_gives_the_same_sound_whatever_was_said_before(model: Model) -> None:
    first = say(model, seed=13)
    with endless(model):
        say(model, "Something else, and longer, fills what is kept between two sentences.", seed=6, cap=30)
    again, other = say(model, seed=13), say(model, seed=7)
    assert np.array_equal(first.wav, again.wav) and first.frames == again.frames
    assert not np.array_equal(first.wav[:FRAME], other.wav[:FRAME])


def test_every_frame_is_a_heartbeat(model: Model) -> None:
    heard: list[int] = []
    take = say(model, beat=heard.append)
    assert heard == list(range(1, take.frames + 1)) and take.frames > 1
    assert len(take.wav) == take.frames * FRAME and take.wav.dtype == np.float32
    assert not take.capped


def test_it_is_broken_off_within_one_frame_and_speaks_on_as_before(model: Model) -> None:
    before, heard = say(model, seed=13), list[int]()
    with endless(model), pytest.raises(Cancelled):
        say(model, "A long sentence that nobody wants to hear.", seed=8, beat=stop_at(5, heard))
    assert heard == [1, 2, 3, 4, 5]
    assert np.array_equal(say(model, seed=13).wav, before.wav)
    assert not model.head._forward_hooks, "who was broken off is not told of others"


def test_reaching_the_cap_is_told(model: Model) -> None:
    with endless(model):
        take = say(model, cap=20)
    assert take.capped and take.frames in (19, 20)
    assert len(take.wav) == pytest.approx(20 * FRAME, abs=FRAME)


def test_randomness_outside_goes_on_as_before(model: Model) -> None:
    before = torch.get_rng_state()
    say(model)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_full_buffer_is_told_though_the_cap_is_not_reached(
    weights: Path, patch: pytest.MonkeyPatch
) -> None:
    """FasterQwen3TTS stops there and says nothing."""
    model = Model.load(look(weights, CUSTOM), "cpu", torch.float32)
    use_graphs(model, patch, sequences=(90,))
    with endless(model):
        take = say(model, cap=400)
    assert take.capped and 20 < take.frames < 70


def test_a_text_that_fills_the_buffer_is_refused(weights: Path, patch: pytest.MonkeyPatch) -> None:
    model = Model.load(look(weights, CUSTOM), "cpu", torch.float32)
    use_graphs(model, patch, sequences=(40,))
    with pytest.raises(StageFailed, match=r"“A text .*” is too long to be spoken at once") as told:
        say(model, "A text that is longer than what there is room for, all in all.")
    assert told.value.code == "sentence_unspeakable", "a built-in speaker is not to blame"


def test_a_recording_that_fills_the_buffer_is_refused(weights: Path, patch: pytest.MonkeyPatch) -> None:
    model = Model.load(look(weights, BASE), "cpu", torch.float32)
    prompt = model.prompt_of(humming(10.0), ANNA)
    use_graphs(model, patch, sequences=(100,))
    role = Role("anna", "base", "english", None, "", "")
    with pytest.raises(BadInput, match="too long to speak with") as told:
        model.say("Good morning.", "english", role, prompt, 1, 50, lambda _: None)
    assert told.value.code == "voice_too_long"


def test_a_text_is_said_through_the_shortest_buffer_that_holds_it(
    weights: Path, patch: pytest.MonkeyPatch
) -> None:
    """Attention reads all of a buffer: a long one made every sentence slower by a third."""
    model = Model.load(look(weights, CUSTOM), "cpu", torch.float32)
    with endless(model) as prompts:
        say(model, cap=2)
        fits = 64 - prompts[0] - 1
        said = {}
        for sizes in ((200, 64), (512,)):
            use_graphs(model, patch, sequences=sizes)
            said[sizes] = [said_through(model, cap) for cap in (fits, fits + 1, 250)]
    assert [size for size, _ in said[200, 64]] == [64, 200, 200]
    for (_, short), (_, long) in zip(said[200, 64][:2], said[512,], strict=False):
        assert short.frames == long.frames >= fits and np.array_equal(short.wav, long.wav)
    assert said[200, 64][2][1].frames < 200, "the longest is the end of it"


def by_cudnn() -> bool:
    return bool(torch.backends.cuda.cudnn_sdp_enabled())  # type: ignore[no-untyped-call]


def said_through(model: Model, cap: int) -> tuple[int, Take]:
    """The length of the buffer, too."""
    assert model.graphs is not None
    used = set[int]()

    def replay(graph: Any) -> None:
        used.add(graph.max_seq_len)
        graph._decode_step()

    for graph in model.graphs.talker_graph.graphs:
        graph.graph.replay = partial(replay, graph)
    take = say(model, cap=cap)
    (size,) = used
    return size, take


def test_attention_is_by_kernels_that_give_the_same_again(model: Model) -> None:
    """cuDNN's do not: sentences that were kept, and those of another process, sounded otherwise."""
    seen: list[bool] = []
    before = by_cudnn()
    say(model, beat=lambda _: seen.append(by_cudnn()))
    assert seen and not any(seen)
    assert by_cudnn() is before


def test_graphs_are_recorded_with_such_kernels(weights: Path, patch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    patch.setattr(EagerTalker, "capture", lambda *_, **__: seen.append(by_cudnn()))
    use_graphs(Model.load(look(weights, CUSTOM), "cpu", torch.float32), patch)
    assert seen == [False, False], "for what is recorded, it is decided then"


def test_both_ways_say_the_same_and_as_the_checkpoint_wants(
    own_weights: Path, patch: pytest.MonkeyPatch
) -> None:
    """Without chance there is nothing that they may differ in; the graphs' own settings would draw lots."""
    path = folder_of(own_weights, CUSTOM) / "generation_config.json"
    settings = json.loads(path.read_text()) | {"do_sample": False, "subtalker_dosample": False}
    for useless in ("temperature", "top_k", "top_p"):
        settings[useless] = {"temperature": 1.0, "top_k": 50, "top_p": 1.0}[useless]
    path.write_text(json.dumps(settings))
    model = Model.load(look(own_weights, CUSTOM), "cpu", torch.float32)
    with endless(model):
        plain = say(model, cap=13)
        use_graphs(model, patch)
        graphs = say(model, cap=12)
        assert np.abs(plain.wav - graphs.wav).max() < 1e-5
        assert np.array_equal(graphs.wav, say(model, cap=12, seed=2).wav), "chance has no part in it"
        model.leave_graphs()
        assert np.array_equal(plain.wav, say(model, cap=13).wav)


def test_graphs_are_recorded_with_an_attention_that_takes_their_masks(
    weights: Path, patch: pytest.MonkeyPatch
) -> None:
    model = Model.load(look(weights, CUSTOM), "cpu", torch.float32)
    model.attend("eager")
    use_graphs(model, patch)
    assert model.graphs is not None
    talker: Any = model.graphs.talker_graph.graphs[0]
    assert isinstance(talker, EagerTalker) and talker.capture_attention == "sdpa"
    assert talker.model.config._attn_implementation == "eager" and model.runs == "graphs-cpu-float32-eager"


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        (WEIGHTS, "layers.1.mlp.up_proj.weight"),
        (f"{SPEECH_TOKENIZER}/{WEIGHTS}", "decoder.pre_conv.conv.weight"),
        (f"{SPEECH_TOKENIZER}/{WEIGHTS}", "acoustic_residual_vector_quantizer.layers.0.codebook.embed_sum"),
    ],
    ids=["model", "codec", "codebook"],
)
def test_weights_that_are_missing_are_not_made_up(own_weights: Path, name: str, lost: str) -> None:
    path = folder_of(own_weights, CUSTOM) / name
    tensors = load_file(path)
    gone = [name for name in tensors if name.endswith(lost)]
    save_file({name: tensor for name, tensor in tensors.items() if name not in gone}, path, {"format": "pt"})
    with pytest.raises(Unavailable, match=f"{len(gone)} are missing .the first: {gone[0]}") as told:
        Model.load(look(own_weights, CUSTOM), "cpu", torch.float32)
    assert told.value.code == "weights_wrong" and str(path) in told.value.message
