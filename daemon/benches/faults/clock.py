"""Another time of day for one daemon, while the machine's own clock is left alone.

A few lines of C stand before the C library's (LD_PRELOAD) and add a number of seconds, which the bench may
change, to the time of day. Monotonic clocks, and what the kernel itself waits for, are as they were: this is
the jump of a clock that is set, not a machine that was asleep.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daemon.benches.faults.skipped import Skipped

FILE = "clock"
VARIABLE = "BENCH_CLOCK"
SLACK_S = 3600.0

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *ahead;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("BENCH_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *there = mmap(0, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
    if (there != MAP_FAILED) ahead = there;
    close(file);
}

static long long seconds(void) { return ahead ? *ahead : 0; }

int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, at);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) at->tv_sec += seconds();
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(at, zone);
    if (!failed && at) at->tv_sec += seconds();
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def own(folder: Path) -> dict[str, Any]:
    """For a House: its daemon has a clock of its own. Raises Skipped without a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise Skipped("there is no C compiler")
    folder.mkdir(parents=True, exist_ok=True)
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(SOURCE, "utf-8")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"the C compiler refuses: {done.stderr.strip().splitlines()[-1]}")
    set_to(folder, 0.0)
    return {"variables": {"LD_PRELOAD": str(library), VARIABLE: str(folder / FILE)}}


def set_to(folder: Path, seconds: float) -> None:
    """So much ahead of the machine's clock, from this moment on."""
    file = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(file, struct.pack("q", round(seconds)), 0)
    finally:
        os.close(file)


def was_seen(log: Sequence[dict[str, Any]], seconds: float) -> bool:
    """Whether lines of the log were written at that time of day."""
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    times = [dt.datetime.fromisoformat(line["time"]) for line in log]
    return any(abs((at - then).total_seconds()) < SLACK_S for at in times)
