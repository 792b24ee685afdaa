"""The external frames of one field as a virtual dataset: shown, and not copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from ..assets import Asset
from .images import Images, ImagesError, describe, opened, spans

__all__ = ["write_virtual"]


def write_virtual(
    group: h5py.Group,
    name: str,
    images: Images,
    file_name: Callable[[Asset], str],
    *,
    marks_missing: bool = False,
) -> h5py.Dataset:
    """Write the frames of a field's events as a virtual dataset, in place of what is there.

    Where a file is missing a virtual dataset reads as a fill value without a word, so there is none
    unless all files hold what the documents have announced.

    Parameters
    ----------
    group, name
        Where it goes.
    images
        Where the frames are.
    file_name
        Returns a file's name relative to the file of the group.
    marks_missing
        Whether what is missing later on reads as NaN, or the largest number, and not as zero.

    Raises
    ------
    NotReadyError
        A file is not there, or not complete.
    ImagesError
        The files hold frames of different shapes or types.
    """
    sources = {asset.uid: _source(asset, file_name(asset)) for asset in images.assets}
    first = sources[images.parts[0].asset.uid]
    for asset in images.assets:
        source = sources[asset.uid]
        if (source.shape[1:], source.dtype) != (first.shape[1:], first.dtype):
            raise ImagesError(
                f"{asset.place} has {source.dtype} frames of shape {source.shape[1:]}, others "
                f"have {first.dtype} of shape {first.shape[1:]}"
            )
    found = spans(images)
    total = sum(stop - start for _, start, stop in found)
    layout = h5py.VirtualLayout((total, *first.shape[1:]), first.dtype)
    at = 0
    for part, start, stop in found:
        layout[at : at + stop - start] = sources[part.asset.uid][start:stop]
        at += stop - start
    if group.get(name, getlink=True) is not None:
        del group[name]
    fill = _mark(np.dtype(first.dtype)) if marks_missing else None
    dataset = group.create_virtual_dataset(name, layout, fillvalue=fill)
    describe(dataset, images)
    return dataset


def _source(asset: Asset, file_name: str) -> h5py.VirtualSource:
    with opened(asset) as dataset:
        # HDF5 takes % in these names for the number of a block
        path = (asset.dataset or "/").replace("%", "%%")
        name = file_name.replace("%", "%%")
        return h5py.VirtualSource(name, path, dataset.shape, dataset.dtype, dataset.maxshape)


def _mark(dtype: np.dtype[Any]) -> float | int | None:
    if dtype.kind == "f":
        return float("nan")
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else None
