"""Files that were there before: who else writes to them, what is in them, how they end."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import weakref
from pathlib import Path
from typing import BinaryIO

from ...errors import ConfigError
from .lines import comment, literal

__all__ = ["FileLock", "highest_scan", "mend"]

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16
_SCAN = re.compile(rb"#S +(\d{1,10})\b")
"""A scan with a number that is one for every reader."""
_ROW = re.compile(rb"[-+]?[\d.ni]")


class FileLock:
    """Hold a file against other writers of SPEC files, until `release` or the process ends.

    Parameters
    ----------
    path
        An existing file.

    Raises
    ------
    BlockingIOError
        Another writer holds it.
    """

    def __init__(self, path: Path) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.release = weakref.finalize(self, os.close, fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise
        except OSError as error:  # a file system without locks
            logger.info("spec: %s cannot be locked against other programs: %s", path, error)


def highest_scan(path: Path) -> int:
    """Return the highest scan number in a SPEC file, 0 when it has no scan.

    Raises
    ------
    ConfigError
        It is not a SPEC file.
    """
    highest, is_spec, is_empty = 0, False, True
    with path.open("rb") as lines:
        for line in lines:
            is_empty = False
            is_spec = is_spec or line.startswith((b"#F ", b"#S "))
            if (found := _SCAN.match(line)) is not None:
                highest = max(highest, int(found[1]))
    if not (is_spec or is_empty):
        raise ConfigError(f"{path} is not a SPEC file: nothing will be appended to it")
    return highest


def mend(path: Path, *, dry_run: bool = False) -> bool:
    """Make a comment of half a line at the end of a file, for readers fail on half a row.

    Nothing is deleted: the comment holds what was there. A whole row whose line end is missing,
    as some editors leave it, stays a row, unless the file is ours: we write both at once.

    Returns
    -------
    bool
        Whether there was something to do; with `dry_run` it is not done.

    Raises
    ------
    OSError
        The disk refused; the file is as it was.
    """
    with path.open("rb" if dry_run else "r+b", buffering=0) as file:
        begin, size = _last_line(file), file.seek(0, os.SEEK_END)
        half = _read(file, begin, size - begin)
        if half and _is_whole_row(half, file, begin):
            if not dry_run:
                os.pwrite(file.fileno(), b"\n", size)
            return True
        block = b"@A \n" * _missing_spectra(path)
        if half:
            text = literal(half.decode("utf-8", "backslashreplace"))
            block += comment(f"half a line that was here: {text}")
        if block and not dry_run:
            _replace(file.fileno(), begin, size, block)
            logger.warning(
                "spec: %s ended in half a point, as a crash leaves it: now a comment", path
            )
        return bool(block)


def _missing_spectra(path: Path) -> int:
    """Return how many spectra the last row lacks: silx opens no file that has them not all."""
    declared = spectra = rows = 0
    with path.open("rb") as lines:
        for line in lines:
            if line.startswith(b"#S "):
                declared = spectra = rows = 0
            elif line.startswith(b"#@DET_"):
                declared += 1
            elif line.startswith(b"@A") and line.endswith(b"\n"):
                spectra += 1
            elif _ROW.match(line) and line.endswith(b"\n"):
                rows, spectra = rows + 1, 0
    return max(declared - spectra, 0) if rows else 0


def _replace(fd: int, begin: int, size: int, block: bytes) -> None:
    """Write a longer block over the end of a file: what needs room first, so that it can fail."""
    length = size - begin
    try:
        written = os.pwrite(fd, block[length:], size)
        if written < len(block) - length:
            os.pwrite(fd, block[length + written :], size + written)
    except OSError:
        os.ftruncate(fd, size)
        raise
    os.pwrite(fd, block[:length], begin)


def _last_line(file: BinaryIO) -> int:
    """Return where the last line begins; the end of the file when that ends in a line end."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - _CHUNK)
        found = _read(file, begin, end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _is_whole_row(line: bytes, file: BinaryIO, begin: int) -> bool:
    if not _ROW.match(line) or b"#C bluescribe" in _read(file, 0, _CHUNK):
        return False
    before = _read(file, max(0, begin - _CHUNK), min(begin, _CHUNK))
    counts: list[bytes] = re.findall(rb"^#N +(\d+)", before, re.MULTILINE)
    return bool(counts) and len(line.split()) == int(counts[-1])


def _read(file: BinaryIO, begin: int, length: int) -> bytes:
    return os.pread(file.fileno(), length, begin)
