"""Frames in HDF5 files: where the rows of the datums are, and how such files are opened."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...model.values import Array
from ..asset import Asset
from ..datums import Datums
from ..frames import FrameReader, Piece
from ..images import Images, ImagesError, NotReadyError, Part
from ..row_slices import Rows
from ..waiting import check_there, raise_if_given_up
from .marked import NotWholeError, look_at

__all__ = ["Hdf5Reader", "Span", "opened_unlocked", "spans"]

_RANK = 3
"""Dimensions of frames one after the other."""
_BLOCK_BYTES = 8 << 20
"""Read at once, but at least one frame."""


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive rows of one HDF5 dataset."""

    asset: Asset
    """Of one file, also where a sequence of files has one."""
    rows: Rows
    lengths: tuple[int, ...]
    """Shape of the dataset."""
    dtype: np.dtype[Any]
    start: int
    stop: int

    is_split: bool = False
    """Whether the frames of each row are shown one by one."""
    may_grow: bool = False
    """Whether its producer has the file open still, in a way that others can read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is shown."""
        rows, *others = self.stop - self.start, *self.rows.shape[1:]
        return (rows * others[0], *others[1:]) if self.is_split else (rows, *others)

    @property
    def is_plain(self) -> bool:
        """Whether rows are shown as the dataset has them."""
        return self.rows.is_all_of(self.lengths) and not self.is_split

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the dataset, as it is and will be."""
        return (
            self.is_plain
            and not self.may_grow
            and (self.start, self.stop) == (0, self.rows.shape[0])
        )

    def steps(self, step: int) -> Iterator[Span]:
        """Yield parts of so many rows."""
        for start in range(self.start, self.stop, step):
            yield replace(self, start=start, stop=min(start + step, self.stop))

    def blocks(self, dataset: h5py.Dataset, give_up: threading.Event) -> Iterator[Array]:
        """Yield the frames, some at a time."""
        row_bytes = self.dtype.itemsize * math.prod(self.rows.shape[1:])
        for some in self.steps(max(1, _BLOCK_BYTES // max(1, row_bytes))):
            raise_if_given_up(give_up)
            yield self.rows.read(dataset, some.start, some.stop).reshape(some.shape)


class Hdf5Reader(FrameReader):
    """Reads the frames of one field from HDF5 files."""

    def check(self) -> None:
        """Look whether all frames are there."""
        _ = self._spans

    def count(self) -> int:
        """Return how many frames there are."""
        return sum(span.shape[0] for span in self._spans)

    def pieces(self, give_up: threading.Event) -> Iterator[Piece]:
        """Yield the frames file by file; a file is opened once for all that follows in it."""
        with suppress(ImportError):
            import hdf5plugin  # noqa: F401  # the filters that it brings are known from here on

        for _, of_file in groupby(self._spans, lambda span: (span.asset.uid, span.asset.path)):
            consecutive = list(of_file)
            raise_if_given_up(give_up)
            with opened(consecutive[0].asset, is_checked=True) as source:
                for span in consecutive:
                    rows = (span.start, span.stop) if span.is_plain else None
                    blocks = partial(span.blocks, source)
                    yield Piece(span.asset, span.shape, span.dtype, blocks, source, rows)

    @cached_property
    def _spans(self) -> list[Span]:
        return spans(self._images)


def spans(images: Images) -> list[Span]:
    """Return where the rows of the datums are, in the order of the events.

    Raises
    ------
    NotReadyError
        A file cannot be opened, or has not so many frames (yet).
    ImagesError
        What stands in it is no array of frames, or the documents tell of them in a way that nobody
        knows.
    """
    found: list[Span] = []
    looked: dict[tuple[str, Path], Span] = {}
    for part in images.parts:
        datums = Datums.of(part.asset)
        assets = [part.asset]
        if datums.is_sequence:
            assets = [datums.file(number) for number in datums.files(part.start, part.stop)]
        for asset in assets:
            key = asset.uid, asset.path
            if key not in looked:
                looked[key] = _all_of(asset, datums, one_by_one=images.one_by_one)
            found.append(_of_part(looked[key], part, datums))
    if not found:
        raise ImagesError("the documents announced no frame")
    return found


def _all_of(asset: Asset, datums: Datums, *, one_by_one: bool) -> Span:
    """Return all rows of a file."""
    with opened(asset) as dataset:
        rows = datums.rows(dataset.shape)
        is_split = one_by_one and datums.is_stacked and len(rows.shape) > _RANK
        return Span(
            asset,
            rows,
            dataset.shape,
            dataset.dtype,
            0,
            rows.shape[0],
            is_split=is_split,
            may_grow=dataset.file.swmr_mode,
        )


def _of_part(file: Span, part: Part, datums: Datums) -> Span:
    """Return the rows of a file that belong to a part."""
    if datums.is_sequence:
        start, stop = 0, datums.rows_a_file if file.rows.axis is not None else 1
    elif part.stop is None:
        return file
    else:
        each = datums.rows_each(len(file.rows.shape))
        start, stop = part.start * each, part.stop * each
    if stop > file.stop:
        raise NotReadyError(
            f"{file.asset.place} has {file.stop} frames of {stop} that the documents announced"
        )
    return replace(file, start=start, stop=stop)


_MODES: tuple[Mapping[str, Any], ...] = ({}, {"swmr": True}, {"swmr": True, "locking": False})
"""A file that its producer has closed, one that it writes for others to read, one that it locks."""

_UNLOCKED: tuple[Mapping[str, Any], ...] = ({"locking": False}, *_MODES)
"""For reading long: a lock would keep the producer from opening its file again."""


@contextmanager
def opened(asset: Asset, *, is_checked: bool = False) -> Iterator[h5py.Dataset]:
    """Open the dataset of an HDF5 asset for reading.

    Parameters
    ----------
    asset
        Says where it is.
    is_checked
        Whether it was seen to be complete: then the file need not be locked.

    Raises
    ------
    NotReadyError
        The file is not there or cannot be opened (yet), or has no such dataset (yet).
    ImagesError
        What stands there is no array of frames.
    """
    if not is_checked:
        _look_at(asset)
    with _file(asset, _UNLOCKED if is_checked else _MODES) as file:
        try:
            dataset = file[asset.dataset]
        except (KeyError, OSError, RuntimeError):
            raise NotReadyError(f"{asset.path} has no {asset.dataset}") from None
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            raise ImagesError(f"{asset.place} is no array of frames")
        yield dataset


_OPEN_OTHERWISE = "locking flag values don't match"
"""What HDF5 says of a file that this process has open, and in the other manner: without a lock
where another format copies it, with one where a simulated detector writes it.

It can be read along with that; to wait until it is closed may take too long.
"""


def opened_unlocked(path: Path, name: str) -> h5py.File:
    """Open an HDF5 file for a look at an object, in nobody's way.

    That is without a lock, if nothing here has one.

    Raises
    ------
    OSError
        It is not there, or cannot be opened by now.
    """
    look_at(path, name)
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if _OPEN_OTHERWISE not in str(error):
            raise
    return h5py.File(path, "r")


def _look_at(asset: Asset) -> None:
    try:
        look_at(asset.path, asset.dataset or "/")
    except NotWholeError as error:
        raise NotReadyError(
            f"{asset.path}: {error} (was its producer killed, or was it copied in part?)"
        ) from None


def _file(asset: Asset, modes: Iterable[Mapping[str, Any]]) -> h5py.File:
    check_there(asset.path)
    refusal: Exception | None = None
    left = list(modes)
    while left:
        mode = left.pop(0)
        try:
            return h5py.File(asset.path, "r", **mode)
        except (OSError, ValueError) as error:
            refusal = refusal or error
            if _OPEN_OTHERWISE in str(error) and not mode:
                left.insert(0, {"locking": False})
    raise NotReadyError(f"{asset.path} cannot be opened (is it still being written?): {refusal}")
