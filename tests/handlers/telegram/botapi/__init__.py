"""A Telegram Bot API server for tests: real HTTP, and people who use the bot."""

from tests.handlers.telegram.botapi.calls import Call, Calls
from tests.handlers.telegram.botapi.content import Button, Content, Edit, Media
from tests.handlers.telegram.botapi.faults import Fault, Faults, Kind, Storm
from tests.handlers.telegram.botapi.groups import Group
from tests.handlers.telegram.botapi.measure import Shape
from tests.handlers.telegram.botapi.pace import Limits
from tests.handlers.telegram.botapi.people import Person
from tests.handlers.telegram.botapi.seat import Seat
from tests.handlers.telegram.botapi.server import BotApi
from tests.handlers.telegram.botapi.state import Chat, Message, Query

__all__ = [
    "BotApi",
    "Button",
    "Call",
    "Calls",
    "Chat",
    "Content",
    "Edit",
    "Fault",
    "Faults",
    "Group",
    "Kind",
    "Limits",
    "Media",
    "Message",
    "Person",
    "Query",
    "Seat",
    "Shape",
    "Storm",
]
