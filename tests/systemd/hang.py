"""Faults that a signal brings about: laid on the daemon's PYTHONPATH as sitecustomize, on test machines only.

No test imports this: importing it is what arms it. product.py has the signals' names.
"""

import os
import signal
import socket
import threading
import time

BLOCK = signal.SIGRTMIN + 1  # the main thread, and so the event loop, stands still for ever
BLOCK_AND_FEED = signal.SIGRTMIN + 2  # … while something goes on to tell systemd that all is well
NOTIFY = os.environ.get("NOTIFY_SOCKET", "")  # before anybody takes it away


def _feed() -> None:
    address = "\0" + NOTIFY[1:] if NOTIFY.startswith("@") else NOTIFY
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        while True:
            notify.sendto(b"WATCHDOG=1", address)
            time.sleep(5)


def _block(number: int, _: object) -> None:
    if number == BLOCK_AND_FEED:
        threading.Thread(target=_feed, daemon=True).start()
    time.sleep(86400)


for each in (BLOCK, BLOCK_AND_FEED):
    signal.signal(each, _block)
