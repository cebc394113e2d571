"""A command: what it does, and for whom. Its words for the list of commands are "menu.NAME"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handlers.telegram.incoming import Said
from handlers.telegram.talk import Talk


@dataclass(frozen=True)
class Command:
    """private: its answer is not for the eyes of a group."""

    do: Callable[[Talk, Said], None]
    admin_only: bool = False
    private: bool = False
