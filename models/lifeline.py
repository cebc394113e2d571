"""A pipe that nothing is ever written to: when one end closes, the kernel kills who holds the other.

However a process ends, the kernel closes what it had open. A host has asked the kernel to be sent
SIGKILL, with all of its process group, when that happens to its parent's end of the pipe. So it needs
no thread of its own to notice: it dies even while native code holds the interpreter.

PR_SET_PDEATHSIG (tether.py) would do less here. Its signal comes when the *thread* that started the
process ends, and it reaches that one process, not what it has started.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal


def hold(end: int) -> None:
    """From now on this process, which leads its process group, dies with the other end of the pipe."""
    fcntl.fcntl(end, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC)
    closed = select.poll()
    closed.register(end, select.POLLHUP)
    if closed.poll(0):  # before the kernel was asked
        os.killpg(os.getpgrp(), signal.SIGKILL)
