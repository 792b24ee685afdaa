"""Chunks that are compressed side by side: HDF5 compresses one after the other, under its lock.

The codec is the very one that HDF5 would call, its plug-in's or zlib's. Of each dataset HDF5
compresses the first chunk itself, and only where ours has the same bytes the next ones are ours. So
a file is what HDF5 alone would have made of it, and its readers need nothing more.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
from h5py import h5d, h5z

from ...files.system import after_fork
from ...model.numbers import is_real
from ...model.values import Array
from .rows import extend, put_rows, write_rows

__all__ = ["Codec"]

logger = logging.getLogger(__name__)

_MOST_THREADS = 8
_LARGEST_NUMBER = 8
"""Bytes of a number that is in a file as it is in memory."""
_PLUGINS = {32001: "blosc", 32004: "lz4", 32008: "bshuf", 32015: "zstd"}
"""Names that hdf5plugin has for filters."""

_Step: TypeAlias = "Callable[[Array], Array | None]"
"""Gives bytes for bytes; None where it cannot."""

_SIZE = ctypes.c_size_t
_FILTER = ctypes.CFUNCTYPE(
    _SIZE,
    ctypes.c_uint,
    _SIZE,
    ctypes.POINTER(ctypes.c_uint),
    _SIZE,
    ctypes.POINTER(_SIZE),
    ctypes.POINTER(ctypes.c_void_p),
)


class _Class(ctypes.Structure):
    """What HDF5 knows of a filter: H5Z_class2_t."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", _FILTER),
    )


class Codec:
    """Compresses rows of a column, each of which is a chunk, on several cores.

    Parameters
    ----------
    steps
        What is done to the bytes of a chunk, in this order.
    dtype
        Of the numbers.
    row
        Shape of a chunk.
    """

    def __init__(self, steps: Sequence[_Step], dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        self._steps = steps
        self._dtype = dtype
        self._row = row
        self._is_proven = False
        self._is_usable = True

    @classmethod
    def of(cls, dataset: h5d.DatasetID) -> Codec | None:
        """Return the codec of a new dataset; None where HDF5 alone can compress, or is as fast."""
        properties, dtype = dataset.get_create_plist(), dataset.dtype
        filters = [properties.get_filter(n) for n in range(properties.get_nfilters())]
        is_plain = dtype.isnative and is_real(dtype) and dtype.itemsize <= _LARGEST_NUMBER
        chunk = properties.get_chunk()
        if not filters or not is_plain or chunk[0] != 1 or _threads() < 2:
            return None
        steps = [_step(code, values) for code, _, values, _ in filters]
        known = [step for step in steps if step is not None]
        return cls(known, dtype, chunk[1:]) if len(known) == len(steps) else None

    def write(self, dataset: h5d.DatasetID, start: int, rows: Array | list[Array]) -> None:
        """Make a dataset end with rows, as `write_rows` does."""
        if len(rows) > 1 and not self._is_proven and self._is_usable:
            self._prove(dataset, start, rows)
        pool = _pool() if len(rows) > 1 and self._is_proven and self._takes(rows[0]) else None
        if pool is None:
            return write_rows(dataset, start, rows)
        try:
            packed = pool.map(self._packed, rows)
        except RuntimeError:  # the interpreter ends: there are no threads any more
            return write_rows(dataset, start, rows)
        extend(dataset, start + len(rows))
        rest = (0,) * len(self._row)
        for number, (row, chunk) in enumerate(zip(rows, packed, strict=True), start):
            if chunk is None:
                put_rows(dataset, number, row[np.newaxis])
            else:
                dataset.write_direct_chunk((number, *rest), chunk)
        return None

    def _takes(self, row: Array) -> bool:
        return row.dtype == self._dtype and row.shape == self._row

    def _packed(self, row: Array) -> Array | None:
        found: Array | None = np.ascontiguousarray(row).reshape(-1).view(np.uint8)
        for step in self._steps:
            found = None if found is None else step(found)
        return found

    def _prove(self, dataset: h5d.DatasetID, start: int, rows: Array | list[Array]) -> None:
        """Have HDF5 write the first of some rows, and compare what it makes of it with ours."""
        if not self._takes(rows[0]):
            return
        write_rows(dataset, start, rows[:1])
        mask, chunk = dataset.read_direct_chunk((start, *(0,) * len(self._row)))
        own = self._packed(rows[0])
        self._is_proven = self._is_usable = (
            own is not None and not mask and own.tobytes() == bytes(chunk)
        )
        if not self._is_usable:
            logger.debug("a codec makes other bytes than HDF5 does, which compresses alone")


def _step(code: int, values: tuple[int, ...]) -> _Step | None:
    if code == h5z.FILTER_SHUFFLE:
        return partial(_shuffled, values[0])
    if code == h5z.FILTER_DEFLATE:
        return partial(_deflated, values[0])
    apply = _plugin(_PLUGINS[code]) if code in _PLUGINS else None
    return apply and partial(_filtered, apply, values)


def _shuffled(size: int, chunk: Array) -> Array:
    """Return the first bytes of all numbers, then the second ones..."""
    if size < 2:
        return chunk
    shuffled = np.empty((size, len(chunk) // size), np.uint8)
    for place, numbers in enumerate(shuffled):
        numbers[:] = chunk[place::size]
    return shuffled.reshape(-1)


def _deflated(level: int, chunk: Array) -> Array:
    return np.frombuffer(zlib.compress(chunk.data, level), np.uint8)


def _filtered(apply: Any, values: tuple[int, ...], chunk: Array) -> Array | None:
    """Return what a filter makes of a chunk; it takes a buffer of malloc's, and gives another."""
    allocate, free = _memory()
    size, buffer = _SIZE(chunk.nbytes), ctypes.c_void_p(allocate(chunk.nbytes))
    if buffer.value is None:
        raise MemoryError(f"{chunk.nbytes} bytes to compress")
    try:
        ctypes.memmove(buffer, chunk.ctypes.data, chunk.nbytes)
        told = (ctypes.c_uint * len(values))(*values)
        places = ctypes.byref(size), ctypes.byref(buffer)
        filled = apply(0, len(values), told, chunk.nbytes, *places)
        if not filled:
            return None
        return np.frombuffer(ctypes.string_at(buffer, filled), np.uint8)
    finally:
        free(buffer)


@lru_cache
def _plugin(name: str) -> Any:
    """Return the function of a filter of hdf5plugin; None where it has none that can be called."""
    try:
        import hdf5plugin

        library = ctypes.CDLL(hdf5plugin.get_config().registered_filters[name])
        about = library.H5PLget_plugin_info
        about.restype = ctypes.POINTER(_Class)
        found = about().contents
        _memory()
    except (ImportError, OSError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return found.filter if found.version == 1 and found.encoder_present else None


@lru_cache
def _memory() -> tuple[Any, Any]:
    """Return malloc and free, which filters of Linux use."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (_SIZE,)
    libc.free.restype, libc.free.argtypes = None, (ctypes.c_void_p,)
    return libc.malloc, libc.free


def _threads() -> int:
    """Return how many chunks are compressed at once: as many as this process has cores, or 8."""
    if sys.platform != "linux":
        return 1
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


@lru_cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(), thread_name_prefix="bluescribe-codec")


after_fork(_pool.cache_clear)
