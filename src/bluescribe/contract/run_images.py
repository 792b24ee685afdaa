"""The images of detectors' files, for the format that writes a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

from ..assets.asset import Asset, Frames
from ..assets.frames import reader_of
from ..assets.images import Images, Part
from ..assets.waiting import Patience, seconds_left
from ..files.job_note import Note
from ..model.run import Document, Run
from ..model.values import Array
from .run_places import RunPlaces, Settings

__all__ = ["RunImages"]

_TIMEOUT = 60.0
"""Seconds, for formats without the setting ``images_timeout``."""


class RunImages(RunPlaces[Settings]):
    """What the file of a run can have of the images that are in files of their own."""

    patience = Patience(0.0)
    """Waits for those files; it does not before the run has ended."""

    def frames(
        self,
        asset: Asset,
        frames: Frames | None = None,
        give_up: threading.Event | None = None,
    ) -> Iterator[Array]:
        """Return the images of a detector's file, one after the other, in the order of the events.

        HDF5, TIFF, JPEG and NPY are read, as the documents mean them: part of a dataset, one file
        or several an event, one frame or several an event. A few frames are in memory at a time.

        Detectors finish their files when the run has ended. So the place for this is the work that
        `afterwards` returns: there it waits, for all files of the run together as long as
        ``images_timeout`` says, and the next run does not wait for it. Before, it does not wait.

        Parameters
        ----------
        asset, frames
            As `link_assets` got them. Without `frames` all that the asset has are read.
        give_up
            The event that the work gets: it ends waiting and reading when it is set.

        Returns
        -------
        iterator of numpy.ndarray
            One a frame, with the shape and the type that the detector wrote. Of a detector that
            takes several frames an event each event has as many of them.

        Raises
        ------
        NotReadyError
            A file is not there, is not closed, or has fewer frames than the documents announced.
            It names the file, and says for how long it was waited for. It is an `OSError`.
        ImagesError
            It will never be read: nobody here knows such files, the package that reads them is not
            installed, or the documents do not tell which files they are.
        GivenUpError
            `give_up` was set.

        Notes
        -----
        Work need not catch what is raised here: it is told as what could not be done.
        """
        event = give_up or threading.Event()
        reader = reader_of(Images("", "", (Part.of(asset, frames),), one_by_one=True))
        self.patience.wait(reader.check, event)
        return (np.asarray(image) for block in reader.read(event) for image in block)

    def end_images(self, run: Run, stop: Document | None) -> None:
        """Wait for files from now on: the run has ended."""
        self.patience = Patience(seconds_left(self._images_timeout, run, stop))

    def resume_images(self, note: Note) -> None:
        """Wait for files as long as is left of the time since an earlier process made a note."""
        self.patience = Patience(max(0.0, self._images_timeout - note.age))

    @property
    def _images_timeout(self) -> float:
        return float(getattr(self.settings, "images_timeout", _TIMEOUT))
