"""Frames that could not be shown when the run ended, or are to be copied: later, and safely."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import h5py

from ...assets.copying import KEEP, ImageCopy
from ...assets.waiting import Patience
from ...files import Place
from ...hdf5.finished.changed_copy import changed_copy
from .external import ExternalFrames, Put, Task

__all__ = ["DxCopy"]


class DxCopy(ImageCopy[Task, h5py.File]):
    """Shows external frames in a finished file, or copies them into it.

    Parameters
    ----------
    place
        The file.
    frames
        What is pending.
    make
        Returns what makes a dataset of frames; it ends when the event that it gets is set.
    finish
        Is called with the changed file.
    patience
        Waits for files that are not there or not complete.
    """

    remedy = f"{KEEP}; then export the run again from its journal"

    def __init__(
        self,
        place: Place,
        frames: ExternalFrames,
        make: Callable[[threading.Event], Put],
        finish: Callable[[h5py.File], None],
        patience: Patience,
    ) -> None:
        super().__init__(frames.pending(), patience, partial(changed_copy, place))
        self._frames = frames
        self._make = make
        self._finish = finish

    def check(self, item: Task) -> bool:
        """Look whether all can be read that a dataset needs."""
        self._frames.check(item)
        return True

    def put(self, target: h5py.File, item: Task, give_up: threading.Event) -> None:
        """Make a dataset."""
        self._frames.show(target, item, self._make(give_up))

    def finish(self, target: h5py.File) -> None:
        """Say anew what is in the file and what is not."""
        self._finish(target)

    def missed(self, item: Task, error: Exception) -> str:
        """Return what is told of a dataset that is not there."""
        _, field = self._frames.source(item)
        return f"/exchange/{item} is not there, {field!r} could not be read: {error}"
