"""The card of a draft: what will be made, in words, with a button to change each. A pure view."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from daemon.chats import DraftState, FileState
from handlers.telegram.buttons import press
from handlers.telegram.choices import NONE
from handlers.telegram.content import CAPTION_CHARS, TEXT_CHARS, Button, Content
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.view import View
from handlers.telegram.errors import in_words
from handlers.telegram.moments import shown as moment
from handlers.telegram.report.amounts import size, time_taken
from handlers.telegram.texts import Marked, bare, catalogue, plain, say

SCRIPT_CHARS, FEWER_CHARS = 200, 60  # of the script's start; fewer when there is much else to say
NAME_CHARS = 40
BACK = "d.back"

__all__ = ["BACK", "View", "card", "length", "name_of"]


def card(view: View) -> Content:
    picture = Path(view.findings.preview) if view.findings and view.findings.preview else None
    text = _fitting(view, TEXT_CHARS if picture is None else CAPTION_CHARS)
    if picture is None:
        return Content(text, _buttons(view))
    return Content(text, _buttons(view), "photo", picture)


def length(text: Marked) -> int:
    """As Telegram counts: without markup, in units of UTF-16."""
    return len(bare(text).encode("utf-16-le")) // 2


# ---------------------------------------------------------------- the words


def _fitting(view: View, limit: int) -> Marked:
    """The less important things are left out until it fits."""
    if view.state == DraftState.STARTED:
        return _ordered(view)
    for script_chars, notes, error_chars in (
        (SCRIPT_CHARS, True, limit),
        (FEWER_CHARS, False, limit),
        (FEWER_CHARS, False, 400),
        (FEWER_CHARS, False, 60),
    ):
        lines = [*_made_of(view, script_chars), *_looks(view, notes), *_state(view, error_chars)]
        text = Marked("\n".join(lines))
        if length(text) <= limit:
            break
    return text


def _ordered(view: View) -> Marked:
    """True at any time after the start: the job has messages of its own."""
    lines = [view.say(_HEADS[view.state])]
    if view.script:
        lines.append(view.say("card.script", start=_start(view.script, FEWER_CHARS)))
    elif view.contents.script_file:
        lines.append(view.say("card.script_file", name=_named(view, view.contents.script_file)))
    looks = Marked(" · ".join(_looks(view, notes=False)))
    return Marked("\n".join([*lines, _cut(looks, CAPTION_CHARS // 2)]))


def _made_of(view: View, script_chars: int) -> list[Marked]:
    contents = view.contents
    lines = [view.say(_HEADS[view.state])]
    if view.script:
        lines.append(view.say("card.script", start=_start(view.script, script_chars)))
        lines.append(_length_of(view))
    elif contents.script_file:
        lines.append(view.say("card.script_file", name=_named(view, contents.script_file)))
    if contents.speech:
        lines.append(view.say("card.speech", facts=_known(view, contents.speech)))
    if contents.clip:
        lines.append(_clip(view, contents.clip))
    return lines


def _length_of(view: View) -> Marked:
    spoken = view.about_words.script if view.about_words else ""
    characters = f"{len(spoken) or view.contents.characters:,}"
    if view.about_words and view.about_words.seconds:
        about = time_taken(view.language, view.about_words.seconds)
        return view.say("card.length", characters=characters, time=about)
    return view.say("card.characters", characters=characters)


def _clip(view: View, clip: str) -> Marked:
    presenter = view.contents.presenter
    whose = "" if presenter is None else view.say("card.presenter", name=_short(presenter, NAME_CHARS))
    facts = view.about_clip.clip if view.about_clip else {}
    if not facts:
        return view.say("card.clip", whose=whose, facts=_known(view, clip))
    width, height = round(facts["width"]), round(facts["height"])
    if not facts["seconds"]:
        return view.say("card.photo", whose=whose, width=width, height=height)
    time = time_taken(view.language, facts["seconds"])
    return view.say("card.video", whose=whose, width=width, height=height, time=time)


def _known(view: View, file_id: str) -> Marked:
    """What Telegram says of a file, and whether it is here."""
    file = view.files.get(file_id)
    if file is None:
        return Marked()
    known = [size(file.size)] if file.size else []
    if file.seconds:
        known.append(time_taken(view.language, file.seconds))
    if file.state in (FileState.WANTED, FileState.REMOVED):
        known.append(view.say("card.fetching"))
    return Marked(", ".join(known))


def _looks(view: View, notes: bool) -> list[Marked]:
    if view.state == DraftState.DROPPED or not (
        view.script or view.contents.script_file or view.contents.speech
    ):
        return []
    o = view.options
    lines = []
    if not view.contents.speech:
        voice = name_of(view.language, "voice", o["voice"])
        engine = f" ({view.engine})" if view.engine else ""
        lines.append(view.say("card.voice", voice=voice, engine=engine))
        if o.get("tone"):
            lines.append(view.say("card.tone", tone=_short(o["tone"], 2 * NAME_CHARS)))
    lines.append(view.say("card.language", language=name_of(view.language, "language", o["language"])))
    lines.append(view.say("card.subtitles", look=name_of(view.language, "subtitles", o["subtitles"])))
    if o["title"]:
        look = name_of(view.language, "title_style", o["title_style"])
        lines.append(view.say("card.title", title=_short(o["title"], 2 * NAME_CHARS), look=look))
    music = name_of(view.language, "music", o["music"])
    if o["music"] == NONE:
        lines.append(view.say("card.music", music=music))
    else:
        lines.append(view.say("card.music_at", music=music, percent=f"{o['music_volume']:.0%}"))
    if o.get("publish"):
        lines.append(view.say("card.publish", where=_short(", ".join(o["publish"]), NAME_CHARS)))
    if o.get("publish_at"):
        lines.append(view.say("card.publish_at", at=moment(o["publish_at"])))
    if notes and view.findings and view.about_words and view.about_clip:
        lines += [view.say("card.note", note=_note(view.language, note)) for note in view.findings.notes]
    return lines


def _note(language: str, note: dict[str, str] | str) -> Marked:
    if isinstance(note, str) or note["key"] not in catalogue():
        return Marked(html.escape(str(note), quote=False))
    values = {name: value for name, value in note.items() if name != "key"}
    if "what" in values:  # a choice that is not there any more
        values["choice"] = name_of(language, values["what"], values["value"])
        values["what"] = plain(language, f"note_what.{values['what']}")
    return say(language, note["key"], **values)


def _state(view: View, error_chars: int) -> list[Marked]:
    """What is wrong, what is missing, what goes on, what the person is asked."""
    lines: list[Marked] = []
    if view.state not in (DraftState.OPEN, DraftState.STARTING):
        return lines
    if view.error:
        lines.append(view.say("card.error", words=_cut(in_words(view.language, view.error), error_chars)))
    if view.asked:
        return [
            *lines,
            view.say(f"card.ask_{view.asked}"),
            *([view.say("card.in_group")] if view.group else []),
        ]
    if view.delay:
        lines.append(view.say("card.delayed", words=_cut(in_words(view.language, view.delay), error_chars)))
    if view.contents.sound:
        lines.append(view.say("card.ask_sound", facts=_known(view, view.contents.sound)))
    elif not view.contents.complete:
        lines.append(view.say("card.clip_missing" if _spoken(view.contents) else "card.script_missing"))
        if view.group:
            lines.append(view.say("card.in_group"))
    elif view.state == DraftState.STARTING:
        lines.append(view.say("card.starting"))
    elif not view.error and not view.delay and not _known_right(view):
        lines.append(view.say("card.looking"))
    return lines


def name_of(language: str, what: str, value: str) -> str:
    """What a choice is called: names of ours are translated, names that people gave are not."""
    section = {"language": "spoken", "voice": "voice_name", "music": "track_name"}.get(what, "look_name")
    key = f"{section}.{value}"
    return plain(language, key) if key in catalogue() else _short(value, NAME_CHARS)


_HEADS = {
    DraftState.OPEN: "card.open",
    DraftState.STARTING: "card.open",
    DraftState.STARTED: "card.started",
    DraftState.DROPPED: "card.dropped",
}


def _spoken(contents: Contents) -> bool:
    return bool(contents.script or contents.script_file or contents.speech)


def _looked_at(view: View) -> bool:
    return view.findings is not None and view.current and view.findings.spec is not None


def _known_right(view: View) -> bool:
    """Clip and words are those that were looked at: a choice changes nothing of what was found."""
    about = view.about_words if view.about_clip else None
    return about is not None and about.spec is not None


def _named(view: View, file_id: str) -> str:
    file = view.files.get(file_id)
    return _short(file.name, NAME_CHARS) if file else ""


def _start(script: str, chars: int) -> str:
    return _short("\n".join(line.strip() for line in script.strip().splitlines() if line.strip()), chars)


def _short(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def _cut(text: Marked, chars: int) -> Marked:
    """With its markup, if all of it may stay; a cut could fall into a tag."""
    return text if length(text) <= chars else Marked(html.escape(_short(bare(text), chars), quote=False))


# ---------------------------------------------------------------- the buttons


_NONE_OF_IT = {"title": "no_title", "tone": "no_tone"}


def _buttons(view: View) -> tuple[tuple[Button, ...], ...]:
    def button(key: str, verb: str, argument: str = "") -> Button:
        return Button(plain(view.language, f"draft_button.{key}"), press(verb, view.draft_id, argument))

    if view.state in (DraftState.STARTED, DraftState.DROPPED):
        return ()
    if view.asked:
        none = _NONE_OF_IT.get(view.asked)
        without = [button(none, "d.set", f"{view.asked}.")] if none else []
        return ((*without, button("back", BACK)),)
    if view.contents.sound:
        answers = [button(what, "d.sound", what) for what in ("speech", "keep", "ignore")]
        return tuple((answer,) for answer in answers)
    last = [button("drop", "d.drop")]
    if view.error:
        last.insert(0, button("look", "d.look"))
    elif view.contents.complete and view.state == DraftState.OPEN:
        last.insert(0, button("start", "d.start"))
    rows = [*_changes(view, button), last]
    return tuple(tuple(row) for row in rows if row)


def _changes(view: View, button: Any) -> list[list[Button]]:
    contents = view.contents
    if not _spoken(contents):
        return []
    music = view.options["music"] != NONE
    voice = [] if contents.speech else [button("voice", "d.pick", "voice")]
    # A tone from the head of the script can be taken away, also where none is any good.
    if voice and (view.toned or view.options.get("tone")):
        voice.append(button("tone", "d.ask", "tone"))
    drawn = view.findings is not None and (view.findings.preview or not view.findings.drawn)
    return [
        [button("same_clip", "d.same")] if view.same_clip else [],
        [*voice, button("language", "d.pick", "language")],
        [button("subtitles", "d.pick", "subtitles"), button("title_style", "d.pick", "title_style")],
        [button("title", "d.ask", "title"), button("music", "d.pick", "music")]
        + ([button("volume", "d.pick", "music_volume")] if music else []),
        ([] if contents.speech else [button("listen_voice", "d.listen", "voice")])
        + ([button("listen_music", "d.listen", "music")] if music else []),
        [button("change_script", "d.ask", "script")]
        + ([button("no_speech", "d.speak")] if contents.speech else [])
        + ([] if drawn or not _looked_at(view) else [button("preview", "d.preview")]),
    ]
