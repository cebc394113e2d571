"""The buttons of a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemon.chats import Draft, DraftState
from handlers.telegram.buttons import Press
from handlers.telegram.content import Content
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.awaited import put_sound_away
from handlers.telegram.drafting.card import BACK
from handlers.telegram.drafting.choosing import PICKED, chosen, language_of, rows, values
from handlers.telegram.drafting.drafting import changed, draw, look_again, with_presenter
from handlers.telegram.drafting.showing import earlier_clip, show, view_of
from handlers.telegram.drafting.start import start
from handlers.telegram.errors import in_words
from handlers.telegram.owning import mine
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.talk import Talk
from handlers.telegram.texts import bare

TOAST_CHARS = 200  # Telegram's
WRITTEN = ("title", "tone")  # options that a person writes, and can take back

Do = Callable[[Talk, Press, Draft], None]


def _on_open(do: Do) -> Callable[[Talk, Press], None]:
    """For those who may, while the draft is still being put together."""

    def pressed(talk: Talk, press: Press) -> None:
        draft = talk.turn.drafts.get(press.about)
        if draft is None or draft.chat_id != talk.where.chat_id:
            talk.tell("drafting.gone")
        elif not mine(talk, draft.user_id):
            pass
        elif draft.state in UNSTARTED:
            do(talk, press, draft)
        else:
            talk.tell("drafting.already" if draft.state == DraftState.STARTED else "drafting.was_dropped")

    return pressed


# ---------------------------------------------------------------- choices


def _pick(talk: Talk, press: Press, draft: Draft) -> None:
    """The card's buttons become a list."""
    what, _, page = press.argument.partition(".")
    if what not in PICKED:
        return
    if not talk.choices.subtitles:  # there are always some: the bot has just begun, and has not been told yet
        talk.tell("drafting.looking")
        return
    view = view_of(talk.turn, talk.house, draft)
    language = language_of(view.script, view.options["language"])
    there = values(what, talk.choices, language)
    number = int(page) if page.isdecimal() else 0
    buttons = rows(draft.id, draft.language, what, there, view.options[what], number)
    show(talk.turn, talk.house, draft, choices=buttons)


def _set(talk: Talk, press: Press, draft: Draft) -> None:
    what, _, word = press.argument.partition(".")
    if what in WRITTEN and not word:
        _stop_asking(talk, draft)
        _change(talk, draft, **{what: ""})
        return
    value = chosen(what, word, talk.choices)
    if value is None:
        talk.tell("drafting.choice_gone")
        show(talk.turn, talk.house, draft)
    else:
        _change(talk, draft, **{what: value})


def _back(talk: Talk, press: Press, draft: Draft) -> None:
    _stop_asking(talk, draft)
    show(talk.turn, talk.house, draft)


def _ask(talk: Talk, press: Press, draft: Draft) -> None:
    """The person is to write something: the title, the tone, another script."""
    if press.argument in (*WRITTEN, "script"):
        _await(talk, draft, {"what": press.argument, "draft": draft.id})


def _same(talk: Talk, press: Press, draft: Draft) -> None:
    contents, earlier = Contents.from_json(draft.contents), earlier_clip(talk.turn, draft)
    if contents.clip is not None or earlier is None:
        talk.tell("drafting.choice_gone")
        show(talk.turn, talk.house, draft)
        return
    talk.turn.drafts.change(draft, replace(contents, clip=earlier.clip, presenter=earlier.presenter))
    changed(talk.turn, talk.house, draft)


# ---------------------------------------------------------------- recordings


def _sound(talk: Talk, press: Press, draft: Draft) -> None:
    contents = Contents.from_json(draft.contents)
    if contents.sound is None:
        show(talk.turn, talk.house, draft)
    elif press.argument == "speech":
        spoken = replace(contents, speech=contents.sound, sound=None)
        talk.turn.drafts.change(draft, with_presenter(talk.turn, draft.chat_id, spoken))
        changed(talk.turn, talk.house, draft)
    elif press.argument == "keep":
        _await(talk, draft, {"what": "voice", "draft": draft.id, "file": contents.sound})
    elif press.argument == "ignore":
        put_sound_away(talk, draft)


def _speak(talk: Talk, press: Press, draft: Draft) -> None:
    """The script is to be spoken after all, not the recording."""
    talk.turn.drafts.change(draft, replace(Contents.from_json(draft.contents), speech=None))
    changed(talk.turn, talk.house, draft)


# ---------------------------------------------------------------- what is to be done


def _listen(talk: Talk, press: Press, draft: Draft) -> None:
    if press.argument in ("voice", "music"):
        what = press.argument
        talk.turn.errands.add(f"listen:{draft.id}:{what}", "listen", draft=draft.id, what=what)
        talk.tell("drafting.listen")


def _preview(talk: Talk, press: Press, draft: Draft) -> None:
    draw(talk.turn, draft)
    talk.tell("drafting.drawing")


def _start(talk: Talk, press: Press, draft: Draft) -> None:
    contents = Contents.from_json(draft.contents)
    if not contents.complete:
        talk.tell("drafting.incomplete")
        return
    if (error := view_of(talk.turn, talk.house, draft).error) is not None:
        talk.toast, talk.alarm = bare(in_words(talk.language, error))[:TOAST_CHARS], True
        show(talk.turn, talk.house, draft)
        return
    if draft.state == DraftState.OPEN:
        start(talk.turn, talk.house, draft)
    talk.tell("drafting.started" if draft.state == DraftState.STARTED else "drafting.starting")


def _look(talk: Talk, press: Press, draft: Draft) -> None:
    look_again(talk.turn, talk.house, draft)
    talk.tell("drafting.looking")


def _drop(talk: Talk, press: Press, draft: Draft) -> None:
    _stop_asking(talk, draft)
    talk.turn.drafts.set_state(draft, DraftState.DROPPED)
    show(talk.turn, talk.house, draft)


def _change(talk: Talk, draft: Draft, **options: Any) -> None:
    talk.turn.drafts.change(draft, Contents.from_json(draft.contents).with_options(**options))
    changed(talk.turn, talk.house, draft)


def _await(talk: Talk, draft: Draft, awaited: dict[str, Any]) -> None:
    talk.wait_for(awaited)
    show(talk.turn, talk.house, draft)
    if talk.who.id != draft.user_id:  # the card asks its owner only
        asked = talk.say(f"card.ask_{awaited['what']}").strip()
        if not talk.where.private:
            asked += "\n" + talk.say("card.in_group")
        talk.show(Content(asked))


def _stop_asking(talk: Talk, draft: Draft) -> None:
    awaited = talk.turn.people.awaited(talk.where.chat_id, talk.who.id)
    if awaited and awaited.get("draft") == draft.id:
        talk.wait_for(None)


PRESSES: dict[str, Callable[[Talk, Press], None]] = {
    "d.pick": _on_open(_pick),
    "d.set": _on_open(_set),
    BACK: _on_open(_back),
    "d.ask": _on_open(_ask),
    "d.same": _on_open(_same),
    "d.sound": _on_open(_sound),
    "d.speak": _on_open(_speak),
    "d.listen": _on_open(_listen),
    "d.preview": _on_open(_preview),
    "d.start": _on_open(_start),
    "d.look": _on_open(_look),
    "d.drop": _on_open(_drop),
}
