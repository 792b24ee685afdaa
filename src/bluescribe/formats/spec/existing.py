"""Files that were there before: who else writes to them, what is in them, how they end."""

from __future__ import annotations

import logging
import os
import re
import weakref
from contextlib import suppress

from ...errors import ConfigError
from ...files import Place
from ...files.system import lock_file, write_at
from .lines import literal
from .marks import HALF_LINE
from .tail import tail

__all__ = ["FileLock", "highest_scan", "is_torn", "mend"]

logger = logging.getLogger(__name__)

_SCAN = re.compile(rb"#S +(\d{1,10})\b")
"""A scan with a number that is one for every reader."""


class FileLock:
    """Hold a file against other writers of SPEC files, until `release` or the process ends.

    Parameters
    ----------
    place
        An existing file.

    Raises
    ------
    BlockingIOError
        Another writer holds it.
    """

    def __init__(self, place: Place) -> None:
        fd = place.folder.open(place.name, os.O_RDWR)
        self.release = weakref.finalize(self, _close, fd)
        self._file = os.fstat(fd)
        try:
            lock_file(fd)
        except BlockingIOError:
            self.release()
            raise
        except OSError as error:  # a file system without locks
            logger.info("spec: %s cannot be locked against other programs: %s", place, error)

    def is_of(self, place: Place) -> bool:
        """Tell whether this holds what is in a place now: editors put new files in place of old."""
        try:
            return os.path.samestat(self._file, place.folder.stat(place.name))
        except OSError:
            return False


def _close(fd: int) -> None:
    """Close; nothing was written by this descriptor, and those that wrote tell what failed."""
    with suppress(OSError):
        os.close(fd)


def highest_scan(place: Place) -> int:
    """Return the highest scan number in a SPEC file, 0 when it has no scan.

    Raises
    ------
    ConfigError
        It is not a SPEC file.
    """
    highest, is_spec, is_empty = 0, False, True
    with place.open() as lines:
        for line in lines:
            is_empty = False
            is_spec = is_spec or line.startswith((b"#F ", b"#S "))
            if (found := _SCAN.match(line)) is not None:
                highest = max(highest, int(found[1]))
    if not (is_spec or is_empty):
        raise ConfigError(f"{place} is not a SPEC file: nothing will be appended to it")
    return highest


def is_torn(place: Place) -> bool:
    """Tell whether a SPEC file ends in half a line, or in half a point of a scan of ours."""
    end = tail(place)
    return end.is_torn or end.missing_spectra > 0


def mend(place: Place) -> None:
    """Bring a file to the end of a line, so that the next scan begins in a line of its own.

    Half a line becomes a comment that holds it, for readers fail on half a row. Any other line
    gets its line end. Nothing else is changed.

    Raises
    ------
    OSError
        The disk refused; the file is as it was.
    """
    end = tail(place)
    block = b"@A \n" * end.missing_spectra
    if end.is_torn:
        text = literal(end.text.decode("utf-8", "backslashreplace"))
        block += HALF_LINE.line(text)
    elif end.text:
        block = b"\n" + block
    if not block:
        return
    with place.open("r+b") as file:
        size = end.start + len(end.text)
        if os.fstat(file.fileno()).st_size != size:  # somebody writes there: it was half of that
            return
        _replace(file.fileno(), end.start if end.is_torn else size, size, block)
    if block != b"\n":
        logger.warning("spec: %s ended in half a point, as a crash leaves it: now a comment", place)


def _replace(fd: int, begin: int, size: int, block: bytes) -> None:
    """Write a longer block over the end of a file: what needs room first, so that it can fail."""
    length = size - begin
    try:
        written = write_at(fd, block[length:], size)
        if written < len(block) - length:
            write_at(fd, block[length + written :], size + written)
    except OSError:
        os.ftruncate(fd, size)
        raise
    write_at(fd, block[:length], begin)
