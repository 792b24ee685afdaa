"""The one reader of frames: of files of every known kind, file by file, in the order of events."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.values import Array
from .asset import Asset
from .images import Images, ImagesError

__all__ = ["FrameReader", "Piece", "reader_of"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive frames of one file, which is open."""

    asset: Asset
    """The file; of a sequence one of its files."""
    shape: tuple[int, ...]
    """Of the frames together: the first number counts them."""
    dtype: np.dtype[Any]
    blocks: Callable[[threading.Event], Iterator[Array]]
    """Yields the frames, some at a time, first axis the frames; ends when the event is set."""
    source: Any = None
    """The dataset that they are in, of an HDF5 file."""
    rows: tuple[int, int] | None = None
    """The first of its rows, and the one after the last, where rows are the frames as they are."""


class FrameReader(ABC):
    """Reads the frames of one field. What it has found of its files it does not look at again."""

    def __init__(self, images: Images) -> None:
        self._images = images

    @abstractmethod
    def check(self) -> None:
        """Look whether all frames are there.

        Raises
        ------
        NotReadyError
            Not yet.
        ImagesError
            They never will be, or there is no reader for them.
        """

    @abstractmethod
    def count(self) -> int:
        """Return how many frames there are, after a look at the files; raise what `check` does."""

    @abstractmethod
    def pieces(self, give_up: threading.Event) -> Iterator[Piece]:
        """Yield the frames file by file; each is open until the next one is asked for.

        Raises
        ------
        NotReadyError, ImagesError
            A file cannot be read.
        GivenUpError
            `give_up` was set.
        """

    def read(self, give_up: threading.Event) -> Iterator[Array]:
        """Yield the frames, some at a time, first axis the frames; raise what `pieces` does."""
        for piece in self.pieces(give_up):
            yield from piece.blocks(give_up)


def reader_of(images: Images) -> FrameReader:
    """Return what reads the frames of a field.

    Raises
    ------
    ImagesError
        There are none, or they are in files that nobody reads together.
    """
    kinds = {asset.is_hdf5 for asset in images.assets}
    if not kinds:
        raise ImagesError("the documents announced no frame")
    if len(kinds) > 1:
        raise ImagesError("some of their files are HDF5 and others are not")
    if kinds == {True}:
        from .hdf5.reader import Hdf5Reader  # h5py, which text formats have no use for

        return Hdf5Reader(images)
    from .image_files import ImageFileReader

    return ImageFileReader(images)
