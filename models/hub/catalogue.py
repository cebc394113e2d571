"""The models that the engines know: where on the hub they are, which of their files are needed, with hashes.

Every model is pinned: to a commit of its repository, and each file to its size and SHA-256. So it does not
matter which server a file comes from: whatever arrives is the very file, or it is thrown away. The numbers
are public knowledge (openai-whisper carries those of its own files in its source; of the others several
independent projects publish the same ones).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from models.errors import BadInput

HUB = "https://huggingface.co"
# Weights are one file, or several pieces that an index names.
ONE_FILE, INDEX = "model.safetensors", "model.safetensors.index.json"


@dataclass(frozen=True)
class File:
    """name: its path in the model's folder, which is its path in the repository, too. size: bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """name: of its folder. files: those that are needed, and no others.

    instead: a single file that serves where the folder is not, under any of these names; a name is its path
    in the folder of all models.
    beside: files that belong to it where somebody has them, and that are not on the hub.
    """

    name: str
    repository: str
    revision: str
    files: tuple[File, ...]
    instead: tuple[File, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


# ---------------------------------------------------------------- lips

_LATENTSYNC = Model(
    "LatentSync-1.6",
    "ByteDance/LatentSync-1.6",
    "c42c7e6c8e9c213626389fa7d9a3c444b8536353",
    (
        File(
            "latentsync_unet.pt",
            5_072_222_488,
            "0a478e89eb660f82da4c35dbdde8a5adfb27f99d1b4e50edd03729e1e98316d3",
        ),
        File(
            "whisper/tiny.pt",
            75_572_083,
            "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9",
        ),
    ),
    beside=("unet.json",),
)
_SD_VAE = Model(
    "sd-vae-ft-mse",
    "stabilityai/sd-vae-ft-mse",
    "31f26fdeee1355a5c34592e401dd41e45d25a493",
    (
        File("config.json", 547, "92d3dfb746fca211a2c9e019e285f8597412211728dce3c5bcf4eda0f2d62e7e"),
        File(
            "diffusion_pytorch_model.safetensors",
            334_643_276,
            "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815",
        ),
    ),
)

# ---------------------------------------------------------------- speech

_QWEN_ALL = (  # the same in all five
    File("generation_config.json", 245, "f1b90b4513f3b34c62851049e2492d7b4c5940daf1276f89c82b8ef04127f3aa"),
    File("merges.txt", 1_671_839, "599bab54075088774b1733fde865d5bd747cbcc7a547c5bc12610e874e26f5e3"),
    File("preprocessor_config.json", 127, "efdde1022ea9d76928bf7a9cd53139138f5ba2e466e837f08f6105ab1af1c119"),
    File("tokenizer_config.json", 7_344, "dc3c31c3bdaedd5016382bb3cbe07323026775ad51f5a4fb564505992ae4a670"),
    File("vocab.json", 2_776_833, "ca10d7e9fb3ed18575dd1e277a2579c16d108e32f27439684afa0e10b1440910"),
    File(
        "speech_tokenizer/config.json",
        2_336,
        "ee65bb901c876664ab8707c487157aa1a6ee57c65969b28fb5ec9dc211e68167",
    ),
    File(
        "speech_tokenizer/model.safetensors",
        682_293_092,
        "836b7b357f5ea43e889936a3709af68dfe3751881acefe4ecf0dbd30ba571258",
    ),
    File(
        "speech_tokenizer/preprocessor_config.json",
        234,
        "fcb3805e597e786d4067706e602f6688524640f8d3396790e2e09b5942fcbdfb",
    ),
)


def _qwen(kind: str, revision: str, config: tuple[int, str], weights: tuple[int, str]) -> Model:
    name = f"Qwen3-TTS-12Hz-{kind}"
    own = (File("config.json", *config), File("model.safetensors", *weights))
    return Model(name, f"Qwen/{name}", revision, own + _QWEN_ALL)


_QWEN = (
    _qwen(
        "1.7B-Base",
        "fd4b254389122332181a7c3db7f27e918eec64e3",
        (4_494, "b4f01752d15a488abde3e1ab44723ae4f4b9e68a4037257b098b3737893cc1f9"),
        (3_857_413_744, "38fc7fc51c5e776e840414b6fd443962e9411b9654888fd7913e4da643cb857c"),
    ),
    _qwen(
        "1.7B-CustomVoice",
        "0c0e3051f131929182e2c023b9537f8b1c68adfe",
        (4_908, "17a07f527a1c25ea30b4e023a184482a23d3e279d697b1dc81b1bde498d29cf9"),
        (3_833_402_552, "38b1d5971bdbd982b561cccec982669a53b0537c3cf5e9bd4778ed07bb2f5137"),
    ),
    _qwen(
        "1.7B-VoiceDesign",
        "5ecdb67327fd37bb2e042aab12ff7391903235d3",
        (4_421, "aecd2cc4c1fe9edef1cb7ca7c401685a43879ad43f3f9e883f1c6760b61731e0"),
        (3_833_402_552, "391e8db219f292c515297cdceeb43e4eae67cdde35fa57e79a6a8a532fca0522"),
    ),
    _qwen(
        "0.6B-Base",
        "5d83992436eae1d760afd27aff78a71d676296fc",
        (4_494, "2e714c787c8edb98b05432685cddb634add2de4d4e645f653d68251ef72ba011"),
        (1_829_344_272, "180b3b10eb1c9f1b4db7806d5475bae3071c0243c299d49926bab1da3b6946f6"),
    ),
    _qwen(
        "0.6B-CustomVoice",
        "85e237c12c027371202489a0ec509ded67b5e4b5",
        (4_908, "81aca2b6fac304944d8acf345272d8a9a727d5fc2e2e66b222ab4729340c7455"),
        (1_811_626_576, "bc3c7e785eb961179c25450d1acff03f839e0002f2f3a5aeb67b5735c0fa2adb"),
    ),
)

# ---------------------------------------------------------------- timing


def _whisper(
    size: str,
    repository: str,
    revision: str,
    config: tuple[int, str],
    weights: tuple[int, str],
    openai: tuple[int, str],
) -> Model:
    names = dict.fromkeys((size, repository.removeprefix("whisper-")))  # turbo is large-v3-turbo, too
    return Model(
        f"whisper-{size}",
        f"openai/{repository}",
        revision,
        (File("config.json", *config), File("model.safetensors", *weights)),
        instead=tuple(File(f"whisper/{name}.pt", *openai) for name in names),
    )


_WHISPER = (
    _whisper(
        "tiny",
        "whisper-tiny",
        "169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
        (1_983, "ffdccec4f3211f4c63310f2b7098f309fe70f3952cedc5e4d11e43f5b2379b98"),
        (151_061_672, "7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395"),
        (75_572_083, "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"),
    ),
    _whisper(
        "base",
        "whisper-base",
        "e37978b90ca9030d5170a5c07aadb050351a65bb",
        (1_983, "a153c53883a6799b6f056b4a8d1a515c9926d03994682ba88a7616618d7da0c1"),
        (290_403_936, "07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b"),
        (145_262_807, "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"),
    ),
    _whisper(
        "small",
        "whisper-small",
        "973afd24965f72e36ca33b3055d56a652f456b4d",
        (1_967, "e6a2b489da1b5aed65a8eb8d1e7466fa867ad5643a8bc138ba708bd56b2875c4"),
        (966_995_080, "1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b"),
        (483_617_219, "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"),
    ),
    _whisper(
        "medium",
        "whisper-medium",
        "abdf7c39ab9d0397620ccaea8974cc764cd0953e",
        (1_991, "18706810eb740d1dc54d1db181358d5f8578600d0f449e51dfd4798c0223a1f5"),
        (3_055_544_304, "62f73550fa6db24b0c6f6c5962bd0dae80fa644e93cde9cd9c3792971b47fd28"),
        (1_528_008_539, "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"),
    ),
    _whisper(
        "large-v3",
        "whisper-large-v3",
        "06f233fe06e710322aca913c1bc4249a0d71fce1",
        (1_272, "ad0e8d1e46f4d01f7861a21509e5d0f977d6cc1f367a370603c92541d819807b"),
        (3_087_130_976, "a8e94b85976e5864ba3e9525c7e6c83b2a1eca42d4b797a0c7c24d778e40fd95"),
        (3_087_371_615, "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"),
    ),
    _whisper(
        "turbo",
        "whisper-large-v3-turbo",
        "41f01f3fe87f28c78e2fbf8b568835947dd65ed9",
        (1_256, "c5b526b3e3cd64cd8940dabb45e8ba726629e22d8ed389c29b552f9140daf04a"),
        (1_617_824_864, "542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1"),
        (1_617_941_637, "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"),
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in (_LATENTSYNC, _SD_VAE, *_QWEN, *_WHISPER)}


def named(names: Iterable[str]) -> list[Model]:
    """Each once, in their order. Raises BadInput `model_unknown`."""
    folded = {name.casefold(): model for name, model in MODELS.items()}
    found: dict[str, Model] = {}
    for name in names:
        model = folded.get(name.casefold())
        if model is None:
            raise _unknown(name, folded)
        found[model.name] = model
    return list(found.values())


def _unknown(name: str, folded: dict[str, Model]) -> BadInput:
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    within = [model.name for key, model in folded.items() if name and name.casefold() in key]
    guess = within[0] if within else folded[near[0]].name if near else ""
    return BadInput(
        f'There is no model called "{name}"' + (f"; the nearest is {guess}" if guess else ""),
        code="model_unknown",
        hint="`vigentd models ls` shows them all.",
    )
