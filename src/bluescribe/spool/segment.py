"""A segment: one file of the log, which grows until the next one is begun.

It can be read alone: it begins with who wrote it, and each form of events comes before its first
row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from ..files import Place
from ..files.system import change_mode, write_parts
from .event_columns import COLUMNS, EventColumns
from .event_rows import ROWS, EventRows
from .problems import BrokenSpoolError
from .records import (
    Buffer,
    Kind,
    Record,
    as_writable,
    is_torn_head,
    packed,
    padded,
    records,
)
from .rows import Form, Unpacker
from .values import decode, encode

__all__ = [
    "BEGIN",
    "NOTE",
    "SCHEMA",
    "TORN",
    "Entry",
    "Kept",
    "Segment",
    "counted",
    "entries_of",
    "learn_forms",
    "one_by_one",
    "read_segment",
]

SCHEMA = 2
"""Version of the layout: it grows when older versions of bluescribe cannot read what is written.

The second one has packed pages; what the first one has is read as ever.
"""
NOTE = "#"
"""First character of the names of notes, which are for whoever finds the log, not for lanes."""
BEGIN = f"{NOTE}begin"
"""The name of the first entry of a segment."""
TORN = f"{NOTE}torn"
"""Name of an entry that ends a segment with a torn tail: bytes behind its last whole record."""
_AT_ONCE = min(1024, os.sysconf("SC_IOV_MAX"))
"""Buffers that one system call takes."""

Entry = tuple[str, Any, str]
"""Name of a document or control, the document, and the name of its lane; "" for all lanes."""
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
        with _to_read(self.place) as file:
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


@contextmanager
def _to_read(place: Place) -> Iterator[BinaryIO]:
    """Open a segment for reading; an error on closing is of no matter."""
    file = place.open()
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


def read_segment(place: Place) -> Iterator[Entry]:
    """Yield all entries of a segment, up to its end or to where it is torn.

    The first entry is ``#begin``, which says who wrote it; the last is ``#torn`` if it is torn.

    Raises
    ------
    BrokenSpoolError
        A later version wrote it, or it is no segment.
    OSError
        It cannot be read.
    """
    with _to_read(place) as file:
        found = counted(records(file), ends := [0])
        first = next(found, None)
        if first is None:
            if not is_torn_head(file):  # its session was killed at once
                raise BrokenSpoolError(f"{place} cannot be read: its head is damaged")
            return
        if first.kind is not Kind.BEGIN:
            raise BrokenSpoolError(f"{place} does not begin as a spool of bluescribe does")
        about = _told(first)
        _check_schema(place, about)
        yield BEGIN, about, ""
        yield from one_by_one(entry for entry, _ in entries_of(found, Unpacker(), None))
        if file.seek(0, os.SEEK_END) > ends[-1]:
            yield TORN, {}, ""


def counted(found: Iterable[Record], ends: list[int]) -> Iterator[Record]:
    """Yield records, and keep in `ends` where the latest one ends."""
    for record in found:
        ends[:] = [record.end]
        yield record


def learn_forms(found: Iterable[Record], unpacker: Unpacker) -> None:
    """Learn the forms in records: later rows refer to them by number."""
    for record in found:
        if record.kind is Kind.FORM:
            unpacker.learn(*_told(record))


def entries_of(
    found: Iterable[Record], unpacker: Unpacker, end: int | None
) -> Iterator[tuple[Entry, int]]:
    """Yield the entries of records up to an offset, each with the offset behind its record.

    Consecutive events with the same keys and types are one entry, as they are one record.
    """
    for record in found:
        if end is not None and record.end > end:
            return
        if record.kind is Kind.FORM:
            unpacker.learn(*_told(record))
        elif record.kind is Kind.ROWS:
            form = unpacker.form(int.from_bytes(record.parts[0], "little"), record.parts[1])
            yield (ROWS, EventRows(form, record.parts[1]), ""), record.end
        elif record.kind is Kind.DOCUMENT:
            name, doc, whose = _told(record)
            doc = EventColumns.made(doc) if name == COLUMNS else doc
            yield (name, doc, whose), record.end


def one_by_one(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries with an entry for each event, and for each page as it came."""
    for entry in entries:
        if isinstance(entry[1], EventRows):
            yield from (("event", event, "") for event in entry[1].events())
        elif isinstance(entry[1], EventColumns):
            yield "event_page", entry[1].page, entry[2]
        else:
            yield entry


def _told(record: Record) -> Any:
    first, *arrays = record.parts
    return decode(first, map(as_writable, arrays))  # arrays that can be written to, as they were


def _check_schema(place: Place, about: Any) -> None:
    schema = about.get("schema") if isinstance(about, dict) else None
    if not (type(schema) is int and 1 <= schema <= SCHEMA):
        raise BrokenSpoolError(
            f"{place} was written in form {schema!r} by bluescribe {about.get('version', '?')}, "
            f"and this version knows form {SCHEMA}. Remedy: use that version"
        )
