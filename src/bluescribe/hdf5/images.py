"""The external images of one field, file by file, and how HDF5 files of them are opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..assets.asset import Asset
from ..assets.datums import Datums, ImagesError
from ..assets.row_slices import Rows
from ..errors import BluescribeError
from ..model.values import Array
from .marked import NotWholeError, look_at
from .objects import set_attribute

__all__ = [
    "Images",
    "ImagesError",
    "MissingError",
    "NotReadyError",
    "Part",
    "Span",
    "check_there",
    "describe",
    "may_be_images",
    "opened",
    "opened_unlocked",
    "spans",
]


_RANK = 3
"""Dimensions of frames one after the other."""


class NotReadyError(BluescribeError, OSError):
    """Images that cannot be read yet: the file is not there, or its producer still writes it."""


class MissingError(NotReadyError):
    """Images whose file is not there, perhaps never on this machine."""


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive frames of one asset, counted as the documents do; all of them if not told."""

    asset: Asset
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Images:
    """The frames of one field, in the order of its events."""

    stream: str
    field: str
    group: str
    """Absolute path of the field's group in the file that links them."""
    shape: tuple[int | None, ...]
    """Of what one event has, as the descriptor declares it."""
    parts: tuple[Part, ...]
    attrs: Mapping[str, Any]
    """What the descriptor tells of the values."""
    one_by_one: bool = False
    """Whether each row is to be a frame, also of datums that are stacked and have several."""

    @property
    def events(self) -> int:
        """Number of events that have frames; 0 where the documents do not tell."""
        counts = [part.stop - part.start for part in self.parts if part.stop is not None]
        return sum(counts) if len(counts) == len(self.parts) else 0

    @property
    def assets(self) -> list[Asset]:
        """The assets, each once."""
        return list({part.asset.uid: part.asset for part in self.parts}.values())


def describe(dataset: h5py.Dataset, images: Images) -> None:
    """Tell at a dataset of all frames what they are, and how many of them each event has."""
    for key, value in images.attrs.items():
        if key not in dataset.attrs:
            set_attribute(dataset, key, value)
    if images.events:
        set_attribute(dataset, "frames_per_event", dataset.shape[0] // images.events)


def may_be_images(shape: tuple[int | None, ...]) -> bool:
    """Tell whether values of a declared shape have two dimensions, one frame or several."""
    return len(shape) >= 2 and 1 not in shape[-2:]


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

    def read(self, dataset: h5py.Dataset) -> Array:
        """Return all frames."""
        return self.rows.read(dataset, self.start, self.stop).reshape(self.shape)

    def pieces(self, step: int) -> Iterator[Span]:
        """Yield parts of so many rows."""
        for start in range(self.start, self.stop, step):
            yield replace(self, start=start, stop=min(start + step, self.stop))

    def check_alike(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Check that frames have a shape and a type.

        Raises
        ------
        ImagesError
            They have others.
        """
        if (self.shape[1:], self.dtype) != (shape, dtype):
            raise ImagesError(
                f"{self.asset.place} has {self.dtype} frames of shape {self.shape[1:]}, earlier "
                f"ones are {dtype} of shape {shape}"
            )


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
        datums = Datums.of(part.asset, images.shape)
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


def check_there(path: Path) -> None:
    """Look whether there is such a file.

    Raises
    ------
    MissingError
        There is none.
    NotReadyError
        It is out of reach.
    """
    try:
        path.stat()
    except FileNotFoundError:
        raise MissingError(f"{path} is not there") from None
    except (OSError, ValueError) as error:
        raise NotReadyError(f"{path} is out of reach: {error}") from None


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
