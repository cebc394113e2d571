"""Takes up bundles: the files of each go into .work/ID, and the database knows them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Collection, Mapping

from daemon.intakes import Intake
from handlers.inbox.bundles.bundle import Bundle, Held
from handlers.inbox.claim.take import Changed, take
from handlers.inbox.ledger import Ledger
from handlers.inbox.look.scan import Found, Mark
from handlers.inbox.names import shown
from handlers.inbox.places import Places
from models.errors import FULL

LEAST_ROOM = 2**20  # bytes on the disk of the inbox: names and manifests take some, too
OF_THE_DISK = {errno.EROFS, errno.EIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN}


class Taker:
    """owner: the data folder. chance: a random number below the one given. tell: gets what happened."""

    def __init__(
        self,
        inbox: str,
        places: Places,
        ledger: Ledger,
        owner: str,
        chance: Callable[[int], int],
        tell: Callable[..., None],
    ) -> None:
        self.in_hand = ""  # what is being taken up this very moment
        self.cluttered = True  # whether there may be something in .work that does not belong there
        self._inbox = inbox
        self._places = places
        self._ledger = ledger
        self._owner = owner
        self._chance = chance
        self._tell = tell
        self._no_room: dict[str, str] = {}  # for what there was no room to take it up → why
        self._not_taken: dict[str, Held] = {}  # since the last look

    def take(self, bundle: Bundle, found: Mapping[str, Found]) -> Intake | None:
        """None: it changes, or has changed at the last moment, or is not to be had; it is tried again.

        Raises OSError of the whole disk, Unavailable of the database.
        """
        name = bundle.folder or bundle.sources[0].name
        self.in_hand = bundle.name
        try:
            return self._take(bundle, name, found)
        finally:
            self.in_hand = ""

    def held(self) -> list[Held]:
        """What could not be taken at the last look."""
        held, self._not_taken = list(self._not_taken.values()), {}
        return held

    def why(self, found: Collection[str]) -> str:
        """For what there is no room, of what is found; "" when there is."""
        self._no_room = {name: why for name, why in self._no_room.items() if name in found}
        return next(iter(self._no_room.values()), "")

    def full(self) -> str:
        """Why nothing can be taken up at all; "" when there is room."""
        if shutil.disk_usage(self._places.root).free >= LEAST_ROOM:
            return ""
        return f"There is no room on the disk of the inbox {self._places.root}"

    def _take(self, bundle: Bundle, name: str, found: Mapping[str, Found]) -> Intake | None:
        intake_id = self._ledger.free_id(self._chance)
        try:
            taken = take(self._places, bundle, _marks(bundle, found), intake_id, self._owner)
        except Changed as e:
            hint = "It is taken up when it is closed and does not change."
            self._not_taken[name] = Held(name, str(e), hint)
            for lost in e.aside:
                self._tell("put_aside", file=shown(lost.name))
            return None
        except OSError as e:
            self.cluttered = os.path.lexists(self._places.work / intake_id)  # it could not go back either
            self._not_taken[name] = self._why_not(name, e)
            return None
        self._no_room.pop(name, None)
        self.cluttered = True  # until the database knows it
        intake = self._ledger.begin(self._inbox, taken)
        self.cluttered = False
        self._tell("taken", id=intake.id, name=intake.name, files=len(taken.files))
        return intake

    def _why_not(self, name: str, error: OSError) -> Held:
        """Raises the error when it is one of the whole disk."""
        why = f"{shown(name)} cannot be taken up: {error.strerror}"
        if error.errno in FULL:  # there may be enough for others: this one may have to be copied
            self._no_room[name] = why
            return Held(name, why, "Make room on the disk of the inbox.")
        if error.errno in OF_THE_DISK:
            raise error
        return Held(name, why, "Check its rights, or drop it again.", helpless=True)


def _marks(bundle: Bundle, found: Mapping[str, Found]) -> dict[str, Mark]:
    if bundle.folder is not None:
        return {entry.name: entry.mark for entry in found[bundle.folder].inner}
    return {source.name: found[source.name].entry.mark for source in bundle.sources}
