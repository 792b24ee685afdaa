"""Append rows to a dataset by h5py's low-level interface: a run has hundreds of columns."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np
from h5py import h5s

from ...model.values import Array

__all__ = ["write_rows"]

_STACKED_BYTES = 1 << 18
"""Arrays are stacked in a buffer that stays in the processor's cache."""


def write_rows(dataset: h5py.Dataset, start: int, rows: Array | list[Array]) -> None:
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
    stored = dataset.id
    shape = stored.shape
    if shape[0] != start + len(rows):
        stored.set_extent((start + len(rows), *shape[1:]))
    for block in [rows] if isinstance(rows, np.ndarray) else _stacks(rows):
        if block.size:
            space = stored.get_space()
            space.select_hyperslab((start, *(0 for _ in shape[1:])), block.shape)
            stored.write(h5s.create_simple(block.shape), space, np.ascontiguousarray(block))
        start += len(block)


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
