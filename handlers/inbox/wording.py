"""Messages speak of the files as the person called them, and not as they are kept meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path


def in_their_words(text: str, names: Mapping[Path, str], others: Iterable[str] = ()) -> str:
    """The text with the person's name wherever that of the kept file stands, with its path or without.

    names: of each kept file, what people call it. others: names of files that are told as they are.
    """
    # Whole names only, and none within that of another file: somebody's is "my clip.mp4".
    words = {name: name for name in (*names.values(), *others)} | {
        kept: name
        for path, name in names.items()
        for kept in (str(path), str(path).encode("utf-8", "replace").decode(), path.name)
    }
    if not words:
        return text
    longest_first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.sub(rf"(?<![\w./-])({longest_first})(?![\w/-])", lambda found: words[found[1]], text)
