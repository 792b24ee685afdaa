"""HDF5 files of which it is not known whether they are whole: looking at them, and reading them.

HDF5 itself is to read no file that another process wrote unless this has looked at it: of texts
that were not written to their end it would read on for ever, and no thread of the process could
use HDF5 again.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py

from ...errors import BluescribeError
from .heaps import heap_size, is_endless
from .superblock import ROOM, Superblock

__all__ = [
    "Marked",
    "NotWholeError",
    "look_at",
    "meet_all",
    "opened",
    "opened_whole",
]

_READ_ERRORS = (ValueError, RuntimeError, KeyError, OSError)
"""Kinds of h5py's errors."""


class NotWholeError(BluescribeError, OSError):
    """What a file should hold was not all written to it, or not all copied."""


class Marked(NamedTuple):
    """An open file, and what it says of itself."""

    file: h5py.File
    found: Superblock
    closed: Superblock
    """As it is in a file that nobody writes."""
    size: int
    """Bytes."""


@contextmanager
def opened(path: Path) -> Iterator[Marked]:
    """Open a file to be read that says that somebody writes it, without a change of a byte.

    Raises
    ------
    ValueError, RuntimeError, KeyError, OSError
        It cannot be opened.
    """
    with path.open("rb") as stream:
        found = Superblock.parse(stream.read(ROOM))
        size = os.fstat(stream.fileno()).st_size
        closed = found.closed(max(size, found.end))
        with h5py.File(_Closed(stream, closed), "r") as file:
            yield Marked(file, found, closed, size)


@contextmanager
def opened_whole(path: Path) -> Iterator[Marked]:
    """Open a file to be read that its writer has closed.

    Raises
    ------
    NotWholeError
        Nobody has closed it, or it is not as long as it says, or no HDF5 file. While it is read:
        texts in it were not written to their end.
    OSError
        It cannot be read.
    """
    with ExitStack() as stack:
        try:
            marked = stack.enter_context(opened(path))
        except _READ_ERRORS as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise NotWholeError(str(error)) from error
        if marked.found.is_marked:
            raise NotWholeError("it says that it is being written")
        if marked.found.end > marked.size:
            raise NotWholeError("it was cut off")
        yield marked


def look_at(path: Path, name: str) -> None:
    """Look whether HDF5 comes to an end with an object of a file, and with its attributes.

    It costs some reads of Python, however large the file is.

    Raises
    ------
    NotWholeError
        It does not. Whatever else is wrong HDF5 itself tells who opens the file.
    """
    try:
        with opened(path) as marked:
            item = marked.file[name]
            for key in item.attrs:
                _try(item.attrs.__getitem__, key)
            if _has_texts(item):
                item[()]
    except NotWholeError:
        raise
    except (*_READ_ERRORS, TypeError):
        return


def meet_all(group: h5py.Group, size: int) -> None:
    """Meet every object: a writer that is killed while it adds objects may leave half of some.

    Raises
    ------
    OSError, RuntimeError, KeyError
        There is one that cannot be read.
    NotWholeError
        The file was cut off: values are not in its `size` bytes, and would be read as zeros. Or
        texts in it were not written to their end.
    """

    def meet(_: str, item: h5py.HLObject) -> None:
        list(item.attrs.values())
        if isinstance(item, h5py.Dataset) and _last_byte(item) > size:
            raise NotWholeError(f"it was cut off: values of {item.name} are missing")
        if _has_texts(item):
            item[()]

    meet("", group)
    group.visititems(meet)


def _has_texts(item: h5py.HLObject) -> bool:
    """Return whether the values of an object are texts of variable length, or other such things."""
    return isinstance(item, h5py.Dataset) and item.dtype.hasobject


def _try(read: Callable[[str], object], key: str) -> None:
    """Read an attribute that may be of a type that h5py does not have."""
    try:
        read(key)
    except NotWholeError:
        raise
    except (*_READ_ERRORS, TypeError):
        return


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
        NotWholeError
            HDF5 would never come to the end of what it reads.
        """
        data = self._read(len(buffer))
        if size := heap_size(data):  # HDF5 reads its beginning first, and then the rest
            whole = self._read(min(size, self._superblock.end - self._position))
            if is_endless(whole):
                raise NotWholeError("texts in it were not written to their end")
        buffer[:] = data
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

    def _read(self, size: int) -> bytes:
        """Return so many bytes from the place on."""
        head = self._superblock.data[self._position : self._position + size]
        self._stream.seek(self._position + len(head))
        data = head + self._stream.read(size - len(head))
        return data.ljust(size, b"\0")


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
