"""Become another program, one that dies with all of its process group when the process that started it dies.

    python -I -S leash.py LIFELINE ERRORS PROGRAM [ARGUMENT…]     (by its whole path)

LIFELINE: the end of a pipe whose other end only that process has (models/lifeline.py). ERRORS: the end of a
pipe that gets the number of the error when there can be no such program; nothing when there is one.
Leads a process group already.
"""

import os
import sys


def main() -> None:
    lifeline, errors, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    sys.path.insert(0, __file__.rsplit("/", 3)[0])
    from models.lifeline import hold

    os.set_inheritable(errors, False)
    hold(lifeline)
    try:
        os.execv(program[0], program)
    except OSError as e:
        os.write(errors, str(e.errno).encode())


if __name__ == "__main__":
    main()
