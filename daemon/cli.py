"""`vigentd`: the program begins here, before anything is imported that takes time.

Ctrl-C is one word from its first moment on; nothing but a fault of Python's own start shows a traceback.
"""

from __future__ import annotations

import gc
import sys

INTERRUPTED = 1  # the job or the check did not come to its end


def main() -> None:
    # Imports make no garbage, and looking for it among them takes a quarter of the time of `vigentd ls`.
    gc.disable()
    try:
        from daemon.commands import streams

        streams.prepare()
        from daemon.commands import quick

        code = quick.answer(sys.argv[1:])
        if code is None:
            from daemon.command_line import run

            code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = _interrupted()
    sys.exit(code)


def _interrupted() -> int:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not break into the last word
    if sys.stderr is not None:
        print("error: interrupted", file=sys.stderr)
    return INTERRUPTED


if __name__ == "__main__":
    main()
