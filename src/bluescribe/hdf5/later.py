"""What is done with images when a run has ended: waiting for their files, and a changed file.

A file is changed as a copy, which takes its place when it is complete: at any moment there is a
whole file, as it was or as it is to be.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import h5py

from ..files import Place, part_of
from ..model.run import Document, Run
from ..model.times import seconds_of
from .images import NotReadyError
from .unheard import raise_unheard

__all__ = ["Patience", "changed_copy", "seconds_left"]

_VERSION_AT = 8
"""Where an HDF5 file tells the version of its superblock: behind the signature."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two looks at a file that is not ready."""


class Patience:
    """Waits for files, all of them together for no longer than a time from now.

    Parameters
    ----------
    timeout
        Seconds.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout

    def wait(self, check: Callable[[], None], give_up: threading.Event) -> None:
        """Wait until all frames of a field can be read.

        Parameters
        ----------
        check
            Looks, and raises what is raised here: `NotReadyError` is waited for.
        give_up
            Ends the waiting when it is set.

        Raises
        ------
        NotReadyError
            They could not in time, or `give_up` was set.
        ImagesError
            They never will be.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return check()
            except NotReadyError as error:
                left = self._deadline - time.monotonic()
                if left <= 0 or give_up.is_set():
                    raise NotReadyError(f"{error}, after {self._timeout:.0f} s") from None
            give_up.wait(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)


def seconds_left(timeout: float, run: Run, stop: Document | None) -> float:
    """Return for how much longer files are waited for when the stop document has come.

    Files of a run that was taken long ago will not come any more. Of a run that ends just now all
    the time is left, whatever the clock of the machine that took it says.
    """
    if run.is_live(stop):
        return timeout
    ended = seconds_of((stop or {}).get("time"))
    if math.isnan(ended):
        return timeout
    return min(timeout, max(0.0, timeout - (time.time() - ended)))


@contextmanager
def changed_copy(place: Place) -> Iterator[h5py.File]:
    """Open a copy of a finished file for changes; it takes the file's place if the block ends well.

    Raises
    ------
    OSError
        The disk refused, or the file's folder is not to be found; the file is as it was.
    """
    with part_of(place) as part:
        place.copy_into(part)
        with h5py.File(part, "r+", libver=_format(place), locking=False) as h5:
            yield h5
            path = h5.filename
        raise_unheard(path)  # of a part, whose name no other one gets
        part.sync()
    with suppress(OSError):  # not every file system syncs folders
        place.folder.sync()


def _format(place: Place) -> tuple[str, str]:
    """Return the version of HDF5 that a file is written in, for what is added to it.

    HDF5 itself is not asked: while it has the file open without a lock, whoever opens it with one,
    in this process, is refused.
    """
    with place.open() as file:
        superblock = file.read(_VERSION_AT + 1)[_VERSION_AT]
    return ("v110", "v110") if superblock >= 3 else ("earliest", "v110")
