"""The daemon's log: what happened, one line an event, to stderr and to a file that does not grow for ever.

    2026-11-21T22:39:25.612Z held because="Only 1.2 GB are free for /data, …"
    2026-11-21T22:39:26.001Z aiohttp.server level=error message="Error handling request"
    {"time": "2026-11-21T22:39:25.612Z", "level": "info", "event": "swept", "removed": 3}

It stands on the standard library's logging, so that what libraries warn about comes out in the same shape.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final, TextIO

from pydantic import BaseModel, SecretStr

from daemon.config import Config
from daemon.folders import make_private
from daemon.jobs import iso
from daemon.logs import logline
from daemon.logs.joblog import private

FILE_NAME = "vigentd.log"
FILE_BYTES, FILES = 5_000_000, 5
TAIL_BYTES = 20_000
OURS: Final = "vigentd"
_PRIORITIES = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}  # syslog's


class Log:
    """What the parts of the daemon write to; any thread may. No method raises.

    There is one log in a process: a second `Log`, or `configure` again, takes the place of the first.
    """

    def __init__(self, config: Config, stderr: TextIO | None = None) -> None:
        """stderr: another stream in its place."""
        self._stderr = stderr
        self._logger = logging.getLogger(OURS)
        self._mask = logline.Mask()
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Level, format, folder and secrets as they are now; the file is opened anew. A secret that was
        masked once stays masked."""
        self.close()
        self.mask_all(config)
        stream = self._stderr or sys.stderr
        as_json = config.log.format == "json"
        journal = _is_journal(stream)
        told = _Told(stream)
        told.setFormatter(_Json(self._mask, journal) if as_json else _Text(self._mask, journal))
        self._path = config.logs / FILE_NAME
        kept = _File(self._path)
        kept.setFormatter(_Json(self._mask) if as_json else _Text(self._mask))
        level: int = logging.getLevelNamesMapping()[config.log.level.upper()]
        self._logger.setLevel(level)
        root = logging.getLogger()
        root.setLevel(max(level, logging.WARNING))  # libraries tell at lower levels what they do all day
        root.addHandler(told)
        root.addHandler(kept)
        logging.captureWarnings(True)

    def close(self) -> None:
        """Nothing is written any more."""
        logging.captureWarnings(False)
        root = logging.getLogger()
        for handler in [h for h in root.handlers if isinstance(h, _Told | _File)]:
            root.removeHandler(handler)
            handler.close()

    def mask(self, secret: str) -> None:
        """One more secret that must not be written."""
        self._mask.add(secret)

    def mask_all(self, section: BaseModel) -> None:
        """All that is marked as secret there."""
        for secret in _secrets(section):
            self._mask.add(secret)

    def tail(self, lines: int) -> str:
        """The last lines that were written, without secrets; "" when there is no file."""
        try:
            with self._path.open("rb") as f:
                f.seek(max(f.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
                return "\n".join(f.read().decode("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""

    def debug(self, name: str, /, **facts: object) -> None:
        self._say(logging.DEBUG, name, facts)

    def event(self, name: str, /, **facts: object) -> None:
        self._say(logging.INFO, name, facts)

    def warning(self, name: str, /, **facts: object) -> None:
        self._say(logging.WARNING, name, facts)

    def error(self, name: str, /, *, trace: BaseException | None = None, **facts: object) -> None:
        """trace: a fault of ours, whose traceback is to stand below the line."""
        self._say(logging.ERROR, name, facts, trace)

    def _say(
        self, level: int, name: str, facts: Mapping[str, object], trace: BaseException | None = None
    ) -> None:
        info = (type(trace), trace, trace.__traceback__) if trace else None
        # The name is an argument, so that a "%" in it stays one.
        self._logger.log(level, "%s", name, exc_info=info, extra={"facts": facts})


# ---------------------------------------------------------------- the shape of a line


class _Shape(logging.Formatter):
    """journal: the line goes to systemd's journal, which has a time of its own and wants the level."""

    def __init__(self, mask: logline.Mask, journal: bool = False) -> None:
        super().__init__()
        self._mask, self._journal = mask, journal

    def format(self, record: logging.LogRecord) -> str:
        text = self._mask(self._shaped(record))
        if self._journal:
            priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
            text = "\n".join(priority + line for line in text.split("\n"))
        return text

    def _shaped(self, record: logging.LogRecord) -> str:
        raise NotImplementedError


class _Text(_Shape):
    def _shaped(self, record: logging.LogRecord) -> str:
        name, facts = _said(record)
        if record.levelno > logging.INFO:
            facts = {"level": record.levelname.lower(), **facts}
        text = logline.line(name, facts)
        if not self._journal:
            text = f"{_time(record)} {text}"
        error = _error(record)
        return text if error is None else f"{text}\n{logline.trace(error)}".rstrip()


class _Json(_Shape):
    def _shaped(self, record: logging.LogRecord) -> str:
        name, facts = _said(record)
        said: dict[str, object] = {"time": _time(record), "level": record.levelname.lower(), "event": name}
        for key, value in facts.items():
            said[f"{key}_" if key in said else key] = value
        error = _error(record)
        if error is not None:
            said["trace"] = logline.trace(error)
        return json.dumps(_finite(said), ensure_ascii=False, default=str)


def _said(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """Name and facts; a library's message is the fact of an event that has the library's name."""
    if record.name == OURS:
        return record.getMessage(), dict(getattr(record, "facts", {}))
    try:
        message = record.getMessage()
    except Exception:  # arguments that do not fit their message: a library's fault, and not ours to raise
        message = str(record.msg)
    return record.name, {"message": message}


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _time(record: logging.LogRecord) -> str:
    return iso(dt.datetime.fromtimestamp(record.created, dt.UTC))


def _finite(value: Any) -> Any:
    """JSON has no infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


# ---------------------------------------------------------------- where the lines go


class _Told(logging.StreamHandler[TextIO]):
    """To stderr, as long as there is one."""

    def handleError(self, record: logging.LogRecord) -> None:
        """The line is lost, and the work goes on."""


class _File(RotatingFileHandler):
    """To the newest of five files, for their owner only. A full disk costs lines, not the work."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            maxBytes=FILE_BYTES,
            backupCount=FILES - 1,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        make_private(path.parent)
        return open(path, "a", encoding="utf-8", errors="backslashreplace", opener=private)

    def handleError(self, record: logging.LogRecord) -> None:
        """The line is lost, and the work goes on. The next one tries the file anew."""
        stream, self.stream = self.stream, None  # as the base class does
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().close()


def _is_journal(stream: TextIO | None) -> bool:
    """systemd names the journal's socket; a child whose stderr goes elsewhere inherits only the name."""
    try:
        there = os.fstat(stream.fileno()) if stream else None
    except (OSError, ValueError):
        return False
    return there is not None and os.environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


def _secrets(section: BaseModel) -> Iterator[str]:
    """All that the configuration marks as secret, wherever in it."""
    return _secrets_in(dict(section))


def _secrets_in(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets_in(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _secrets_in(inner)
