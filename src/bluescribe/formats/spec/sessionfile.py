"""A file that scans are appended to, one at a time."""

from __future__ import annotations

import logging
import math
import os
import stat
from contextlib import suppress
from pathlib import Path

from ...errors import ConfigError
from ...files import Folder, MovedFolderError, Place
from ...files.run_paths import claim
from ...files.textfile import TextFile
from ...files.unneeded import remove_unneeded
from ...model.run import Run
from .existing import FileLock, highest_scan, mend
from .scan_numbers import ScanNumbers
from .waiting import WaitingScans

__all__ = ["SessionFile"]

logger = logging.getLogger(__name__)

_MOST_SECONDS = 86_400
"""Between #E and the beginning of a scan: readers in single precision tell 0.01 s apart up to here,
and for half a day more."""


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
        self.numbers = ScanNumbers()
        self._holder: Run | None = None
        self.waiting = WaitingScans()
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
            self.numbers.highest = max(self.numbers.highest, highest_scan(self.place))
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
            remove_unneeded(place)  # or the next try would leave it empty
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

    @property
    def is_free(self) -> bool:
        """Whether no scan is open in it."""
        return self._holder is None

    def take(self, run: Run) -> bool:
        """Hold the file for a run, unless another does; tell whether that is so now."""
        if self._holder is None:
            self._holder = run
        return self._holder is run

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

    def release(self, run: Run, file: TextFile) -> None:
        """Let the next scan come, after one that is complete."""
        if self._holder is run:
            self._holder = None
            self._size = len(file)

    def note_end(self, file: TextFile) -> None:
        """Note that the file ends where something was written."""
        self._size = len(file)

    def append_waiting(self) -> None:
        """Append the scans that wait, if the file is free."""
        self.waiting.append_to(self)

    def add_remark(self, line: bytes) -> bool:
        """Write a comment behind the last scan; tell whether that could be done."""
        if not self._size or self._holder is not None or len(self.waiting):
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

    def give_up(self, run: Run) -> None:
        """Let the next scan come, after a failure."""
        if self._holder is run:
            self._holder = None
            self._in_force = None
            self._is_unsure = True
        if self.waiting.give_up(self.place):
            self._in_force = None
            self._is_unsure = True

    def take_back(self, number: int, written: tuple[TextFile, int] | None) -> None:
        """Cut off a scan that was given up, if nothing stands behind it; it is written again.

        Parameters
        ----------
        number
            Of the scan.
        written
            What it was written to, and where it began there; None if it had not begun.

        Raises
        ------
        OSError
            The folder is away.
        """
        if written is not None and self.place.exists():
            self._cut_off(number, *written)
        self.numbers.take_back(number)  # last: what raises before is tried again, and others go on

    def _cut_off(self, number: int, file: TextFile, start: int) -> None:
        """Cut off a scan that is the last one of the file, and tell of one that is not."""
        if self._holder is not None or self.place.size() != len(file):
            logger.warning(
                "spec: scan %d may not be whole in %s, and others stand behind it: it comes again, "
                "whole, with the same uid in its comments",
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


def _whole(seconds: float) -> int:
    return math.floor(seconds) if abs(seconds) < 1e15 else 0


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
