"""What Telegram marks in what people write: commands, mentions, addresses."""

from __future__ import annotations

import re

from tests.handlers.telegram.botapi.content import Entity
from tests.handlers.telegram.botapi.markup import units

KINDS = {
    "bot_command": r"(?<![\w/@.])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w@])",
    "url": r"(?<![\w@])(?:https?://[^\s<>]+[^\s<>.,;:!?)\]]|(?:[a-z0-9-]+\.)+(?:com|org|net|io)(?:/[^\s<>]*)?)",
    "mention": r"(?<![\w@/.])@[A-Za-z][A-Za-z0-9_]{2,31}\b",
}
MARKED = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))


def found(text: str) -> tuple[Entity, ...]:
    """In the order of the text; offsets in UTF-16 units."""
    return tuple(
        {"type": m.lastgroup, "offset": units(text[: m.start()]), "length": units(m[0])}
        for m in MARKED.finditer(text)
    )
