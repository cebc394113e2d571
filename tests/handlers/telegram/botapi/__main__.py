"""python -m tests.handlers.telegram.botapi: starts the server by hand, with one person in it."""

from __future__ import annotations

import signal

from tests.handlers.telegram.botapi.server import BotApi


def main() -> None:
    with BotApi() as api:
        anna = api.person(7, "Anna")
        print(f"token          {api.token}")
        print(f"base_url       {api.base_url}")
        print(f"base_file_url  {api.base_file_url}")
        print("Lines you type are sent by Anna (id 7); an empty line shows her chat; Ctrl-C ends it.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while True:
                line = input()
                if line:
                    anna.send_text(line)
                else:
                    print(anna.chat)
        except (EOFError, KeyboardInterrupt):
            pass


if __name__ == "__main__":
    main()
