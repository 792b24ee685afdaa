"""A segment: one file of the log, which grows until the next one is begun.

It can be read alone: it begins with who wrote it, and each form of events comes before its first
row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..files import Place
from ..files.system import change_mode, write_parts
from .entries import SCHEMA, Entry, counted, entries_of, opened_to_read
from .problems import BrokenSpoolError
from .records import Buffer, Kind, packed, padded, records
from .rows import Form, Unpacker
from .values import encode

__all__ = ["Kept", "Segment"]

_AT_ONCE = min(1024, os.sysconf("SC_IOV_MAX"))
"""Buffers that one system call takes."""

Kept = Entry | tuple[Form, bytes]
"""An entry, or packed rows with their form."""


class Segment:
    """A segment that this process writes.

    Parameters
    ----------
    place
        Of a file that does not exist yet.
    about
        Who writes it: version and lanes.

    Raises
    ------
    OSError
        It cannot be made.
    """

    def __init__(self, place: Place, about: Mapping[str, Any]) -> None:
        self.place = place
        place.create()
        self._fd = place.open_to_append()
        self.size = 0
        """Bytes of whole records in the file."""
        self.is_broken = False
        """Whether half a record stands behind those, and could not be cut off."""
        self._forms: dict[Form, int] = {}
        self._unpacker = Unpacker()
        try:
            change_mode(self._fd, 0o600)  # it holds a proposal's data
            self._write(_document(Kind.BEGIN, {"schema": SCHEMA, **about}))
        except BaseException:
            self.close()
            raise

    def append(self, items: Sequence[Kept]) -> None:
        """Write entries and rows in order; all of them, or none.

        Raises
        ------
        OSError
            The disk refused. It can be tried again.
        """
        known = dict(self._forms)
        try:
            self._write(self._buffers(items))
        except OSError:
            self._forms = known
            raise

    def read(self, start: int, end: int) -> Iterator[tuple[Entry, int]]:
        """Yield the entries between two offsets, each with the offset behind its record.

        Raises
        ------
        OSError
            It cannot be read.
        BrokenSpoolError
            It is damaged.
        """
        with opened_to_read(self.place) as file:
            found = counted(records(file, start), ends := [start])
            yield from entries_of(found, self._unpacker, end)
        if ends[0] < end:
            raise BrokenSpoolError(f"{self.place} is damaged at {ends[0]}")

    def opened(self) -> int:
        """Return a file descriptor to read it, even after it was removed; it has its own position.

        Raises
        ------
        OSError
            There are too many open files.
        """
        return self.place.folder.open(self.place.name, os.O_RDONLY)

    def close(self) -> None:
        """Close it for writing; an error is of no matter, as it can still be read."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def _buffers(self, items: Sequence[Kept]) -> list[Buffer]:
        buffers: list[Buffer] = []
        form: Form | None = None
        rows: list[bytes] = []
        for item in items:
            if item[0] is form:
                rows.append(item[1])
                continue
            buffers += self._rows(form, rows)
            form, rows = None, []
            if isinstance(item[0], Form):
                form, rows = item[0], [item[1]]
            else:
                buffers += _document(Kind.DOCUMENT, item)
        return buffers + self._rows(form, rows)

    def _rows(self, form: Form | None, rows: list[bytes]) -> list[Buffer]:
        if form is None:
            return []
        buffers: list[Buffer] = []
        if form not in self._forms:
            self._forms[form] = len(self._forms)
            self._unpacker.learn(self._forms[form], form.described())
            buffers = _document(Kind.FORM, (self._forms[form], form.described()))
        number = self._forms[form].to_bytes(4, "little")
        return buffers + packed(Kind.ROWS, [number, b"".join(rows)])

    def _write(self, buffers: list[Buffer]) -> None:
        """Write buffers; if the disk refuses some, cut off the part that it took."""
        try:
            written = _write_all(self._fd, buffers)
        except OSError:
            self.is_broken = True
            with suppress(OSError):
                os.ftruncate(self._fd, self.size)
                self.is_broken = False
            raise
        self.size += written


def _document(kind: Kind, told: Any) -> list[Buffer]:
    data, arrays = encode(told)
    return packed(kind, [padded(data, len(arrays)), *(memoryview(array) for array in arrays)])


def _write_all(fd: int, buffers: list[Buffer]) -> int:
    """Write buffers, in as many calls as it takes; return the number of bytes."""
    left = [memoryview(buffer) for buffer in buffers]
    size = sum(view.nbytes for view in left)
    while left:
        written = write_parts(fd, left[:_AT_ONCE])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]
    return size
