"""Images of which each file has one or some: names of the files, and how each kind is read."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from ..assets import Asset
from ..values import Array
from .images import Images, ImagesError, NotReadyError, check_there, frames_per_index, opened

__all__ = ["file_name", "files", "read"]


def file_name(asset: Asset, number: int) -> Path:
    """Return the path of one file, as area-detector-handlers, ophyd and bluesky name it.

    Parameters
    ----------
    asset
        Its ``template`` is of ``%`` or of ``{}``; files of ``NPY_SEQ`` need none.
    number
        Of the file.

    Raises
    ------
    ImagesError
        The template is missing or makes no name.
    """
    if asset.spec == "NPY_SEQ":
        return asset.path.with_name(f"{asset.path.name}_{number}.npy")
    template, stem = asset.parameters.get("template"), asset.parameters.get("filename", "")
    if not isinstance(template, str):
        raise ImagesError(f"{asset.path}: the documents give no template for names of files")
    try:
        if "%" not in template:
            return asset.path / template.format(number)
        texts = template.count("%s")
        if "data_key" in asset.doc:  # what stands for the folder is in the uri already
            return asset.path / (template % (*[stem, *[""] * texts][:texts], number))
        return Path(template % (*[f"{asset.path}/", stem][:texts], number))
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ImagesError(
            f"{asset.path}: the template {template!r} makes no name of a file: {error}"
        ) from None


def files(images: Images) -> Iterator[tuple[Asset, int]]:
    """Yield the files that hold the images of a field, in the order of its events.

    Raises
    ------
    ImagesError
        Nobody knows how such files are called or read.
    """
    for part in images.parts:
        asset = part.asset
        if asset.spec not in _READERS:
            raise ImagesError(
                f"{asset.path} is of spec {asset.spec!r}, of which nothing is known; known are "
                f"HDF5, {', '.join(_READERS)}"
            )
        if part.stop is None:
            raise ImagesError(f"{asset.path}: the documents do not tell which files they are")
        each = frames_per_index(asset, images.shape, len(_chunk_shape(asset)))
        files_each = max(1, each // _frames_per_file(asset))
        yield from ((asset, n) for n in range(part.start * files_each, part.stop * files_each))


def read(asset: Asset, number: int) -> Array:
    """Return the frames of one file, first axis the frames.

    Raises
    ------
    NotReadyError
        The file is not there, or cannot be read (yet).
    ImagesError
        The package that reads it is not installed.
    """
    path = file_name(asset, number)
    check_there(path)
    try:
        array = _READERS[asset.spec](asset, path)
    except (ImagesError, NotReadyError):
        raise
    except Exception as error:  # each of the packages has errors of its own
        raise NotReadyError(
            f"{path} cannot be read (is it still being written?): {error}"
        ) from error
    is_stack = array.ndim > 2 and array.shape[0] == _frames_per_file(asset)
    return array if is_stack else array[np.newaxis]


def _chunk_shape(asset: Asset) -> Sequence[int]:
    chunk = asset.parameters.get("chunk_shape")
    return chunk if isinstance(chunk, list | tuple) else ()


def _frames_per_file(asset: Asset) -> int:
    return max(1, next(iter(_chunk_shape(asset)), 1))


def _read_tiff(_asset: Asset, path: Path) -> Array:
    image: Array = _package("tifffile").imread(path)
    return image


def _read_jpeg(_asset: Asset, path: Path) -> Array:
    # of this kind alone: for others Pillow may start a program that runs what is in the file
    with _package("PIL.Image").open(path, formats=("JPEG",)) as image:
        return np.asarray(image)


def _read_npy(_asset: Asset, path: Path) -> Array:
    image: Array = np.load(path, allow_pickle=False)
    return image


def _read_hdf5(asset: Asset, path: Path) -> Array:
    dataset = asset.parameters.get("dataset", "/entry/data/data")
    with opened(replace(asset, path=path, dataset=str(dataset))) as images:
        return np.asarray(images[0] if images.ndim > 2 and len(images) == 1 else images[()])


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImagesError(
            f"{name.partition('.')[0]} is needed to read these images and is not installed: "
            'pip install "bluescribe[images]"'
        ) from None


_READERS: dict[str, Callable[[Asset, Path], Array]] = {
    "AD_TIFF": _read_tiff,
    "multipart/related;type=image/tiff": _read_tiff,
    "AD_JPEG": _read_jpeg,
    "multipart/related;type=image/jpeg": _read_jpeg,
    "NPY_SEQ": _read_npy,
    "multipart/related;type=application/x-npy": _read_npy,
    "AD_HDF5_SINGLE": _read_hdf5,
}
