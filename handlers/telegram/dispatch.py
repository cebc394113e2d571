"""What becomes of an update: who said it, whether they may, and which handler takes it. All in one turn."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from telegram import Update

from daemon.chats import Standing
from handlers.telegram import access
from handlers.telegram.arrivals import Me, incoming
from handlers.telegram.buttons import Press
from handlers.telegram.commands import COMMANDS, Command
from handlers.telegram.content import Content
from handlers.telegram.drafting.awaited import stop_waiting
from handlers.telegram.drafting.said import said as taken
from handlers.telegram.errors import in_words
from handlers.telegram.house import House
from handlers.telegram.incoming import Incoming, Moved, Pressed, Said
from handlers.telegram.poll import Toast
from handlers.telegram.store.ledger import Turn
from handlers.telegram.talk import Talk
from handlers.telegram.texts import spoken_by
from handlers.telegram.verbs import PRESSES
from models.errors import BadInput, Unavailable

TOAST_CHARS = 200


class Dispatch:
    """told: called when there may be something to send or to do. promoted: the admins, as far as they can be
    written to, are others now.

    Raises Unavailable of the database: nothing was written, and the update is to be handed in again.
    """

    def __init__(
        self,
        house: House,
        told: Callable[[], None] = lambda: None,
        promoted: Callable[[], None] = lambda: None,
    ) -> None:
        self._house = house
        self._told = told
        self._promoted = promoted
        self._at_work: Incoming | None = None  # the update that was handed in last

    def __call__(self, update: Update) -> Toast | None:
        self._at_work = None
        bot = update.get_bot()
        found = incoming(update, Me(bot.id, bot.username))
        if found is not None:
            return self.handle(found)
        self._done_with(update.update_id)
        return None

    def handle(self, arrived: Incoming) -> Toast | None:
        """The answer to a press, also to one that was handled before; None for everything else."""
        self._at_work = arrived
        with self._house.ledger.turn_for(arrived.update_id) as turn:
            if turn is None:
                return Toast(arrived.query_id) if isinstance(arrived, Pressed) else None
            turn.then(self._told)
            if isinstance(arrived, Moved):
                turn.moved(arrived.old, arrived.new)
                return None
            with self._noting_admins(turn):
                return self._answered(turn, arrived)

    def _answered(self, turn: Turn, arrived: Said | Pressed) -> Toast | None:
        talk = self._admitted(turn, arrived)
        if talk is None:
            return None
        if isinstance(arrived, Said):
            self._heard(talk, arrived)
            return None
        self._pressed(talk, arrived.press)
        return Toast(arrived.query_id, talk.toast, talk.alarm)

    @contextmanager
    def _noting_admins(self, turn: Turn) -> Iterator[None]:
        """Whoever can be asked from now on is asked about those who came before them."""
        config = self._house.config
        before = [admin.user_id for admin in access.reachable(turn, config)]
        yield
        now = access.reachable(turn, config)
        for admin in now:
            if admin.user_id not in before:
                access.offer(turn, config, admin)
        if [admin.user_id for admin in now] != before:
            turn.then(self._promoted)

    def broken(self, update_id: int) -> None:
        """A fault of ours: nothing of that update was written. It is done with, and whoever waits is told."""
        arrived = self._at_work
        try:
            if isinstance(arrived, Said | Pressed) and arrived.update_id == update_id:
                self._apologise(arrived)
        except Unavailable:
            raise
        except Exception as e:  # the same fault again: then nobody can be told
            self._house.log.error("apology_failed", trace=e, update=update_id)
        self._done_with(update_id)

    def _apologise(self, arrived: Said | Pressed) -> None:
        with self._house.ledger.turn_for(arrived.update_id) as turn:
            talk = self._admitted(turn, arrived) if turn is not None else None
            if talk is not None:
                talk.turn.then(self._told)
                talk.answer("dispatch.broken")

    def _done_with(self, update_id: int) -> None:
        with self._house.ledger.turn_for(update_id):
            pass

    def _admitted(self, turn: Turn, arrived: Said | Pressed) -> Talk | None:
        """None: nobody gets an answer."""
        if isinstance(arrived, Said) and not arrived.to_us and not arrived.where.private:
            return None
        config, who = self._house.config, arrived.who
        person = turn.people.met(who)
        turn.people.chat(arrived.where)
        turn.messages.somebody_is_there(arrived.where.chat_id)
        before = access.standing(config, person)
        if not access.welcome(turn, self._house, arrived):
            return None
        return Talk(
            turn=turn,
            house=self._house,
            who=who,
            where=arrived.where,
            language=spoken_by(turn.people.settings(arrived.where.chat_id).language or who.language),
            admin=before == Standing.ADMIN,
            update_id=arrived.update_id,
            message_id=arrived.message_id,
        )

    # ------------------------------------------------------------ messages

    def _heard(self, talk: Talk, said: Said) -> None:
        try:
            with self._all_or_nothing(talk):
                if _is_command(talk, said):
                    _command(talk, said)
                elif said.text or said.attachment or talk.where.private:
                    taken(talk, replace(said, command="", argument=""))
                else:
                    talk.answer("dispatch.mentioned")
        except BadInput as e:
            stop_waiting(talk)  # it was taken back with the rest
            talk.show(Content(in_words(talk.language, e.as_dict())))

    def _pressed(self, talk: Talk, press: Press) -> None:
        do = PRESSES.get(press.verb)
        if do is None:
            talk.tell("dispatch.old_button")
            return
        try:
            with self._all_or_nothing(talk):
                do(talk, press)
        except BadInput as e:
            words = html.unescape(in_words(talk.language, e.as_dict()))
            talk.toast, talk.alarm = words[:TOAST_CHARS], True

    @contextmanager
    def _all_or_nothing(self, talk: Talk) -> Iterator[None]:
        """A handler that refuses has done nothing: what it wrote before is taken back."""
        planned = len(talk.turn.afterwards)
        try:
            with self._house.queue.database.writing():
                yield
        except BadInput:
            del talk.turn.afterwards[planned:]
            raise


def _is_command(talk: Talk, said: Said) -> bool:
    """ "/10 things to know" is a text. And under a clip stands a script, unless it is a command of ours."""
    if not said.command or said.command[0].isdigit():
        return False
    return said.attachment is None or _known(talk, said) is not None


def _known(talk: Talk, said: Said) -> Command | None:
    command = COMMANDS.get(said.command)
    return None if command is None or (command.admin_only and not talk.admin) else command


def _command(talk: Talk, said: Said) -> None:
    if said.edited:  # it was done when it was sent
        return
    asked = stop_waiting(talk)
    command = _known(talk, said)
    if command is None:
        if talk.where.private:
            talk.answer("dispatch.unknown_command")
        return
    if command.private and not talk.where.private:
        talk.answer("dispatch.in_private")
        return
    if said.command == "cancel" and asked and not said.argument:  # it means the question, not a job
        talk.answer("dispatch.not_asked")
        return
    command.do(talk, said)
    if said.attachment is not None and said.command != "new":
        taken(talk, replace(said, command="", argument="", text=""))
