"""Entries: what the records of a segment hold, read back.

Whoever reads a segment needs no more than this: the session that writes it, a process that writes
a format, or the session that finds it after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from ..files import Place
from .event_columns import COLUMNS, EventColumns
from .event_rows import ROWS, EventRows
from .problems import BrokenSpoolError
from .records import Kind, Record, as_writable, is_torn_head, records
from .rows import Unpacker
from .values import decode

__all__ = [
    "BEGIN",
    "NOTE",
    "SCHEMA",
    "TORN",
    "Entry",
    "counted",
    "entries_of",
    "learn_forms",
    "one_by_one",
    "opened_to_read",
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

Entry = tuple[str, Any, str]
"""Name of a document or control, the document, and the name of its lane; "" for all lanes."""


@contextmanager
def opened_to_read(place: Place) -> Iterator[BinaryIO]:
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
    with opened_to_read(place) as file:
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
