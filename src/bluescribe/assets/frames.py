"""The one reader of frames: of files of every known kind, file by file, in the order of events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from ..model.values import Array
from .asset import Asset
from .images import Images, ImagesError

__all__ = ["FrameReader", "Piece", "read_frames", "reader_of"]


class Piece(Protocol):
    """Consecutive frames of one file, which is open."""

    @property
    def asset(self) -> Asset:
        """The file; of a sequence one of its files."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the frames together: the first number counts them."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of their elements."""

    def blocks(self, give_up: threading.Event) -> Iterator[Array]:
        """Yield the frames, some at a time, first axis the frames."""


class FrameReader(Protocol):
    """Reads the frames of one field. What it has found of its files it does not look at again."""

    def check(self) -> None:
        """Look whether all frames are there.

        Raises
        ------
        NotReadyError
            Not yet.
        ImagesError
            They never will be, or nobody here can read them.
        """

    def count(self) -> int:
        """Return how many frames there are, after a look at the files; raise what `check` does."""

    def pieces(self, give_up: threading.Event) -> Iterator[Piece]:
        """Yield the frames file by file; each is open until the next one is asked for.

        Raises
        ------
        NotReadyError, ImagesError
            A file cannot be read.
        GivenUpError
            `give_up` was set.
        """


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


def read_frames(reader: FrameReader, give_up: threading.Event) -> Iterator[Array]:
    """Yield the frames of a field's events in their order, some at a time, first axis the frames.

    Raises
    ------
    NotReadyError, ImagesError
        A file cannot be read.
    GivenUpError
        `give_up` was set.
    """
    for piece in reader.pieces(give_up):
        yield from piece.blocks(give_up)
