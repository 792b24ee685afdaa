"""The external frames of one field as a virtual dataset: shown, and not copied."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from ...assets.asset import Asset
from ...assets.hdf5.reader import Span, spans
from ...assets.images import Images
from ...model.numbers import is_integer
from ..removal import remove
from .frames import check_alike, describe

__all__ = ["write_virtual"]

_MOST_SINGLE = 10_000
"""Rows that have a mapping each, as nexusformat (NeXpy) takes for granted: it counts mappings for
rows. Of more, which would take seconds, consecutive ones are mapped together."""


def write_virtual(
    group: h5py.Group,
    name: str,
    images: Images,
    file_name: Callable[[Asset], str],
) -> h5py.Dataset:
    """Write the frames of a field's events as a virtual dataset, in place of what is there.

    Where a file is missing a virtual dataset reads as a fill value without a word, so there is none
    unless all files hold what the documents have announced; what is missing later on reads as NaN,
    or the largest number, and not as zero.

    Parameters
    ----------
    group, name
        Where it goes.
    images
        Where the frames are.
    file_name
        Returns a file's name relative to the file of the group.

    Raises
    ------
    NotReadyError
        A file is not there, or not complete.
    ImagesError
        The files hold frames of different shapes or types.
    """
    found = spans(images)
    shape = (sum(span.shape[0] for span in found), *found[0].shape[1:])
    dtype = found[0].dtype
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if (fill := _mark(dtype)) is not None:
        plist.set_fill_value(np.array(fill, dtype))
    step, at = (1 if shape[0] <= _MOST_SINGLE else shape[0]), 0
    target = h5py.h5s.create_simple(shape)
    for span in found:
        check_alike(span, shape[1:], dtype)
        for piece in span.steps(step):
            target.select_hyperslab((at, *[0] * (len(shape) - 1)), piece.shape)
            plist.set_virtual(target, *_source(piece, file_name(span.asset)))
            at += piece.shape[0]
    if group.get(name, getlink=True) is not None:
        remove(group, name)
    kind = h5py.h5t.py_create(dtype, logical=True)
    target.select_all()
    made = h5py.h5d.create(group.id, name.encode(), kind, target, plist)
    dataset = h5py.Dataset(made)
    describe(dataset, images)
    return dataset


def _source(span: Span, file_name: str) -> tuple[bytes, bytes, h5py.h5s.SpaceID]:
    """Return where rows are: file, dataset and selection."""
    # HDF5 takes % in these names for the number of a block
    names = (text.replace("%", "%%") for text in (file_name, span.asset.dataset or "/"))
    file, dataset = map(os.fsencode, names)
    if not span.lengths:
        return file, dataset, h5py.h5s.create(h5py.h5s.SCALAR)
    space = h5py.h5s.create_simple(span.lengths)
    space.select_hyperslab(*zip(*span.rows.block(span.start, span.stop), strict=True))
    return file, dataset, space


def _mark(dtype: np.dtype[Any]) -> float | int | None:
    if dtype.kind == "f":
        return float("nan")
    return int(np.iinfo(dtype).max) if is_integer(dtype) else None
