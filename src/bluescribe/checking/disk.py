"""What a disk can: how much is free, how fast it takes data, whether it has locks."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..files import Folder, Place
from ..files.space import size_text
from ..files.system import free_bytes, lock_file
from ..files.write_lock import hold_alone
from .verdict import Verdict, failed, ok, warning

__all__ = ["PREFIX", "Measured", "speed", "told_speed"]

PREFIX = ".bluescribe-check-"
"""What scratch folders are called; those that a kill has left are removed by the next check."""

_BLOCK_BYTES = 8 << 20
_SECONDS = 0.3
_SECONDS_OF_A_RATE = 1.5
"""A disk that has to keep up is written to for longer: caches take the first of it."""
_MOST_BYTES = 2 << 30
_SHARE = 20
"""At most one part in so many of what is free is written."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of the disk of a folder."""

    free: int
    rate: float
    """Bytes a second, until they were on the disk; 0 where too little is free to try."""
    why_no_locks: str
    """Empty where files can be locked."""


def speed(folder: Path, rate: int) -> Measured:
    """Write a file into a folder for a moment, bring it to the disk, lock and remove it.

    Parameters
    ----------
    folder
        A scratch folder, which exists.
    rate
        Bytes a second that are wanted; 0 where nobody says.

    Raises
    ------
    OSError
        The disk refused.
    """
    free = free_bytes(folder)
    budget = min(_MOST_BYTES, free // _SHARE)
    place = Place(Folder(folder), "speed")
    with place.open("xb") as file:
        try:
            why_no_locks = _why_no_locks(file.fileno())
            seconds = _SECONDS_OF_A_RATE if rate else _SECONDS
            found = _written(file.fileno(), budget, seconds) if budget >= _BLOCK_BYTES else 0.0
        finally:
            with suppress(OSError):
                place.remove()
    return Measured(free, found, why_no_locks)


def _written(fd: int, budget: int, seconds: float) -> float:
    """Write until a time or a budget is over; return bytes a second."""
    block = os.urandom(_BLOCK_BYTES)  # a file system that compresses gains nothing
    began, written = time.monotonic(), 0
    while written + len(block) <= budget:
        written += os.write(fd, block)
        os.fsync(fd)  # each time: memory takes more in a moment than the disk in a minute
        if time.monotonic() - began > seconds:
            break
    return written / max(time.monotonic() - began, 1e-6)


def _why_no_locks(fd: int) -> str:
    try:
        hold_alone(fd)
        lock_file(fd)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def told_speed(what: str, measured: Measured, rate: int, other: str) -> Verdict:
    """Return the verdict on the speed of a disk.

    Parameters
    ----------
    what
        Of what the disk is.
    measured
        What was found.
    rate
        Bytes a second that are wanted; 0 where nobody says.
    other
        What takes its place, for the remedy.
    """
    if not measured.rate:
        return warning(what, "not measured: too little space is free", "free space there")
    found = f"{size_text(measured.rate)}/s"
    if measured.rate >= rate:
        return ok(what, f"{found}; {size_text(rate)}/s are wanted" if rate else found)
    wanted = f"{found} are less than {size_text(rate)}/s, which are wanted"
    return failed(what, wanted, f"set {other}, or measure with fewer or smaller images a second")
