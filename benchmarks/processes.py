"""Processor time of all processes of a writer: HDF5 files are written by processes of their own."""

from __future__ import annotations

import resource
import time
from contextlib import suppress

import psutil

__all__ = ["at_rest", "processor_seconds"]

_QUIET_SECONDS = 0.3
"""How long processes that have just begun are let come to rest."""
_PATIENCE = 60.0


def processor_seconds(*, own: bool = True) -> float:
    """Return what this process and all below it have taken, those that have ended too."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime + own * time.process_time()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            taken = process.cpu_times()
            total += taken.user + taken.system
    return total


def at_rest() -> float:
    """Wait until no process below this one does anything; return what all have taken."""
    deadline, before = time.monotonic() + _PATIENCE, -1.0
    while before != (now := processor_seconds(own=False)) and time.monotonic() < deadline:
        before = now
        time.sleep(_QUIET_SECONDS)
    return processor_seconds()
