"""Unix sockets under any path, for their owner only.

The kernel takes a path of 107 bytes at most, and a data folder may have a longer one. So the folder is
opened, and the socket is named by way of its descriptor, which is always short.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path


def connect(path: Path, timeout_s: float) -> socket.socket:
    """timeout_s: for this, and for every read and write afterwards. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # While many wait to be accepted, only a blocking connect waits for its turn: as long as this says.
        seconds, rest = divmod(timeout_s, 1)
        wait = struct.pack("@ll", int(seconds), int(rest * 1e6))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        with _short(path) as name:
            connection.connect(name)
        connection.settimeout(timeout_s)
    except BlockingIOError as e:
        connection.close()
        raise TimeoutError(errno.ETIMEDOUT, "it takes no more connections") from e
    except BaseException:
        connection.close()
        raise
    return connection


def listen(path: Path) -> socket.socket:
    """The socket file is made with mode 0600, in the place of one that nobody listens to any more.

    Raises OSError: EADDRINUSE when somebody does, EEXIST when it is no socket that has this name.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The file gets the mode of the descriptor, less the umask. Changing the umask instead would
        # reach into the files that other threads make at that moment.
        os.fchmod(listener.fileno(), 0o600)
        with _short(path) as name:
            _clear(name)
            listener.bind(name)
            Path(name).chmod(0o600)  # a strict umask has taken away too much
        listener.listen()  # not before now can anybody connect
    except BaseException:
        listener.close()
        raise
    return listener


def _clear(name: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(name).st_mode):
            raise FileExistsError(errno.EEXIST, "another file has this name")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(name)
        except ConnectionRefusedError:
            Path(name).unlink(missing_ok=True)
            return
        except BlockingIOError:  # so many wait there that it takes no more: it lives
            pass
    raise OSError(errno.EADDRINUSE, "another process listens there")


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
