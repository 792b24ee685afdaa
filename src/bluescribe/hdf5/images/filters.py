"""Datasets made like those of an area detector: chunks and compression."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

from ..columns.chunks import frames_a_chunk

__all__ = ["are_compressed_alike", "create_like", "create_new"]

_BITSHUFFLE = 32008
_BITSHUFFLE_OWN = 3
"""Values that bitshuffle itself puts before those of its user; given back, it would do it twice."""

_Filter = tuple[int, tuple[int, ...]]


def create_like(
    group: h5py.Group,
    name: str,
    shape: tuple[int, ...],
    source: h5py.Dataset,
    options: Mapping[str, Any],
    *,
    chunks: tuple[int, ...] | None = None,
) -> h5py.Dataset:
    """Create a dataset for frames of another one, compressed as that is or as the options say.

    Parameters
    ----------
    group, name
        Where.
    shape
        Of all frames.
    source
        Whose type, chunks, fill value and, without options, compression the dataset gets.
    options
        Keywords of ``create_dataset`` for compression.
    chunks
        Where they are not those of the source.
    """
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401  # the filters that it brings are known from here on

    if source.chunks is None:
        return create_new(group, name, shape, source.dtype, options)
    if chunks is None:
        chunks = tuple(max(1, min(c, n)) for c, n in zip(source.chunks, shape, strict=True))
    if options:
        return group.create_dataset(
            name, shape, source.dtype, chunks=chunks, fillvalue=source.fillvalue, **options
        )
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(chunks)
    plist.set_fill_value(np.asarray(source.fillvalue, source.dtype))
    for code, values in _filters(source):
        plist.set_filter(code, h5py.h5z.FLAG_OPTIONAL, values)
    space = h5py.h5s.create_simple(shape)
    made = h5py.h5d.create(group.id, name.encode(), source.id.get_type(), space, plist)
    return h5py.Dataset(made)


def create_new(
    group: h5py.Group,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    options: Mapping[str, Any],
) -> h5py.Dataset:
    """Create a dataset for frames that come without chunks: one large frame each, or many small."""
    chunks = (frames_a_chunk(shape, dtype.itemsize), *(max(1, n) for n in shape[1:]))
    return group.create_dataset(name, shape, dtype, chunks=chunks, **options)


def are_compressed_alike(one: h5py.Dataset, other: h5py.Dataset) -> bool:
    """Tell whether chunks of one dataset, compressed, can stand in the other as they are."""
    filters = _filters(one)
    return bool(filters and one.dtype == other.dtype and filters == _filters(other))


def _filters(dataset: h5py.Dataset) -> list[_Filter]:
    """Return the filters of a dataset, each with the values that its user gave."""
    plist = dataset.id.get_create_plist()
    found = []
    for number in range(plist.get_nfilters()):
        code, _flags, values, _name = plist.get_filter(number)
        found.append((code, values[_BITSHUFFLE_OWN:] if code == _BITSHUFFLE else values))
    return found
