"""A segment: one file of the log, which grows until another one is begun.

It stands alone: it begins with who wrote it, and each form of events comes before its first row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from ..files import Place
from ..files.system import change_mode, write_parts
from .event_rows import ROWS, EventRows
from .problems import BrokenSpoolError
from .records import Buffer, Kind, Record, is_torn_head, packed, records
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

SCHEMA = 1
"""Grows when a reader of before could not read what is written now."""
NOTE = "#"
"""What the names of entries begin with that are for those who find the log, and not for lanes."""
BEGIN = f"{NOTE}begin"
"""The name of the first entry of a segment."""
TORN = f"{NOTE}torn"
"""The name of the last one of a segment behind whose last whole record something stands."""
_AT_ONCE = min(1024, os.sysconf("SC_IOV_MAX"))
"""Buffers that the system takes in one call."""

Entry = tuple[str, Any, str]
"""The name of a document, or of what is asked of the lanes; that; and of which lane, or of all."""
Kept = Entry | tuple[Form, bytes]
"""An entry, or packed rows with their form."""


class Segment:
    """A segment that is written.

    Parameters
    ----------
    place
        A file that is not there yet.
    about
        Who writes: version, host, boot.

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
        """Bytes that are in the file, all of them in whole records."""
        self.is_broken = False
        """Whether something stands behind those records that could not be cut off."""
        self._forms: dict[Form, int] = {}
        self._unpacker = Unpacker()
        try:
            change_mode(self._fd, 0o600)  # it holds a proposal's data
            self._write(_document(Kind.BEGIN, {"schema": SCHEMA, **about}))
        except BaseException:
            self.close()
            raise

    def append(self, items: Sequence[Kept]) -> None:
        """Write documents and rows in their order; all of them, or none.

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
        """Yield what stands between two places, and where the record ends in which it stands.

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
        """Return a descriptor to read it by, whatever becomes of its name, at a place of its own.

        Raises
        ------
        OSError
            There is none to be had.
        """
        return self.place.folder.open(self.place.name, os.O_RDONLY)

    def close(self) -> None:
        """Write no more; whatever the disk says to that, what was written can be read."""
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
        """Write buffers; what the disk took of them before it refused is cut off again."""
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
    return packed(kind, [data, *(memoryview(array) for array in arrays)])


def _write_all(fd: int, buffers: list[Buffer]) -> int:
    """Write buffers, as many calls as that takes; return their bytes."""
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
    """Open a segment; what was read is read, whatever a disk says when it is closed."""
    file = place.open()
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


def read_segment(place: Place) -> Iterator[Entry]:
    """Yield all entries of a segment, up to where it ends or is torn.

    Who wrote it comes first, as an entry called ``#begin``, and ``#torn`` last if that is so.

    Raises
    ------
    BrokenSpoolError
        It was written by a later version, or is no segment.
    OSError
        It cannot be read.
    """
    with _to_read(place) as file:
        found = counted(records(file), ends := [0])
        first = next(found, None)
        if first is None:
            if not is_torn_head(file):  # whoever made it was killed at once
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
    """Yield records, and note where the latest one ends."""
    for record in found:
        ends[:] = [record.end]
        yield record


def learn_forms(found: Iterable[Record], unpacker: Unpacker) -> None:
    """Take in the forms of records, which those behind them may name."""
    for record in found:
        if record.kind is Kind.FORM:
            unpacker.learn(*_told(record))


def entries_of(
    found: Iterable[Record], unpacker: Unpacker, end: int | None
) -> Iterator[tuple[Entry, int]]:
    """Yield the entries of records up to a place, and where the record of each ends.

    Events that are alike are one entry, as they are one record.
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
            yield _told(record), record.end


def one_by_one(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries with an entry for each event."""
    for entry in entries:
        if isinstance(entry[1], EventRows):
            yield from (("event", event, "") for event in entry[1].events())
        else:
            yield entry


def _told(record: Record) -> Any:
    first, *arrays = record.parts
    return decode(first, map(bytearray, arrays))  # arrays that can be written to, as they were


def _check_schema(place: Place, about: Any) -> None:
    schema = about.get("schema") if isinstance(about, dict) else None
    if schema != SCHEMA:
        raise BrokenSpoolError(
            f"{place} was written in form {schema!r} by bluescribe {about.get('version', '?')}, "
            f"and this version knows form {SCHEMA}. Remedy: use that version"
        )
