"""The log of one spool: segments in a folder; those that no run needs are removed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..files import Folder, Place
from ..files.system import free_bytes
from .entries import Entry
from .folder import SpoolFolder
from .segment import Kept, Segment
from .stretch import Stretch

__all__ = ["SEGMENT_ENDING", "Cursor", "Log", "segment_name"]

SEGMENT_ENDING = ".spool"


def segment_name(number: int) -> str:
    """Return the name of a segment; names sort in the order of the segments."""
    return f"{number:06d}{SEGMENT_ENDING}"


class Cursor(NamedTuple):
    """A place in a log, between two records."""

    segment: int
    offset: int


class Log:
    """Writes and reads the segments in a spool's folder.

    One thread appends; any thread may make notes and read.

    Parameters
    ----------
    home
        The folder in which the spool's own is made.
    about
        Version of bluescribe and the settings of each lane, for whoever finds the log.
    segment_bytes
        Size at which the next segment is begun.

    Raises
    ------
    OSError
        The folder cannot be made.
    """

    def __init__(self, home: Path, about: Mapping[str, Any], *, segment_bytes: int) -> None:
        self._segment_bytes = segment_bytes
        self._own = SpoolFolder.made(home)
        self._about = dict(about)
        self._folder = Folder(self._own.path)
        self._segments: dict[int, Segment] = {}
        self._last = 0
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The spool's own folder."""
        return self._own.path

    @property
    def size(self) -> int:
        """The bytes of all segments."""
        with self._lock:
            return sum(segment.size for segment in self._segments.values())

    @property
    def free(self) -> int:
        """Bytes that are free on the disk.

        Raises
        ------
        OSError
            The system does not say.
        """
        return free_bytes(self._own.path)

    @property
    def end(self) -> Cursor:
        """The place behind all that was appended."""
        with self._lock:
            return self._end()

    def append(self, items: Sequence[Kept]) -> tuple[Cursor, Cursor]:
        """Write entries and rows, all or none; return where they begin and end.

        Raises
        ------
        OSError
            The disk refused. It can be tried again.
        """
        with self._lock:
            segment = self._current()
            start = self._end()
            segment.append(items)
            return start, self._end()

    def note(self, entry: Entry) -> None:
        """Write one note at once, for whoever finds the spool of a dead session.

        Raises
        ------
        OSError
            The disk refused.
        """
        self.append([entry])

    def read(self, start: Cursor, end: Cursor) -> Iterator[tuple[Entry, Cursor]]:
        """Yield the entries between two places, each with the place behind its record.

        Raises
        ------
        OSError
            It cannot be read.
        """
        with self._lock:
            numbers = [n for n in self._segments if start.segment <= n <= end.segment]
            segments = [(n, self._segments[n], self._segments[n].size) for n in numbers]
        for number, segment, size in segments:
            first = start.offset if number == start.segment else 0
            last = end.offset if number == end.segment else size
            for entry, offset in segment.read(first, last):
                yield entry, Cursor(number, offset)

    def stretch(self, start: Cursor, end: Cursor) -> tuple[Stretch, Cursor]:
        """Return the part of one segment between two places, and the place where it ends."""
        with self._lock:
            segment = self._segments[start.segment]
            later = [n for n in self._segments if n > start.segment]
            last = end.offset if start.segment == end.segment else segment.size
        after = Cursor(start.segment, last)
        if start.segment != end.segment and later:
            after = Cursor(min(later), 0)
        return Stretch(start.segment, start.offset, last), after

    def open_segment(self, number: int) -> int:
        """Return a file descriptor of a segment, which stays readable when that is removed.

        Raises
        ------
        OSError
            There are too many open files, or the disk refuses.
        """
        with self._lock:
            return self._segments[number].opened()

    def drop(self, needed: Cursor | None) -> None:
        """Remove the segments before the first place that is needed; all if that is None."""
        with self._lock:
            gone = [n for n in self._segments if needed is None or n < needed.segment]
            for number in gone:
                segment = self._segments.pop(number)
                segment.close()
                with suppress(OSError):  # what stays is removed with the folder
                    segment.place.remove()

    def close(self, *, is_kept: bool) -> None:
        """Close all segments; remove them unless the next session needs them."""
        with self._lock:
            for segment in self._segments.values():
                segment.close()
            self._segments.clear()
        if is_kept:
            self._own.release()
        else:
            self._own.remove()

    def forget(self) -> None:
        """Release the log in a forked child: it is the parent's."""
        for segment in self._segments.values():
            segment.close()
        self._segments = {}
        self._own.release()

    def _end(self) -> Cursor:
        segment = self._segments.get(self._last)
        return Cursor(self._last, 0 if segment is None else segment.size)

    def _current(self) -> Segment:
        segment = self._segments.get(self._last)
        if segment is not None and segment.size < self._segment_bytes and not segment.is_broken:
            return segment
        place = Place(self._folder, segment_name(self._last + 1))
        with suppress(FileNotFoundError):
            place.remove()  # of a try that was refused halfway
        new = Segment(place, self._about)
        self._last += 1
        self._segments[self._last] = new
        if segment is not None:
            segment.close()
        return new
