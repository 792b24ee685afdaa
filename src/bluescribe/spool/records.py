"""Records: the units of a segment, with a checksum each, so that a torn end is recognised.

A record is a head of 20 bytes and its parts. The head has two letters, the kind, the number of
parts, the bytes of all that follows and a checksum of everything; then come the lengths of the
parts, and the parts. Reading stops where no whole record begins: after a kill half a record may
stand there, after a power cut there may be zeros.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

__all__ = ["Buffer", "Kind", "Record", "is_torn_head", "packed", "records"]

_LETTERS = b"bs"
_HEAD = struct.Struct("<2sBxIQ")
_CHECKSUM = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")

Buffer = bytes | bytearray | memoryview


class Kind(IntEnum):
    """The kinds of records."""

    BEGIN = 1
    """The first record of a segment: who wrote it."""
    FORM = 2
    """A form of events; it stands before its first row."""
    ROWS = 3
    """Events of one form, one after the other."""
    DOCUMENT = 4
    """Any document, or a control between two of them."""


_KINDS = frozenset(map(int, Kind))


@dataclass(frozen=True, slots=True)
class Record:
    """One record."""

    kind: Kind
    parts: tuple[memoryview, ...]
    end: int
    """Offset at which the next record begins."""


def packed(kind: Kind, parts: Sequence[Buffer]) -> list[Buffer]:
    """Return the buffers of a record, for `os.writev`; the parts are not copied."""
    views = [memoryview(part).cast("B") for part in parts]
    lengths = b"".join(_LENGTH.pack(view.nbytes) for view in views)
    size = len(lengths) + sum(view.nbytes for view in views)
    head = _HEAD.pack(_LETTERS, kind, len(views), size)
    checksum = zlib.crc32(lengths, zlib.crc32(head))
    for view in views:
        checksum = zlib.crc32(view, checksum)
    return [head + _CHECKSUM.pack(checksum), lengths, *views]


def records(file: BinaryIO, start: int = 0) -> Iterator[Record]:
    """Yield the whole records of a file, up to the first place where none begins.

    Parameters
    ----------
    file
        Open, at any position.
    start
        Offset at which a record begins.
    """
    file.seek(0, io.SEEK_END)
    end = file.tell()
    file.seek(start)
    while (record := _record(file, end)) is not None:
        yield record
        file.seek(record.end)  # the caller may have read elsewhere meanwhile


def is_torn_head(file: BinaryIO) -> bool:
    """Return whether a file ends within its first record, or in zeros, as after a power cut."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - _HEAD.size))
    tail = file.read()
    file.seek(0)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not any(tail):
        return True
    letters, _, _, size = _HEAD.unpack(head)
    return bool(letters == _LETTERS and _HEAD.size + _CHECKSUM.size + size > end)


def _record(file: BinaryIO, end: int) -> Record | None:
    first = file.read(_HEAD.size + _CHECKSUM.size)  # at once: another process may write meanwhile
    head, checksum = first[: _HEAD.size], first[_HEAD.size :]
    if len(checksum) < _CHECKSUM.size:
        return None
    letters, kind, count, size = _HEAD.unpack(head)
    until = file.tell() + size
    if letters != _LETTERS or kind not in _KINDS or size < count * _LENGTH.size or until > end:
        return None
    body = memoryview(file.read(size))
    if _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(head))) != checksum:
        return None
    parts, at = [], count * _LENGTH.size
    for number in range(count):
        (length,) = _LENGTH.unpack_from(body, number * _LENGTH.size)
        parts.append(body[at : at + length])
        at += length
    return Record(Kind(kind), tuple(parts), until) if at == size else None
