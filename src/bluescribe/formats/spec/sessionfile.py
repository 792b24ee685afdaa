"""A file that scans are appended to, one at a time, and the scans that wait for it."""

from __future__ import annotations

import logging
import math
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...files import Folder, MovedFolderError, Place
from ...paths import claim
from ...run import Run
from ...textfile import TextFile
from .existing import FileLock, highest_scan, mend

__all__ = ["KeptScan", "SessionFile"]

logger = logging.getLogger(__name__)

_CHUNK = 1 << 19
_MOST_SECONDS = 86_400
"""Between #E and the beginning of a scan: readers in single precision tell 0.01 s apart up to here,
and for half a day more."""
_LARGEST_NUMBER = 2**31
"""Scan numbers below this are numbers for every reader."""


@dataclass(frozen=True, slots=True)
class KeptScan:
    """A whole scan in a file of its own, until the session's file is free."""

    place: Place
    start: int
    """Where the scan begins in that file; a header is before it."""
    header: bytes
    """What has to be before the scan if the session's file has another one."""
    motors: tuple[str, ...]
    epoch: int
    """``#E`` in that header."""


class SessionFile:
    """One SPEC file and the scans that are to go into it.

    Used on the writer's thread only. One run at a time holds it; a run that finds it held keeps
    its scan in a file of its own.

    Parameters
    ----------
    place
        Where it is to be. It is made when the first run begins.
    goes_on
        Whether an existing file of that name is appended to, because its user named it.
    """

    def __init__(self, place: Place, *, goes_on: bool = False) -> None:
        self.place = place
        self._epoch = 0
        self._is_made = False
        self._goes_on = goes_on
        self._highest = -1
        """Of the scan numbers; negative when there is none."""
        self._has_warned = False
        self._holder: object | None = None
        self._waiting: list[KeptScan] = []
        self._appended: list[Place] = []
        """Files of scans that are in this one, and could not be removed so far."""
        self._copy: tuple[TextFile, int] | None = None
        self._copied = 0
        self._in_force: tuple[tuple[str, ...], int] | None = None
        """The motors and #E of the last header; None when they are not known."""
        self._before: tuple[tuple[tuple[str, ...], int] | None, int] = (None, 0)
        """These, and the size, before the scan that was begun last."""
        self._lock: FileLock | None = None
        self._size = 0
        """Of the file when we last wrote to it."""
        self._is_unsure = False
        """Whether a failure may have left half a line at its end."""

    @property
    def path(self) -> Path:
        """Absolute path, for messages and for those who take the file elsewhere."""
        return self.place.path

    def make(self, run: Run) -> None:
        """Make the file, unless it is there; hold it against other writers.

        Raises
        ------
        OSError
            It cannot be made.
        """
        if self._is_made:
            return
        self._epoch = _whole(run.date.timestamp())
        if not self._goes_on:
            self._make_new()
        else:
            self._go_on()
        self._is_made = True

    def look_in(self, folder: Folder) -> None:
        """Find the file in its folder, which was opened anew: a server may have forgotten the old.

        Nothing changes while a run is open.
        """
        if self._holder is None:
            self.place = Place(folder, self.place.name)

    def _go_on(self) -> None:
        """Append to the file that is there, or begin another one where that cannot be."""
        if self._may_append():
            mend(self.place)
        else:
            self._make_new()

    def _may_append(self) -> bool:
        """Look into a file that is there and hold it, unless another writer does; then say so."""
        if not _is_file(self.place):
            return False
        try:
            self._highest = max(self._highest, highest_scan(self.place))
            self._lock = self._lock or FileLock(self.place)
        except ConfigError as error:
            logger.warning("spec: %s; the scans go to another file", error)
            return False
        except BlockingIOError:
            logger.warning(
                "spec: %s is in use: another program, or another writer of this one, appends to "
                "it. The scans of this session go into a file of their own beside it.",
                self.path,
            )
            return False
        return True

    def _make_new(self) -> None:
        """Create a file that was not there, called so or nearly so."""
        place = claim(self.place.with_name(self.place.stem), self.place.suffix)
        try:
            self._lock = FileLock(place)
        except OSError:
            with suppress(OSError):  # or the next try would leave it empty
                place.remove()
            raise
        self.place = place

    def unlock(self) -> None:
        """Let other writers have the file."""
        if self._lock is not None:
            self._lock.release()
        self._lock = None

    def epoch(self, run: Run) -> int:
        """Return #E for a run that begins: that of the file, until it is too long ago.

        The column ``Epoch`` counts from there, and readers in single precision have seven digits.
        """
        began = _whole(run.date.timestamp())  # readers make a date of it
        if abs(began - self._epoch) > _MOST_SECONDS:
            self._epoch = began
        return self._epoch

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

    def append(self, header: bytes, motors: tuple[str, ...], epoch: int) -> tuple[TextFile, bytes]:
        """Open the file at its end.

        Parameters
        ----------
        header
            The file header with these motors.
        motors
            Labels.
        epoch
            ``#E`` in it.

        Returns
        -------
        TextFile, bytes
            What to write to, and what has to come before the scan: the header where the motors
            or #E are others than before, or where somebody else wrote to the file. It has to be
            written together with the scan: silx miscounts the scans of a file that ends in a
            header.
        """
        if self._lock is None or not self._lock.is_of(self.place):  # moved away, or edited
            self.unlock()
            self._go_on()
        elif self._is_unsure:
            mend(self.place)
        self._is_unsure = False
        before = _end_of_line(self.place)
        file = TextFile(self.place)
        self._before = self._in_force, self._size
        if self._in_force == (motors, epoch) and len(file) == self._size:
            return file, b""
        self._in_force = motors, epoch
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
            if self.place.size() != self._size:  # somebody else wrote there
                return False
            file = TextFile(self.place)
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
            self._in_force = None
            self._is_unsure = True
        if self._copy is not None:
            (file, start), self._copy = self._copy, None
            file.abandon()
            with suppress(OSError), self.place.open("r+b") as torn:
                torn.truncate(start)
            self._in_force = None
            self._is_unsure = True

    def take_back(self, number: int, file: TextFile | None, start: int) -> None:
        """Cut off a scan that was given up, if nothing stands behind it; it is written again.

        Parameters
        ----------
        number
            Of the scan.
        file
            What it was written to; None if it had not begun.
        start
            Where it began.

        Raises
        ------
        OSError
            The folder is away.
        """
        if number == self._highest:
            self._highest = number - 1  # the same number comes again
        if file is None or self._holder is not None or not self.place.exists():
            return
        if self.place.size() != len(file):
            logger.warning(
                "spec: scan %d is half in %s, and others stand behind it: it comes again, whole",
                *(number, self.path),
            )
            return
        with self.place.open("r+b") as torn:
            torn.truncate(start)
        self._in_force, self._size = self._before
        self._is_unsure = False

    def remove(self) -> None:
        """Remove the file, which no other run has.

        Raises
        ------
        OSError
            The folder is away.
        """
        self.unlock()
        with suppress(MovedFolderError):
            self.place.folder.found()
            if self.place.exists():
                self.place.remove()

    def keep(self, scan: KeptScan) -> None:
        """Append a complete scan as soon as no other is open in the file."""
        if scan not in self._waiting:
            self._waiting.append(scan)

    def append_waiting(self) -> None:
        """Append the scans that wait, in order, if the file is free."""
        self._remove_appended()
        while self._waiting and self._holder is None:
            scan = self._waiting[0]
            if scan.place.exists():
                self._append_scan(scan)
            else:
                logger.error("spec: %s is gone before it could go into %s", scan.place, self.path)
            del self._waiting[0]

    def _append_scan(self, scan: KeptScan) -> None:
        """Copy a scan in; after an `OSError`, a second call goes on."""
        if self._copy is None:
            file, header = self.append(scan.header, scan.motors, scan.epoch)
            self._copy = file, len(file)
            file.put(header)
            self._copied = scan.start
        file, _ = self._copy
        with scan.place.open() as source:
            source.seek(self._copied)
            while chunk := source.read(_CHUNK):
                file.put(chunk)
                self._copied += len(chunk)
                file.flush()
        file.close()
        self._copy = None
        self._size = len(file)
        self._appended.append(scan.place)
        self._remove_appended()

    def _remove_appended(self) -> None:
        """Remove what is in the file by now; better there twice than appended twice."""
        for place in tuple(self._appended):
            try:
                place.remove()
            except FileNotFoundError:
                self._appended.remove(place)
            except OSError as error:
                logger.debug("spec: %s is tried again: %s", place, error)
            else:
                self._appended.remove(place)


def _whole(seconds: float) -> int:
    return math.floor(seconds) if abs(seconds) < 1e15 else 0


def _scan_number(scan_id: Any) -> int | None:
    """Return a scan_id as a number that every reader understands, or None."""
    try:
        number = int(scan_id) if not isinstance(scan_id, float | bool) else None
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number < _LARGEST_NUMBER else None


def _is_file(place: Place) -> bool:
    """Tell whether a file is there, which a link is not: nobody knows where it leads by now."""
    try:
        return stat.S_ISREG(place.folder.stat(place.name).st_mode)
    except OSError:
        return False


def _end_of_line(place: Place) -> bytes:
    """Return what has to be written before a header: an empty line, and the end of a torn one."""
    if not place.size():
        return b""
    with place.open() as file:
        file.seek(-1, os.SEEK_END)
        return b"\n" if file.read(1) == b"\n" else b"\n\n"
