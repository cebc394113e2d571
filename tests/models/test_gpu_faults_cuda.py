"""Real faults of CUDA in a real host on a real GPU: each is recognised, and the next host works.

python -m tests.models.test_gpu_faults_cuda        also without pytest; prints how long each took
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, ClassVar

from models import gpus
from models.host import Host, HostDied, Plan
from models.host_errors import GpuFault
from models.progress import Quiet

WORK = "tests.models.cuda_work"
LOADS_S = 120.0

# what happens → which fault it is to be taken for, and a word of the message
FAULTS = {
    "out_of_range": ("context", "device-side assert"),
    "asserts_and_dies": ("context", "device-side assert"),
    "somebody_elses_memory": ("context", "illegal memory access"),
    "odd_address": ("context", "misaligned address"),
    "traps": ("context", ""),
    "too_much": ("memory", "memory"),
}


@unittest.skipUnless(gpus.present(), "there is no NVIDIA GPU here")
class GpuFaultsOnCuda(unittest.TestCase):
    took: ClassVar[dict[str, str]] = {}

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vigentd-gpu-"))
        self.hosts: list[Host] = []

    def tearDown(self) -> None:
        for host in self.hosts:
            host.stop(0)
        shutil.rmtree(self.folder, ignore_errors=True)

    def started(self, device: str = "cuda:0") -> Host:
        log, scratch = self.folder / "host.log", self.folder / f"tmp{len(self.hosts)}"
        host = Host(Plan("media", load=f"{WORK}:load", device=device), log=log, scratch=scratch)
        self.hosts.append(host)
        host.start()
        return host

    def ask(self, host: Host, do: str) -> Any:
        return host.ask(f"{WORK}:{do}", {}, Quiet())

    def ready(self) -> Host:
        host = self.started()
        self.assertTrue(host.wait_ready(LOADS_S), self.said())
        return host

    def said(self) -> str:
        log = self.folder / "host.log"
        return log.read_text("utf-8", "replace")[-3000:] if log.exists() else ""

    def test_each_fault_is_recognised_and_the_next_process_works(self) -> None:
        for do, (kind, word) in FAULTS.items():
            with self.subTest(do):
                host = self.ready()
                self.assertEqual(self.ask(host, "works"), host.pid)
                began = time.monotonic()
                with self.assertRaises(GpuFault, msg=self.said()) as told:
                    self.ask(host, do)
                found_s = time.monotonic() - began
                self.assertEqual(told.exception.kind, kind, told.exception.message)
                self.assertIn(word, told.exception.message)
                self.assertFalse(host.alive)
                with self.assertRaises(HostDied):
                    self.ask(host, "works")
                following = self.ready()
                self.assertEqual(self.ask(following, "works"), following.pid)
                self.note(do, told.exception.message, found_s, time.monotonic() - began)
                following.stop(0)

    def test_a_process_that_is_killed_is_no_fault_of_the_gpu(self) -> None:
        host = self.ready()
        began = time.monotonic()
        with self.assertRaises(HostDied) as told:
            self.ask(host, "is_killed")
        self.assertNotIsInstance(told.exception, GpuFault)
        self.assertIn("SIGKILL", told.exception.message)
        found_s = time.monotonic() - began
        following = self.ready()
        self.assertEqual(self.ask(following, "works"), following.pid)
        self.note("is_killed", told.exception.message, found_s, time.monotonic() - began)

    def test_a_gpu_that_is_not_there_is_lost(self) -> None:
        began = time.monotonic()
        host = self.started("cuda:99")
        with self.assertRaises(GpuFault, msg=self.said()) as told:
            host.wait_ready(LOADS_S)
        self.assertEqual(told.exception.kind, "lost", told.exception.message)
        self.assertTrue(told.exception.lasting)
        self.note("no such GPU", told.exception.message, time.monotonic() - began, float("nan"))

    def note(self, what: str, message: str, found_s: float, again_s: float) -> None:
        self.took[what] = f"{what:24} found {found_s:6.2f} s   working again {again_s:6.2f} s   {message}"


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=2).result
    print("\n".join(GpuFaultsOnCuda.took.values()))
    sys.exit(0 if outcome.wasSuccessful() else 1)
