"""The frames of one field, from files of every known kind, in one dataset."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from typing import Any

import h5py

from ..assets.asset import Asset
from ..model.values import Array
from . import sequences
from .filters import create_like, create_new
from .images import Images, ImagesError, Span, opened, spans
from .room import take_room
from .streaming import copy_rows, raise_if_given_up

__all__ = ["check_frames", "copy_frames", "read_frames"]

_BLOCK_BYTES = 8 << 20
"""Read at once, but at least one frame."""

_OF_THEIR_FILE = {"CLASS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST", "target"}
"""Attributes that refer to other objects of the file that they are in."""

_NO_VALUES = (h5py.Empty, h5py.Reference, h5py.RegionReference)


def check_frames(images: Images) -> None:
    """Look whether all frames of a field are there.

    Raises
    ------
    NotReadyError
        Not yet.
    ImagesError
        They never will be, or nobody here can read them.
    """
    if not _are_hdf5(images):
        for datums, number in deque(sequences.files(images), maxlen=1):
            sequences.read(datums, number)
        return
    spans(images)


def copy_frames(
    group: h5py.Group,
    name: str,
    images: Images,
    options: Mapping[str, Any],
    give_up: threading.Event,
) -> h5py.Dataset:
    """Copy the frames of a field's events into a new dataset.

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
    copy = _copy_hdf5 if _are_hdf5(images) else _copy_sequence
    return copy(group, name, images, options, give_up)


def read_frames(images: Images, give_up: threading.Event) -> Iterator[tuple[Asset, Array]]:
    """Yield the frames of a field's events in their order, some at a time, first axis the frames.

    Parameters
    ----------
    images
        What is read.
    give_up
        Ends the reading when it is set.

    Raises
    ------
    NotReadyError, ImagesError
        A file cannot be read.
    GivenUpError
        `give_up` was set.
    """
    if not _are_hdf5(images):
        for datums, number in sequences.files(images):
            raise_if_given_up(give_up)
            yield datums.asset, sequences.read(datums, number)
        return
    for span in spans(images):
        with opened(span.asset, is_checked=True) as source:
            for block in _blocks(span, source, give_up):
                yield span.asset, block


def _are_hdf5(images: Images) -> bool:
    kinds = {asset.is_hdf5 for asset in images.assets}
    if len(kinds) > 1:
        raise ImagesError("some of their files are HDF5 and others are not")
    return kinds.pop()


def _copy_hdf5(
    group: h5py.Group,
    name: str,
    images: Images,
    options: Mapping[str, Any],
    give_up: threading.Event,
) -> h5py.Dataset:
    found = spans(images)
    first = found[0]
    shape = (sum(span.shape[0] for span in found), *first.shape[1:])
    target, at = None, 0
    for _, of_file in groupby(found, lambda span: (span.asset.uid, span.asset.path)):
        consecutive = list(of_file)
        with opened(consecutive[0].asset, is_checked=True) as source:
            if target is None:
                target = (
                    create_like(group, name, shape, source, options)
                    if first.is_plain
                    else create_new(group, name, shape, source.dtype, options)
                )
                _copy_attributes(source, target)
            for span in consecutive:
                span.check_alike(target.shape[1:], target.dtype)
                _copy_span(span, source, target, at, give_up)
                at += span.shape[0]
    return target


def _copy_span(
    span: Span, source: h5py.Dataset, target: h5py.Dataset, at: int, give_up: threading.Event
) -> None:
    if span.is_plain:
        copy_rows(source, (span.start, span.stop), target, at, give_up)
        return
    for block in _blocks(span, source, give_up):
        take_room(target, block.nbytes)
        target[at : at + len(block)] = block
        at += len(block)


def _blocks(span: Span, source: h5py.Dataset, give_up: threading.Event) -> Iterator[Array]:
    """Yield rows, some at a time."""
    row_bytes = source.dtype.itemsize * math.prod(span.rows.shape[1:])
    for piece in span.pieces(max(1, _BLOCK_BYTES // max(1, row_bytes))):
        raise_if_given_up(give_up)
        yield piece.read(source)


def _copy_sequence(
    group: h5py.Group,
    name: str,
    images: Images,
    options: Mapping[str, Any],
    give_up: threading.Event,
) -> h5py.Dataset:
    files = sequences.files(images)
    first = next(files, None)
    if first is None:
        raise ImagesError("the documents announced no frame")
    frames = sequences.read(*first)
    count = 1 + sum(1 for _ in files)
    target = create_new(
        group, name, (count * len(frames), *frames.shape[1:]), frames.dtype, options
    )
    at = 0
    for datums, number in sequences.files(images):
        raise_if_given_up(give_up)
        frames = sequences.read(datums, number)
        if len(frames) * count != len(target):
            raise ImagesError(f"{datums.file_name(number)} has {len(frames)} frames")
        _check_alike(str(datums.file_name(number)), frames, target)
        take_room(target, frames.nbytes)
        target[at : at + len(frames)] = frames
        at += len(frames)
    return target


def _check_alike(place: str, frames: Array, target: h5py.Dataset) -> None:
    if (frames.shape[1:], frames.dtype) != (target.shape[1:], target.dtype):
        raise ImagesError(
            f"{place} has {frames.dtype} frames of shape {frames.shape[1:]}, earlier ones are "
            f"{target.dtype} of shape {target.shape[1:]}"
        )


def _copy_attributes(source: h5py.Dataset, target: h5py.Dataset) -> None:
    for key in source.attrs:
        with suppress(OSError, RuntimeError, TypeError, ValueError):  # of a type that h5py has not
            value = source.attrs[key]
            if key not in _OF_THEIR_FILE and not isinstance(value, _NO_VALUES):
                target.attrs[key] = value
