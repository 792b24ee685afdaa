"""A file that scans are appended to, one at a time, and the scans that wait for it."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...files import Place
from ...paths import claim, place_of_run
from ...run import Document, Run
from ...textfile import TextFile
from .existing import FileLock, highest_scan, mend

__all__ = ["KeptScan", "SessionFile"]

logger = logging.getLogger(__name__)

_CHUNK = 1 << 19
_LARGEST_NUMBER = 2**31
"""Scan numbers below this are numbers for every reader."""


@dataclass(frozen=True, slots=True)
class KeptScan:
    """A whole scan in a file of its own, until the session's file is free."""

    path: Path
    start: int
    """Where the scan begins in that file; a header is before it."""
    header: bytes
    """What has to be before the scan if the session's file has another one."""
    motors: tuple[str, ...]


class SessionFile:
    """One SPEC file and the scans that are to go into it.

    Used on the writer's thread only. One run at a time holds it; a run that finds it held keeps
    its scan in a file of its own.

    Parameters
    ----------
    path
        Where it is to be. It is made when the first run begins.
    goes_on
        Whether an existing file of that name is appended to, because its user named it.
    highest
        The highest scan number in it; negative when it has none.
    place
        Tells where it is to be from the first run's start document, where that is not known yet.
    """

    def __init__(
        self,
        path: Path,
        *,
        goes_on: bool = False,
        highest: int = -1,
        place: Callable[[Document], Path] | None = None,
    ) -> None:
        self.path = path
        self.epoch = 0
        self._is_made = False
        self._goes_on = goes_on
        self._highest = highest
        self._has_warned = False
        self._holder: object | None = None
        self._waiting: list[KeptScan] = []
        self._copy: tuple[TextFile, int] | None = None
        self._copied = 0
        self._motors: tuple[str, ...] | None = None
        """In the header that is in force; None when that is not known."""
        self._place = place
        self._lock: FileLock | None = None
        self._size = 0
        """Of the file when we last wrote to it."""

    def make(self, run: Run) -> None:
        """Make the file, unless it is there; hold it against other writers."""
        if self._is_made:
            return
        self.epoch = _whole(run.time)
        if self._place is not None:
            self.path, self._place = self._place(run.start), None
            self._look_into()
        if self._goes_on and self.path.exists() and self._may_append():
            mend(self.path)
        else:
            self._make_new()
        self._is_made = True

    def _look_into(self) -> None:
        """Find the highest scan number in a file that nobody could look into before."""
        if not (self._goes_on and self.path.exists()):
            return
        try:
            self._highest = max(self._highest, highest_scan(self.path))
        except ConfigError as error:
            logger.warning("spec: %s; the scans go to another file", error)
            self._goes_on = False

    def _may_append(self) -> bool:
        """Hold the file, unless another writer does; then say so."""
        try:
            self._lock = self._lock or FileLock(self.path)
        except BlockingIOError:
            logger.warning(
                "spec: %s is in use: another program, or another writer of this one, appends to "
                "it. The scans of this session go into a file of their own beside it.",
                self.path,
            )
            return False
        return True

    def _make_new(self) -> None:
        self.path = _new(self.path)
        self._lock = FileLock(self.path)

    def unlock(self) -> None:
        """Let other writers have the file."""
        if self._lock is not None:
            self._lock.release()

    def number(self, run: Run) -> int:
        """Return the scan number of a run: its scan_id, or the next one if that is no number."""
        number = _scan_number(run.start.get("scan_id"))
        if number is None:
            number = max(self._highest, 0) + 1
        elif number <= self._highest and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "spec: %s has scan %d already, or later ones; readers call a scan number that "
                "comes again %d.2. Reset scan_id with newfile() only.",
                self.path,
                number,
                number,
            )
        self._highest = max(self._highest, number)
        return number

    @property
    def highest(self) -> int:
        """The highest scan number so far, that of scans still to be appended included."""
        return self._highest

    def take(self, holder: object) -> bool:
        """Hold the file for a run, unless another does; tell whether that is so now."""
        if self._holder is None:
            self._holder = holder
        return self._holder is holder

    def append(self, header: bytes, motors: tuple[str, ...]) -> tuple[TextFile, bytes]:
        """Open the file at its end.

        Parameters
        ----------
        header
            The file header with these motors.
        motors
            Labels.

        Returns
        -------
        TextFile, bytes
            What to write to, and what has to come before the scan: the header where the motors
            are others than before, or where somebody else wrote to the file. It has to be written
            together with the scan: silx miscounts the scans of a file that ends in a header.
        """
        if not self.path.exists():  # moved away between two runs
            self._make_new()
        before = _end_of_line(self.path)
        file = TextFile(Place.at(self.path))
        if self._motors == motors and len(file) == self._size:
            return file, b""
        self._motors = motors
        return file, before + header

    def release(self, holder: object, file: TextFile) -> None:
        """Let the next scan come, after one that is complete."""
        if self._holder is holder:
            self._holder = None
            self._size = len(file)

    def add_remark(self, line: bytes) -> bool:
        """Write a comment behind the last scan; tell whether that could be done."""
        if not self._size or self._holder is not None or self._waiting:
            return False
        try:
            if self.path.stat().st_size != self._size:  # somebody else wrote there
                return False
            file = TextFile(Place.at(self.path))
        except OSError:
            return False
        file.put(line)
        try:
            file.close()
        except OSError:
            file.abandon()
            return False
        self._size = len(file)
        return True

    def give_up(self, holder: object) -> None:
        """Let the next scan come, after a failure."""
        if self._holder is holder:
            self._holder = None
            self._motors = None
        if self._copy is not None:
            (file, start), self._copy = self._copy, None
            file.abandon()
            with suppress(OSError):
                os.truncate(self.path, start)
            self._motors = None

    def keep(self, scan: KeptScan) -> None:
        """Append a complete scan as soon as no other is open in the file."""
        if scan not in self._waiting:
            self._waiting.append(scan)

    def append_waiting(self) -> None:
        """Append the scans that wait, in order, if the file is free."""
        while self._waiting and self._holder is None:
            scan = self._waiting[0]
            if scan.path.exists():
                self._append_scan(scan)
            else:
                logger.error("spec: %s is gone before it could go into %s", scan.path, self.path)
            del self._waiting[0]

    def _append_scan(self, scan: KeptScan) -> None:
        """Copy a scan in; after an `OSError`, a second call goes on."""
        if self._copy is None:
            file, header = self.append(scan.header, scan.motors)
            self._copy = file, len(file)
            file.put(header)
            self._copied = scan.start
        file, _ = self._copy
        with scan.path.open("rb") as source:
            source.seek(self._copied)
            while chunk := source.read(_CHUNK):
                file.put(chunk)
                self._copied += len(chunk)
                file.flush()
        file.close()
        self._copy = None
        self._size = len(file)
        with suppress(OSError):  # better there twice than appended twice
            scan.path.unlink()


def _new(path: Path) -> Path:
    """Create a file that was not there, called so or nearly so."""
    return claim(place_of_run(path.absolute().with_name(path.stem)), path.suffix).path


def _whole(seconds: float) -> int:
    return math.floor(seconds) if abs(seconds) < 1e15 else 0


def _scan_number(scan_id: Any) -> int | None:
    """Return a scan_id as a number that every reader understands, or None."""
    try:
        number = int(scan_id) if not isinstance(scan_id, float | bool) else None
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number < _LARGEST_NUMBER else None


def _end_of_line(path: Path) -> bytes:
    """Return what has to be written before a header: an empty line, and the end of a torn one."""
    if not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return b"\n" if file.read(1) == b"\n" else b"\n\n"
