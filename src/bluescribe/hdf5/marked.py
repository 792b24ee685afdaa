"""HDF5 files that say that somebody writes them: reading them, and taking the mark away."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py

from ..files import Place
from .heaps import is_endless
from .superblock import Superblock

__all__ = ["Marked", "meet_all", "opened", "read_superblock", "unmark"]

_SUPERBLOCK_ROOM = 128


class Marked(NamedTuple):
    """An open file, and what it says of itself."""

    file: h5py.File
    found: Superblock
    closed: Superblock
    """As it is in a file that nobody writes."""
    size: int
    """Bytes."""


def read_superblock(path: Path) -> Superblock:
    """Return what the first bytes of a file say.

    Raises
    ------
    ValueError
        They are not those of an HDF5 file.
    OSError
        They cannot be read.
    """
    with path.open("rb") as stream:
        return Superblock.parse(stream.read(_SUPERBLOCK_ROOM))


@contextmanager
def opened(path: Path) -> Iterator[Marked]:
    """Open a file to be read that says that somebody writes it, without a change of a byte.

    Raises
    ------
    ValueError, RuntimeError, KeyError, OSError
        It cannot be opened.
    """
    with path.open("rb") as stream:
        found = Superblock.parse(stream.read(_SUPERBLOCK_ROOM))
        size = os.fstat(stream.fileno()).st_size
        closed = found.closed(max(size, found.end))
        with h5py.File(_Closed(stream, closed), "r") as file:
            yield Marked(file, found, closed, size)


def unmark(place: Place, superblock: Superblock) -> None:
    """Write another superblock, and let the file end where that says.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    with place.open("r+b") as stream:
        stream.truncate(superblock.end)
        stream.write(superblock.data)
        stream.flush()
        os.fsync(stream.fileno())


def meet_all(group: h5py.Group, size: int) -> None:
    """Meet every object: a writer that is killed while it adds objects may leave half of some.

    Raises
    ------
    OSError, RuntimeError, KeyError
        There is one that cannot be read.
    ValueError
        The file was cut off: values are not in its `size` bytes, and would be read as zeros.
    """

    def meet(_: str, item: h5py.HLObject) -> None:
        list(item.attrs.values())
        if isinstance(item, h5py.Dataset) and _last_byte(item) > size:
            raise ValueError(f"it was cut off: values of {item.name} are missing")

    group.visititems(meet)


class _Closed(io.RawIOBase):
    """A file as it would be with another superblock and its full length."""

    def __init__(self, stream: BinaryIO, superblock: Superblock) -> None:
        self._stream = stream
        self._superblock = superblock
        self._position = 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what h5py gives
        """Fill a buffer; behind the end of the file are zeros.

        Raises
        ------
        OSError
            HDF5 would never come to the end of what it reads.
        """
        head = self._superblock.data[self._position : self._position + len(buffer)]
        self._stream.seek(self._position + len(head))
        data = head + self._stream.read(len(buffer) - len(head))
        filled = data.ljust(len(buffer), b"\0")
        if is_endless(filled):
            raise OSError("texts in it were not written to their end")
        buffer[:] = filled
        self._position += len(buffer)
        return len(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._superblock.end}
        self._position = start[whence] + offset
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position


def _last_byte(dataset: h5py.Dataset) -> int:
    """Return where a dataset's values end in the file; 0 where others hold them."""
    if dataset.chunks is None:
        return int((dataset.id.get_offset() or 0) + dataset.id.get_storage_size())
    chunk_rows: int = dataset.chunks[0]
    is_filtered = dataset.id.get_create_plist().get_nfilters()
    ends = [0]

    def look(chunk: Any) -> None:
        rows = chunk_rows if is_filtered else min(chunk_rows, len(dataset) - chunk.chunk_offset[0])
        ends.append(chunk.byte_offset + chunk.size * rows // chunk_rows)

    dataset.id.chunk_iter(look)
    return max(ends)
