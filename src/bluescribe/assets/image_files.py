"""Images of which each file has one or some: TIFF, JPEG, NPY."""

from __future__ import annotations

import importlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..model.values import Array
from .asset import Asset
from .datums import Datums
from .images import Images, ImagesError, NotReadyError
from .kinds import known_kinds
from .waiting import check_there, raise_if_given_up

__all__ = ["ImageFileReader"]


@dataclass(frozen=True, slots=True)
class _ImageFile:
    """One file, which was read."""

    asset: Asset
    frames: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.frames.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.frames.dtype

    def blocks(self, give_up: threading.Event) -> Iterator[Array]:
        yield self.frames


class ImageFileReader:
    """Reads the frames of one field, file by file."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._each = 0
        """Frames of the first file, once it was read: all have as many."""

    def check(self) -> None:
        """Read the last file: a producer writes one after the other."""
        for datums, number in deque(self._files(), maxlen=1):
            _read(datums, number)

    def count(self) -> int:
        """Return how many frames there are."""
        numbers = list(self._files())
        if numbers and not self._each:
            self._each = len(_read(*numbers[0]).frames)
        return self._each * len(numbers)

    def pieces(self, give_up: threading.Event) -> Iterator[_ImageFile]:
        """Yield the files."""
        for datums, number in self._files():
            raise_if_given_up(give_up)
            file = _read(datums, number)
            self._each = self._each or len(file.frames)
            if len(file.frames) != self._each:
                raise ImagesError(f"{file.asset.place} has {len(file.frames)} frames")
            yield file

    def _files(self) -> Iterator[tuple[Datums, int]]:
        """Yield the files that hold the images of a field, in the order of its events."""
        for part in self._images.parts:
            asset = part.asset
            if asset.kind is None:
                raise ImagesError(
                    f"{asset.path} is of spec {asset.spec!r}, of which nothing is known; known are "
                    f"{', '.join(known_kinds())}"
                )
            datums = Datums.of(asset)
            yield from ((datums, number) for number in datums.files(part.start, part.stop))


def _read(datums: Datums, number: int) -> _ImageFile:
    """Read the frames of one file."""
    file = datums.file(number)
    check_there(file.path)
    try:
        array = _READERS[file.kind.name if file.kind else ""](file.path)
    except ImagesError:
        raise
    except Exception as error:  # each of the packages has errors of its own
        raise NotReadyError(
            f"{file.path} cannot be read (is it still being written?): {error}"
        ) from error
    least = len(datums.shape) + 1 if datums.is_stacked else 3
    is_counted = array.ndim >= least and len(array) == datums.rows_a_file
    return _ImageFile(file, array if is_counted else array[np.newaxis])


def _read_tiff(path: Path) -> Array:
    image: Array = _package("tifffile").imread(path)
    return image


def _read_jpeg(path: Path) -> Array:
    # of this kind alone: for others Pillow may start a program that runs what is in the file
    with _package("PIL.Image").open(path, formats=("JPEG",)) as image:
        return np.asarray(image)


def _read_npy(path: Path) -> Array:
    image: Array = np.load(path, allow_pickle=False)
    return image


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImagesError(
            f"{name.partition('.')[0]} is needed to read these images and is not installed: "
            'pip install "bluescribe[images]"'
        ) from None


_READERS: dict[str, Callable[[Path], Array]] = {
    "TIFF": _read_tiff,
    "JPEG": _read_jpeg,
    "NPY": _read_npy,
}
"""Of each kind."""
