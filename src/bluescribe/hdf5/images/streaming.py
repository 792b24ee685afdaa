"""Frames from one HDF5 dataset into another, a bounded number of bytes at a time."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from itertools import product

import h5py

from ...assets.waiting import raise_if_given_up
from ..preallocate import take_room
from .filters import are_compressed_alike

__all__ = ["blocks", "copy_rows"]

_BLOCK_BYTES = 8 << 20
"""Read and written at once; the lock of h5py, for which other runs wait, is held so long."""


def copy_rows(
    source: h5py.Dataset,
    rows: tuple[int, int],
    target: h5py.Dataset,
    at: int,
    give_up: threading.Event,
) -> None:
    """Copy rows of one dataset to another place of another one.

    Parameters
    ----------
    source, rows
        What is copied: the first row, and the one after the last.
    target, at
        Where the first one goes.
    give_up
        Ends the copying when it is set.

    Raises
    ------
    GivenUpError
        It was set.
    """
    start, stop = rows
    if _may_copy_chunks(source, rows, target, at):
        _copy_chunks(source, rows, target, at, give_up)
        return
    shape = (stop - start, *source.shape[1:])
    for block in blocks(shape, target.chunks or shape, source.dtype.itemsize):
        raise_if_given_up(give_up)
        first, *inside = block
        read = slice(start + first.start, start + first.stop)
        frames = source[(read, *inside)]
        take_room(target, frames.nbytes)
        target[(slice(at + first.start, at + first.stop), *inside)] = frames


def blocks(
    shape: tuple[int, ...], chunks: tuple[int, ...], itemsize: int, most: int = _BLOCK_BYTES
) -> Iterator[tuple[slice, ...]]:
    """Yield parts of an array, of whole chunks and of not many more bytes than `most`."""
    steps = list(chunks)
    for axis in reversed(range(len(shape))):  # grow the step: the last axes first
        others = [step for number, step in enumerate(steps) if number != axis]
        room = most // (math.prod(others) * itemsize)
        steps[axis] = max(1, min(shape[axis], max(1, room // steps[axis]) * steps[axis]))
    yield from product(
        *(
            [slice(a, min(a + step, n)) for a in range(0, n, step)]
            for n, step in zip(shape, steps, strict=True)
        )
    )


def _may_copy_chunks(
    source: h5py.Dataset, rows: tuple[int, int], target: h5py.Dataset, at: int
) -> bool:
    """Tell whether chunks can be copied as they are: where they begin and end in both datasets.

    It pays for compressed ones; others go faster in blocks, and h5py lets other threads run then.
    """
    if source.chunks is None or source.chunks != target.chunks or source.file.swmr_mode:
        return False
    start, stop = rows
    each = source.chunks[0]
    is_aligned = start % each == 0 and at % each == 0
    is_whole = stop % each == 0 or at + stop - start == target.shape[0]
    return is_aligned and is_whole and are_compressed_alike(source, target)


def _copy_chunks(
    source: h5py.Dataset,
    rows: tuple[int, int],
    target: h5py.Dataset,
    at: int,
    give_up: threading.Event,
) -> None:
    start, stop = rows
    inside = [range(0, n, c) for n, c in zip(source.shape[1:], source.chunks[1:], strict=True)]
    for first, *others in product(range(start, stop, source.chunks[0]), *inside):
        raise_if_given_up(give_up)
        place = (first, *others)
        try:
            mask, chunk = source.id.read_direct_chunk(place)
        except (OSError, RuntimeError):
            # slow, as it looks through all chunks: not to be asked of each
            if source.id.get_chunk_info_by_coord(place).byte_offset is not None:
                raise
            continue  # never written: it reads as the fill value here and there
        take_room(target, len(chunk))
        target.id.write_direct_chunk((at + first - start, *others), chunk, mask)
