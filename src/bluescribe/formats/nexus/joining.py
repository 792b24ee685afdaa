"""External files that their producer still had open when the run ended: joined when it has not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import h5py

from ...contract.post_run import Shortfall
from ...files import Place
from ...hdf5.frames import check_frames
from ...hdf5.images import Images, ImagesError, NotReadyError
from ...hdf5.joined import is_linked_exactly, not_joined
from ...hdf5.later import Patience, changed_copy
from ...hdf5.links import AssetLinks

__all__ = ["LateJoin"]


class LateJoin:
    """Shows the frames of events where links show others, once files can be read.

    Parameters
    ----------
    place
        The file, complete, with links.
    images
        The fields whose files could not be read.
    links
        The external files.
    join
        Joins files in a copy of the file, and leads its views to them.
    tell
        Is told what could not be joined.
    timeout
        Seconds for which files are waited for.
    """

    def __init__(
        self,
        place: Place,
        images: Sequence[Images],
        *,
        links: AssetLinks,
        join: Callable[[h5py.File], None],
        tell: Callable[[str], None],
        timeout: float,
    ) -> None:
        self._place = place
        self._images = images
        self._links = links
        self._join = join
        self._tell = tell
        self._patience = Patience(timeout)

    def __call__(self, give_up: threading.Event) -> list[Shortfall]:
        """Do it; nothing is owed to a file whose links stay as they are."""
        wanted = [images for images in self._images if self._is_to_join(images, give_up)]
        if wanted and not give_up.is_set():
            try:
                with changed_copy(self._place) as h5:
                    self._join(h5)
            except (OSError, RuntimeError) as error:  # h5py raises either
                self._tell(f"external files are linked and not joined: {error}")
        return []

    def _is_to_join(self, images: Images, give_up: threading.Event) -> bool:
        """Wait for the files of a field; tell whether links do not show just its frames."""
        try:
            self._patience.wait(partial(check_frames, images), give_up)
            return not is_linked_exactly(images, self._links)
        except (NotReadyError, ImagesError) as error:
            if not give_up.is_set():
                self._tell(not_joined(images, error))
            return False
