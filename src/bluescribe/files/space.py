"""Warns when little space is left on a disk (LOW_SPACE); it runs on the writer's thread."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

from ..log_once import LogOnce
from .system import free_bytes

__all__ = ["SpaceWatch", "parse_rate", "parse_size", "size_text"]

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 5.0
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_MOST = 2.0**62
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)

_told = LogOnce()
"""Runs and disks that a warning was logged for."""


def parse_size(text: str) -> int:
    """Return the bytes that a text such as ``500 MB`` or ``1.5 GB`` says.

    Raises
    ------
    ValueError
        It says no size.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError('a number of bytes is needed, or text such as "500 MB" or "1 GB"')
    size = float(found[1]) * _UNITS[found[2].lower()]
    if size > _MOST:
        raise ValueError("no disk has so many bytes")
    return int(size)


def parse_rate(text: str) -> int:
    """Return the bytes a second that a text such as ``200 MB/s`` says.

    Raises
    ------
    ValueError
        It says no rate.
    """
    try:
        return parse_size(text.strip().removesuffix("/s"))
    except ValueError:
        raise ValueError("a rate is needed, such as 200MB/s") from None


def size_text(size: float) -> str:
    """Return a number of bytes for people."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1000:.0f} kB"


class SpaceWatch:
    """Warns, once a run and disk, when less room is left than its owner wants.

    Parameters
    ----------
    format_name
        For the message.
    low
        Bytes below which is warned; 0 for never.
    clock
        Tells seconds.
    """

    def __init__(
        self, format_name: str, low: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._format_name = format_name
        self._low = low
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._last_look = 0.0

    def begin(self, folder: Path | None) -> None:
        """Note the free space when a run begins, to tell its rate later."""
        free = self._free(folder)
        self._first = None if free is None else (self._clock(), free[0])
        self._last_look = self._clock()

    def look(self, run: str, folder: Path | None, *, is_over: bool = False) -> None:
        """Look every few seconds, and at the end of a run; warn if little is left.

        Parameters
        ----------
        run
            Its uid.
        folder
            Where its files are.
        is_over
            Whether the run ends.
        """
        if not is_over and self._clock() - self._last_look < _EVERY_SECONDS:
            return
        free = self._free(folder)
        self._last_look = self._clock()
        if free is not None and free[0] < self._low and _told.is_new((run, free[1])):
            logger.warning(
                "%s: %s are left in %s, less than LOW_SPACE (%s). %s. Free space there, or set "
                "another DIRECTORY before the next run.",
                self._format_name,
                size_text(free[0]),
                folder,
                size_text(self._low),
                self._forecast(free[0]),
            )

    def _forecast(self, free: int) -> str:
        """Return for how long the space lasts at the rate of this run, in words."""
        began, before = self._first or (self._clock(), free)
        seconds = max(self._clock() - began, 1e-3)
        rate = (before - free) / seconds
        if rate < 1:
            return "It has not become less during this run"
        return (
            f"At the rate of this run, {size_text(rate)}/s, they last for about "
            f"{_duration(free / rate)}"
        )

    def _free(self, folder: Path | None) -> tuple[int, int] | None:
        """Return the bytes that are free, and which disk it is."""
        if not self._low or folder is None:
            return None
        try:
            return free_bytes(folder), folder.stat().st_dev
        except OSError:  # whoever writes there tells of it
            return None


def _duration(seconds: float) -> str:
    for unit, factor in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.0f} {unit}"
    return f"{seconds:.0f} seconds"
