"""Images of which each file has one or some: TIFF, JPEG, NPY."""

from __future__ import annotations

import importlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np

from ..model.values import Array
from .datums import Datums
from .frames import FrameReader, Piece
from .images import ImagesError, NotReadyError
from .waiting import check_there, raise_if_given_up

__all__ = ["ImageFileReader"]


class ImageFileReader(FrameReader):
    """Reads the frames of one field, file by file."""

    _each = 0
    """Frames of the first file, once it was read: all have as many."""

    def check(self) -> None:
        """Read the last file: a producer writes one after the other."""
        for datums, number in deque(self._files(), maxlen=1):
            _read(datums, number)

    def count(self) -> int:
        """Return how many frames there are."""
        numbers = list(self._files())
        self._each = self._each or len(_read(*numbers[0]))
        return self._each * len(numbers)

    def pieces(self, give_up: threading.Event) -> Iterator[Piece]:
        """Yield the files."""
        for datums, number in self._files():
            raise_if_given_up(give_up)
            asset, frames = datums.file(number), _read(datums, number)
            self._each = self._each or len(frames)
            if len(frames) != self._each:
                raise ImagesError(f"{asset.place} has {len(frames)} frames")
            yield Piece(asset, frames.shape, frames.dtype, partial(_whole, frames))

    def _files(self) -> Iterator[tuple[Datums, int]]:
        """Yield the files that hold the images of a field, in the order of its events."""
        for part in self._images.parts:
            datums = Datums.of(part.asset)
            yield from ((datums, number) for number in datums.files(part.start, part.stop))


def _read(datums: Datums, number: int) -> Array:
    """Return the frames of one file."""
    path = datums.file_name(number)
    check_there(path)
    read = _READERS[datums.kind.name]
    try:
        array = read(path)
    except ImagesError:
        raise
    except Exception as error:  # each of the packages has errors of its own
        raise NotReadyError(
            f"{path} cannot be read (is it still being written?): {error}"
        ) from error
    least = len(datums.shape) + 1 if datums.is_stacked else 3
    is_counted = array.ndim >= least and len(array) == datums.rows_a_file
    return array if is_counted else array[np.newaxis]


def _whole(frames: Array, _: threading.Event) -> Iterator[Array]:
    yield frames


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
"""What reads a file of each kind of `kinds` that is not HDF5."""
