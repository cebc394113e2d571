"""Become another program, one that dies when the process that started it dies.

    python -I -S tether.py PARENT_PID PROGRAM [ARGUMENT…]

A killed worker must not leave an encoder behind. Linux offers PR_SET_PDEATHSIG for that, which has to
be called in the child between fork and exec. `preexec_fn` would do so in a copy of a process with
many threads, where any lock may be held for ever; this small program does it after an exec of its
own, where there is one thread and nothing to wait for. It costs 20 ms.

The signal comes when the *thread* that started this program ends, so that thread has to wait for it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        return  # it died before the call above could notice
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
