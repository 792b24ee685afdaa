"""Images of which each file has one or some: names of the files, and how each kind is read."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from ..assets.datums import SEQUENCES, Datums, ImagesError
from ..model.values import Array
from .images import Images, NotReadyError, check_there

__all__ = ["files", "read"]


def files(images: Images) -> Iterator[tuple[Datums, int]]:
    """Yield the files that hold the images of a field, in the order of its events.

    Raises
    ------
    ImagesError
        Nobody knows how such files are called or read.
    """
    for part in images.parts:
        asset = part.asset
        if asset.spec not in SEQUENCES:
            raise ImagesError(
                f"{asset.path} is of spec {asset.spec!r}, of which nothing is known; known are "
                f"HDF5, {', '.join(SEQUENCES)}"
            )
        datums = Datums.of(asset, images.shape)
        yield from ((datums, number) for number in datums.files(part.start, part.stop))


def read(datums: Datums, number: int) -> Array:
    """Return the frames of one file, first axis the frames.

    Raises
    ------
    NotReadyError
        The file is not there, or cannot be read (yet).
    ImagesError
        The package that reads it is not installed.
    """
    path = datums.file_name(number)
    check_there(path)
    try:
        array = _READERS[SEQUENCES[datums.asset.spec]](path)
    except (ImagesError, NotReadyError):
        raise
    except Exception as error:  # each of the packages has errors of its own
        raise NotReadyError(
            f"{path} cannot be read (is it still being written?): {error}"
        ) from error
    least = len(datums.shape) + 1 if datums.is_stacked else 3
    is_counted = array.ndim >= least and len(array) == datums.rows_a_file
    return array if is_counted else array[np.newaxis]


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
