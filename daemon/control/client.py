"""Talking to the daemon over its control socket, from commands and doors."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from daemon.control import unix_socket
from models.errors import BadInput, StageFailed, Unavailable, VigentdError

READ_S = 30.0  # longer than the daemon's keep-alive
NUDGE_S = 0.3


class DaemonAway(Unavailable):
    """Nobody answers on the control socket."""

    default_code = "daemon_away"


class NobodyListens(DaemonAway):
    """There is no socket, or nobody behind it."""


class Client:
    """path: of the control socket. read_timeout_s: how long the daemon may be silent in an answer.

    Methods raise DaemonAway, and the errors that the daemon answers with.
    """

    def __init__(self, path: Path, *, read_timeout_s: float = READ_S) -> None:
        self._path = path
        self._read_timeout_s = read_timeout_s

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self._ask("POST", path, None if body is None else json.dumps(body).encode())

    def events(self, job: str | None = None) -> EventStream:
        """What happens, live; of one job, or of all. The first event is "hello"."""
        query = "" if job is None else "?job=" + quote(os.fsencode(job), safe="")
        connection = self._connection()
        try:
            with _away():
                connection.request("GET", "/events" + query)
                response = connection.getresponse()
                if response.status != 200:
                    raise _error(response.status, response.read())
        except BaseException:
            connection.close()
            raise
        return EventStream(connection, response)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        with contextlib.closing(self._connection()) as connection, _away():
            connection.request(method, path, body, {"Connection": "close"})
            response = connection.getresponse()
            said = response.read()
            if response.status >= 400:
                raise _error(response.status, said)
            return json.loads(said)

    def _connection(self) -> _Connection:
        return _Connection(self._path, self._read_timeout_s)


class EventStream:
    """An iterator over events (dicts with "event" and "at"). It ends when the daemon does; when nothing at
    all arrives any more it raises DaemonAway. Close it, or use `with`."""

    def __init__(self, connection: _Connection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        with _away():
            while line := self._response.readline():
                if not line.endswith(b"\n"):  # the daemon died while it wrote
                    break
                if not line.isspace():
                    event: dict[str, Any] = json.loads(line)
                    return event
        raise StopIteration

    def hang_up(self) -> None:
        """From any thread: whoever waits for the next event comes to the end of the stream."""
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def nudge(path: Path) -> None:
    """Tells the daemon that the database has changed. Without one, nothing; and never more than 0.3 s."""
    until = time.monotonic() + NUDGE_S
    with contextlib.suppress(OSError), unix_socket.connect(path, NUDGE_S) as connection:
        connection.sendall(b"POST /wake HTTP/1.1\r\nHost: vigentd\r\nContent-Length: 0\r\n\r\n")
        # Gone before its answer, the client would be taken for one that does not want it any more.
        connection.settimeout(max(until - time.monotonic(), 0.001))
        connection.recv(1)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("vigentd", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = unix_socket.connect(self._path, self._timeout_s)


@contextlib.contextmanager
def _away() -> Iterator[None]:
    """Turns what can go wrong on the way to the daemon and back into DaemonAway."""
    try:
        yield
    except TimeoutError as e:
        raise DaemonAway(
            "The daemon does not answer",
            code="daemon_silent",
            hint="Its log may say why; a restart of the daemon loses no job.",
        ) from e
    except (FileNotFoundError, ConnectionRefusedError) as e:
        raise NobodyListens("No daemon is running", hint="`vigentd run` starts one.") from e
    except PermissionError as e:
        raise DaemonAway(
            "The daemon belongs to another user", code="daemon_not_yours", hint="Use its user's account."
        ) from e
    except (OSError, http.client.HTTPException, ValueError) as e:  # ValueError: half of an answer
        raise DaemonAway("The daemon broke off its answer", hint="Try again in a moment.") from e


def _error(status: int, body: bytes) -> VigentdError:
    told = json.loads(body)["error"]
    kind = BadInput if status < 500 else Unavailable if status == 503 else StageFailed
    return kind(str(told["message"]), code=str(told["code"]), hint=str(told["hint"]))
