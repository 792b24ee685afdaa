"""Rows of a column in another arrangement: copied, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from ...model.values import Array
from ..images.filters import create_like
from ..preallocate import take_room
from ..tree import Rearranged

__all__ = ["write_rearranged"]

_BLOCK_BYTES = 4 << 20
_SMALL_BYTES = 1 << 16
"""There is room for so much: some is taken before anything is added at the end of a run."""
_DESCRIBING = ("units", "source", "precision", "long_name", "interpretation")
"""Attributes that go with a value wherever it is copied."""


def write_rearranged(parent: h5py.Group, name: str, node: Rearranged) -> None:
    """Write a copy of a column's rows.

    Raises
    ------
    OSError
        There is no room for it.
    """
    source = parent.file[node.source]
    dataset = _new(parent, name, source, node)
    if source.nbytes > _SMALL_BYTES:
        take_room(dataset, source.nbytes)
    if dataset.chunks is not None:
        _copy_chunks(source, dataset, node.rows)
    else:
        for place, rows in _blocks(node.rows, source.nbytes // max(1, len(source))):
            first = rows.min()
            values = source[first : rows.max() + 1][rows - first]
            dataset[place] = values.reshape(len(rows), *node.shape)
    for key in _DESCRIBING:
        if key in source.attrs and not (key == "interpretation" and _is_map(node)):
            dataset.attrs[key] = source.attrs[key]


def _is_map(node: Rearranged) -> bool:
    """Tell whether numbers have the shape of a grid: silx asks the plot what they are, then."""
    return node.rows.ndim > 1 and not node.shape


def _new(parent: h5py.Group, name: str, source: h5py.Dataset, node: Rearranged) -> h5py.Dataset:
    """Make the dataset; compressed as the source is, where that has a chunk for each row."""
    shape = (*node.rows.shape, *node.shape)
    rows_are_chunks = source.chunks == (1, *node.shape)
    if not (rows_are_chunks and source.id.get_create_plist().get_nfilters()):
        return parent.create_dataset(name, shape, source.dtype)
    chunks = (*[1] * node.rows.ndim, *node.shape)
    return create_like(parent, name, shape, source, {}, chunks=chunks)


def _copy_chunks(source: h5py.Dataset, dataset: h5py.Dataset, rows: Array) -> None:
    """Copy compressed rows as they are."""
    corner = (0,) * (source.ndim - 1)
    for place, row in np.ndenumerate(rows):
        mask, chunk = source.id.read_direct_chunk((int(row), *corner))
        dataset.id.write_direct_chunk((*place, *corner), chunk, mask)


def _blocks(rows: Array, row_bytes: int) -> Iterator[tuple[Any, Array]]:
    """Yield places along the last axis, with the rows that go there: no more than fit in memory."""
    step = max(1, _BLOCK_BYTES // max(1, row_bytes))
    for line in np.ndindex(rows.shape[:-1]):
        for start in range(0, rows.shape[-1], step):
            part = rows[line][start : start + step]
            yield (*line, slice(start, start + len(part))), part
