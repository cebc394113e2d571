"""voices [ls] · voices add · voices rm · voices test: the voices that there are, and those of your own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.terminal import console, out, out_json, printable, tell
from daemon.config import Config
from daemon.folders import absolute
from models.errors import BadInput

if TYPE_CHECKING:
    from models.voices import SavedVoice, Voices

TEXT_SHOWN = 40  # characters in the list
SAMPLES = {
    "en": "Good morning. This is how I sound when I read the news to you.",
    "zh": "早上好。我就用这个声音给您念今天的新闻。",
}
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the voice.")]


def register(app: typer.Typer) -> None:
    voices = typer.Typer(help="List the voices, save one of your own, try one.")
    voices.callback(invoke_without_command=True)(plain)
    voices.command("ls")(ls)
    voices.command("add")(add)
    voices.command("rm")(rm)
    voices.command("test")(test)
    app.add_typer(voices, name="voices")


def plain(ctx: typer.Context, as_json: AsJson = False) -> None:
    if ctx.invoked_subcommand is None:
        _show(configuration(ctx), as_json)


def ls(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the voices, and say which can be used."""
    _show(configuration(ctx), as_json)


def add(
    ctx: typer.Context,
    name: Name,
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recording: any sound or video file, 3 to 60 s.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is said in it; without, Whisper listens.")
    ] = None,
    describe: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How the voice is to sound, instead of a recording.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the voice of this name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save a voice: one that is recorded, or one that is described in words."""
    from models.voice_names import checked_name
    from models.voices import Voices

    if (audio is None) == (describe is None) or (describe is not None and text is not None):
        raise BadInput(
            "A voice is saved either from a recording or from a description",
            code="usage",
            hint="Give --audio FILE, perhaps with --text; or --describe TEXT.",
        )
    config = configuration(ctx)
    voices, name = Voices(config.voices), checked_name(name)
    _check_free(config, voices, name, replace)
    if audio is not None:
        voice, facts = _recorded(config, voices, name, audio, text or "")
    else:
        voice, facts = voices.save_description(name, describe or ""), {}
    _say_added(config, voice, facts, as_json)


def rm(ctx: typer.Context, name: Name) -> None:
    """Remove a voice that was saved. Jobs that wait for it will fail."""
    from models.voices import SavedVoice, Voices

    config = configuration(ctx)
    before = _saved_default(config)
    voice = Voices(config.voices).remove(name)
    if not isinstance(voice, SavedVoice):
        tell(f"What could not be read is removed: {voice.folder.name}.")
        return
    tell(printable(f"The voice {voice.name} is removed."))
    if voice.name == before:
        now = _saved_default(config)
        then = f"they are spoken by {now} now" if now else "`vigentd voices` says what becomes of them"
        tell(printable(f"note: It was the default voice, of jobs that name none: {then}."))


def test(
    ctx: typer.Context,
    name: Name,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is to say.")] = None,
    tone: Annotated[str, typer.Option(metavar="TEXT", help="How it is to say it: warm and calm.")] = "",
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="WAV", help="Where the sound goes; usually NAME-test.wav.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hear a voice: it speaks a sentence, here and now, by the engine that is set."""
    from daemon.voice_trial import check_out, speak, wish

    config = configuration(ctx)
    text = text or SAMPLES.get(_language_of(config, name), SAMPLES["en"])
    spec = wish(config, name, text, tone)
    target = absolute(out_file or Path(f"{name.strip()}-test.wav"))
    check_out(target)
    tell("Loading the voice…")
    spoken = speak(config, spec, target, time.monotonic)
    if as_json:
        out_json(spoken.as_json())
        return
    for note in spoken.notes:
        tell(f"note: {note}")
    tell(
        f"{spoken.seconds:.1f} s, spoken by {spoken.engine} in {spoken.took_s:.1f} s "
        f"(and {spoken.load_s:.1f} s to load it)."
    )
    out(str(target))


# ---------------------------------------------------------------- adding


def _check_free(config: Config, voices: Voices, name: str, replace: bool) -> None:
    """Raises BadInput `voice_name_taken`."""
    from daemon.voice_choice import DEFAULT_VOICE
    from daemon.voice_list import BUILT_IN, listed
    from models.qwen3.casting import built_in
    from models.voice_names import name_taken, same_name

    if (there := voices.find(name)) is not None:
        if there.chat_id is None and not replace:
            raise name_taken(there.name, hint="Or put this one in its place with --replace.")
        return  # that of a chat is not replaced by a word on a command line: saving says so
    own = [voice["name"] for voice in listed(config) if voice["kind"] == BUILT_IN]
    taken = built_in(name) or any(same_name(name, other) for other in own)
    if taken and not same_name(name, DEFAULT_VOICE):
        raise name_taken(name, what="“{}” is a voice of the engine itself")


def _recorded(
    config: Config, voices: Voices, name: str, audio: Path, text: str
) -> tuple[SavedVoice, dict[str, Any]]:
    from daemon.hearing import somebody_hears, what_is_said
    from models.progress import Quiet
    from models.voice_names import checked_text
    from pipeline.text import detect_language
    from pipeline.voice_check import doubt, read_voice

    said, device = checked_text(text), config.speech.devices[0]
    recorded = read_voice(absolute(audio), Quiet())
    if not said:
        somebody_hears(config, device)
    language = detect_language(said) if said else ""
    if not said:
        tell("Whisper listens to what is said…")
        said, language = what_is_said(config, recorded.wav, recorded.rate, Quiet(), device)
    voice = voices.save_recording(name, recorded.wav, recorded.rate, text=said, language=language)
    facts = {"level_db": round(recorded.level_db, 1), "voiced_s": round(recorded.voiced_s, 2)}
    return voice, facts | {"notes": _about_text(voice, audio, doubt(said, recorded), heard=not text)}


def _about_text(voice: SavedVoice, audio: Path, why: str, heard: bool) -> list[str]:
    """What a person should know of the text. why: it cannot be what is said; heard: by Whisper."""
    known = ["That is what Whisper heard."] if heard else []
    known += [f"That cannot be all that is said, and no more: {why}."] if why else []
    again = f"`vigentd voices add {quote(voice.name)} --audio {quote(str(audio))} --text TEXT --replace`"
    return [f"{' '.join(known)} To correct it: {again}."] if known else []


def _say_added(config: Config, voice: SavedVoice, facts: dict[str, Any], as_json: bool) -> None:
    from daemon.voice_list import described

    item = described(voice, config)
    if as_json:
        out_json(item | facts)
        return
    if voice.description:
        out(printable(f"Saved the voice {voice.name}: {voice.description}"))
    else:
        level = f"{facts['voiced_s']:.1f} s of it speech, at {facts['level_db']:.0f} dB"
        out(printable(f"Saved the voice {voice.name}: {voice.seconds:.1f} s, {level}."))
        out(printable(f"It says: {voice.text}"))
        for note in facts["notes"]:
            tell(printable(f"note: {note}"))
    if item["why"]:
        tell(f"note: It cannot be used now: {item['why']}.")


# ---------------------------------------------------------------- listing


def _show(config: Config, as_json: bool) -> None:
    from daemon.voice_list import UNREAD, beginning, listed

    voices = listed(config)
    if as_json:
        out_json(voices)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("name", "kind", "length", "text", "usable", ""):
        table.add_column(column)
    for voice in voices:
        length = f"{voice['seconds']:.1f} s" if voice["seconds"] else ""
        words = beginning(voice["description"] or voice["text"], TEXT_SHOWN)
        use = "yes" if voice["usable"] else "no"
        cells = (voice["name"], voice["kind"], length, words, use, "default" if voice["default"] else "")
        table.add_row(*(Text(printable(cell)) for cell in cells))  # what a person wrote is not markup
    console().print(table)
    for why in dict.fromkeys(voice["why"] for voice in voices if voice["why"]):
        names = ", ".join(voice["name"] for voice in voices if voice["why"] == why)
        tell(printable(f"{names}: {why if why.startswith(UNREAD) else f'cannot be used now: {why}'}."))
    if not any(voice["default"] for voice in voices):
        tell(_default(config, voices))


def _default(config: Config, voices: Sequence[dict[str, Any]]) -> str:
    """Where no voice of the list is the default."""
    if config.defaults.voice != "default":
        return f"defaults.voice is {config.defaults.voice}, and no such voice can be used now."
    if any(voice["usable"] for voice in voices):
        return "The default is one that suits the language of the script."
    return "No voice can be used now: `vigentd voices add NAME --audio FILE` saves one."


def _saved_default(config: Config) -> str:
    """The name of the saved voice that is the default now; "" when none is."""
    from daemon.voice_list import BUILT_IN, listed

    defaults = (voice for voice in listed(config) if voice["default"] and voice["kind"] != BUILT_IN)
    return next((str(voice["name"]) for voice in defaults), "")


# ---------------------------------------------------------------- trying


def _language_of(config: Config, name: str) -> str:
    from models.voices import Voices

    saved = Voices(config.voices).find(name)
    return saved.language if saved else ""
