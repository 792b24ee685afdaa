"""Append rows to a dataset by h5py's low-level interface: a run has hundreds of columns."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from h5py import h5d, h5s

from ...model.numbers import is_real
from ...model.values import Array
from ..objects import type_of

__all__ = ["extend", "put_rows", "write_rows", "write_within"]

_STACKED_BYTES = 1 << 18
"""Arrays are stacked in a buffer that stays in the processor's cache."""
_MOST_SPACES = 8

_Spaces: TypeAlias = "tuple[h5s.SpaceID | int, h5s.SpaceID | int]"
"""Of memory, and of the file."""


def write_rows(dataset: h5d.DatasetID, start: int, rows: Array | list[Array]) -> None:
    """Make a dataset end with rows.

    Parameters
    ----------
    dataset
        Its first dimension can grow.
    start
        The number of the first row that is written; what is there is replaced.
    rows
        In the type of the dataset: one array, or one a row, all of one shape and type.
    """
    end = start + len(rows)
    if isinstance(rows, np.ndarray) and rows.ndim == 1:
        dataset.set_extent((end,))
        if end > start:
            _write(dataset, _line(start, end), rows)
        return
    extend(dataset, end)
    _write_blocks(dataset, start, rows)


def extend(dataset: h5d.DatasetID, end: int) -> None:
    """Make a dataset have so many rows."""
    shape = dataset.shape
    if shape[0] != end:
        dataset.set_extent((end, *shape[1:]))


def write_within(dataset: h5d.DatasetID, start: int, rows: Array | list[Array]) -> None:
    """Write rows to a dataset that has room for them, and cannot grow; all else as `write_rows`."""
    if isinstance(rows, np.ndarray) and rows.shape == dataset.shape:
        if rows.size:
            _write(dataset, (h5s.ALL, h5s.ALL), rows)
    else:
        _write_blocks(dataset, start, rows)


def put_rows(dataset: h5d.DatasetID, start: int, block: Array) -> None:
    """Write rows that a dataset has already."""
    space = dataset.get_space()
    space.select_hyperslab((start, *(0 for _ in block.shape[1:])), block.shape)
    _write(dataset, (h5s.create_simple(block.shape), space), block)


def _write_blocks(dataset: h5d.DatasetID, start: int, rows: Array | list[Array]) -> None:
    for block in [rows] if isinstance(rows, np.ndarray) else _stacks(rows):
        if block.size:
            put_rows(dataset, start, block)
        start += len(block)


@lru_cache(_MOST_SPACES)
def _line(start: int, end: int) -> _Spaces:
    """Return what is written of an array, and where to, for the many columns of a batch."""
    space = h5s.create_simple((end,))
    space.select_hyperslab((start,), (end - start,))
    return h5s.create_simple((end - start,)), space


def _write(dataset: h5d.DatasetID, spaces: _Spaces, rows: Array) -> None:
    dtype = type_of(rows.dtype) if is_real(rows.dtype) else None  # h5py makes others
    dataset.write(*spaces, np.ascontiguousarray(rows), dtype)


def _stacks(rows: list[Array]) -> Iterator[Array]:
    """Yield several rows at a time; what was yielded is overwritten by the next."""
    first = rows[0]
    at_once = min(len(rows), _STACKED_BYTES // max(1, first.nbytes))
    if at_once <= 1:
        yield from (row[np.newaxis] for row in rows)
        return
    buffer = np.empty((at_once, *first.shape), first.dtype)
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        yield np.stack(part, out=buffer[: len(part)])
