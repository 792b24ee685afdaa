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

import numpy as np

__all__ = [
    "Buffer",
    "Kind",
    "Record",
    "as_writable",
    "is_torn_head",
    "packed",
    "padded",
    "records",
]

_LETTERS = b"bs"
_HEAD = struct.Struct("<2sBxIQ")
_CHECKSUM = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_SEVERAL = 16
"""Parts begin at a multiple of so many bytes behind the head: numpy's numbers have to."""
_LARGE_BYTES = 1 << 12
"""Of a body, from which on it is read into memory that can be written to."""

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


def padded(first: bytes, parts: int) -> bytes:
    """Return the first part of a record, so long that the next one begins where arrays may.

    Parameters
    ----------
    first
        What ends by itself, as pickles do: zeros are put behind it.
    parts
        How many follow.
    """
    return first + bytes(-(len(first) + (1 + parts) * _LENGTH.size) % _SEVERAL) if parts else first


def as_writable(part: memoryview) -> Buffer:
    """Return a part as arrays can be made of it: as it is, where it can be written to."""
    address, is_fixed = np.frombuffer(part, np.uint8).__array_interface__["data"]
    return bytearray(part) if is_fixed or address % _SEVERAL else part


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
    body = _body(file, size)
    if _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(head))) != checksum:
        return None
    parts, at = [], count * _LENGTH.size
    for number in range(count):
        (length,) = _LENGTH.unpack_from(body, number * _LENGTH.size)
        parts.append(body[at : at + length])
        at += length
    return Record(Kind(kind), tuple(parts), until) if at == size else None


def _body(file: BinaryIO, size: int) -> memoryview:
    """Return what follows a head; arrays can be made of what is large without a copy."""
    if size < _LARGE_BYTES:
        return memoryview(file.read(size))
    body = memoryview(np.empty(size, np.uint8))  # type: ignore[arg-type]  # it is a buffer
    return body[: file.readinto(body)]  # type: ignore[attr-defined]  # of what is open to be read
