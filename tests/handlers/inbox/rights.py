"""What root may do and others may not, given up: so that a test of rights tests something under root, too."""

from __future__ import annotations

import ctypes
import os

_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3 of capset(2)
_BEYOND_RIGHTS = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inherit", ctypes.c_uint32))


def give_up_rights() -> None:
    """For the calling thread, and those that it starts, for ever: the rights of files hold for it, too."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(_VERSION, 0), (_Set * 2)()  # 0: this thread
    if libc.capget(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0].effective &= ~_BEYOND_RIGHTS
    sets[0].permitted &= ~_BEYOND_RIGHTS
    if libc.capset(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), "capset")
