"""Frames that could not be shown when the run ended, or are to be copied: later, and safely."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import h5py

from ...contract.post_run import Shortfall
from ...files import Place
from ...files.remedies import remedy
from ...hdf5.images import ImagesError, NotReadyError
from ...hdf5.later import Patience, changed_copy
from ...hdf5.streaming import GivenUpError
from .external import ExternalFrames, Put, Task

__all__ = ["LaterFrames"]

_KEEP = 'keep those files; to read compressed images may need pip install "bluescribe[images]"'


class LaterFrames:
    """Shows external frames in a finished file, or copies them into it.

    Parameters
    ----------
    place
        The file.
    frames
        What is pending.
    put
        Makes a dataset of frames; it ends when the event that it gets is set.
    finish
        Is called with the changed file.
    timeout
        Seconds for which files are waited for.
    """

    def __init__(
        self,
        place: Place,
        frames: ExternalFrames,
        put: Callable[[threading.Event], Put],
        finish: Callable[[h5py.File], None],
        timeout: float,
    ) -> None:
        self._place = place
        self._frames = frames
        self._put = put
        self._finish = finish
        self._patience = Patience(timeout)
        self._shortfalls: list[Shortfall] = []

    def __call__(self, give_up: threading.Event) -> list[Shortfall]:
        """Do it; return what could not be done."""
        ready = [task for task in self._frames.pending() if self._is_ready(task, give_up)]
        if give_up.is_set():
            return []
        try:
            if ready:
                self._change(ready, give_up)
        except GivenUpError:
            return []
        except (OSError, RuntimeError) as error:  # h5py raises either
            is_of_system = isinstance(error, OSError) and error.errno
            text = remedy(error, ()) if is_of_system else _KEEP
            shortfall = Shortfall(f"images are not in the file: {error}", text, bool(is_of_system))
            self._shortfalls.append(shortfall._replace(is_whole=False))
        return self._shortfalls

    def _is_ready(self, task: Task, give_up: threading.Event) -> bool:
        try:
            self._patience.wait(partial(self._frames.check, task), give_up)
        except (NotReadyError, ImagesError) as error:
            self._miss(task, str(error))
            return False
        return True

    def _change(self, ready: list[Task], give_up: threading.Event) -> None:
        with changed_copy(self._place) as h5:
            for task in ready:
                try:
                    self._frames.show(h5, task, self._put(give_up))
                except (NotReadyError, ImagesError, ValueError, TypeError) as error:
                    self._miss(task, str(error))
            self._finish(h5)

    def _miss(self, task: Task, reason: str) -> None:
        _, field = self._frames.source(task)
        self._shortfalls.append(
            Shortfall(
                f"/exchange/{task} is not there, {field!r} could not be read: {reason}",
                "keep those files; if they are elsewhere on this machine set PATH_MAP, if their "
                "IOC takes longer raise IMAGES_TIMEOUT; then export the run again from its journal",
            )
        )
