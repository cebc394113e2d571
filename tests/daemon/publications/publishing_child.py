"""A process that publishes until it is killed: `python -m …publishing_child CONFIG BEGAN FASTER`.

What the book calls a second passes FASTER times as fast since BEGAN (seconds since 1970), so that pauses
between two tries last moments; and a kind that waits between two of its own tries waits as little. Says "up"
when it is at work.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from functools import partial
from pathlib import Path

from daemon.config_file import load
from daemon.publications import opening
from daemon.publications.book import Book
from daemon.publications.desk import Desk
from daemon.publications.publisher import Publisher
from daemon.queue import Queue
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.peertube import upload as peertube
from handlers.publish.kinds.s3 import upload as s3
from handlers.publish.kinds.youtube import upload as youtube
from tests.daemon.publications.kit import Unheard

PIECE = 1 << 20


def main(config: Path, began: float, faster: float) -> None:
    def now() -> dt.datetime:
        return dt.datetime.fromtimestamp(began + (time.time() - began) * faster, dt.UTC)

    patient = partial(Surroundings, sleep=lambda seconds: time.sleep(seconds / faster))
    vars(opening)["Surroundings"] = patient
    peertube.PIECE, youtube.PIECE, youtube.STEP, s3.PART = PIECE, PIECE, PIECE // 4, PIECE
    loaded = load(config).config
    book = Book(Queue(loaded.database).database, now=now)
    publisher = Publisher(book, Desk(loaded, book), Unheard())
    ours = os.getppid()
    publisher.start()
    print("up", flush=True)
    while os.getppid() == ours:  # who began it may have been killed, too
        publisher.look()
        time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
