"""The external frames of one field, copied into one dataset of an HDF5 file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

from ...assets.frames import Piece, reader_of
from ...assets.hdf5.reader import Span
from ...assets.images import Images, ImagesError
from ..objects import set_attribute
from ..preallocate import take_room
from ..removal import remove
from .filters import create_like, create_new
from .streaming import copy_rows

__all__ = ["check_alike", "copy_frames", "describe"]

_OF_THEIR_FILE = {"CLASS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST", "target"}
"""Attributes that refer to other objects of the file that they are in."""

_NO_VALUES = (h5py.Empty, h5py.Reference, h5py.RegionReference)


def copy_frames(
    group: h5py.Group,
    name: str,
    images: Images,
    options: Mapping[str, Any],
    give_up: threading.Event,
) -> h5py.Dataset:
    """Copy the frames of a field's events into a new dataset; after a failure there is none.

    Parameters
    ----------
    group, name
        Where it goes.
    images
        What is copied.
    options
        Keywords of ``create_dataset`` for compression; none keep that of the files.
    give_up
        Ends the copying when it is set.

    Raises
    ------
    NotReadyError, ImagesError
        A file cannot be read, or holds frames unlike the others.
    GivenUpError
        `give_up` was set.
    """
    reader = reader_of(images)
    target, at = None, 0
    try:
        for piece in reader.pieces(give_up):
            if target is None:
                target = _begin(group, name, reader.count(), piece, options)
            check_alike(piece, target.shape[1:], target.dtype)
            _copy(piece, target, at, give_up)
            at += piece.shape[0]
    except ImagesError:
        if target is not None:
            remove(group, name)
        raise
    return target


def describe(dataset: h5py.Dataset, images: Images) -> None:
    """Tell at a dataset of all frames what they are, and how many of them each event has."""
    for key, value in images.attrs.items():
        if key not in dataset.attrs:
            set_attribute(dataset, key, value)
    if images.events:
        set_attribute(dataset, "frames_per_event", dataset.shape[0] // images.events)


def check_alike(frames: Piece | Span, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Check that frames have a shape and a type.

    Raises
    ------
    ImagesError
        They have others.
    """
    if (frames.shape[1:], frames.dtype) != (shape, dtype):
        raise ImagesError(
            f"{frames.asset.place} has {frames.dtype} frames of shape {frames.shape[1:]}, earlier "
            f"ones are {dtype} of shape {shape}"
        )


def _begin(
    group: h5py.Group, name: str, count: int, first: Piece, options: Mapping[str, Any]
) -> h5py.Dataset:
    """Create the dataset: like that of the first file where its frames are taken as they are."""
    shape = (count, *first.shape[1:])
    if first.rows:
        target = create_like(group, name, shape, first.source, options)
    else:
        target = create_new(group, name, shape, first.dtype, options)
    if first.source is not None:
        _copy_attributes(first.source, target)
    return target


def _copy(piece: Piece, target: h5py.Dataset, at: int, give_up: threading.Event) -> None:
    if piece.rows:
        copy_rows(piece.source, piece.rows, target, at, give_up)
        return
    for block in piece.blocks(give_up):
        take_room(target, block.nbytes)
        target[at : at + len(block)] = block
        at += len(block)


def _copy_attributes(source: h5py.Dataset, target: h5py.Dataset) -> None:
    for key in source.attrs:
        with suppress(OSError, RuntimeError, TypeError, ValueError):  # of a type that h5py has not
            value = source.attrs[key]
            if key not in _OF_THEIR_FILE and not isinstance(value, _NO_VALUES):
                target.attrs[key] = value
