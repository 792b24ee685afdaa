"""External files that their producer still had open when the run ended: joined when it has not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import h5py

from ...assets.copying import ImageCopy
from ...assets.frames import reader_of
from ...assets.images import Images
from ...assets.waiting import Patience
from ...contract.post_run import Shortfall
from ...files import Place
from ...hdf5.finished.changed_copy import changed_copy
from ...hdf5.images.joined import is_linked_exactly, not_joined
from ...hdf5.images.links import AssetLinks

__all__ = ["LateJoin"]


class LateJoin(ImageCopy[Images, h5py.File]):
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
    patience
        Waits for files that are not there or not complete.
    """

    def __init__(
        self,
        place: Place,
        images: Sequence[Images],
        *,
        links: AssetLinks,
        join: Callable[[h5py.File], None],
        tell: Callable[[str], None],
        patience: Patience,
    ) -> None:
        super().__init__(images, patience, partial(changed_copy, place))
        self._links = links
        self._join = join
        self._tell = tell

    def __call__(self, give_up: threading.Event) -> list[Shortfall]:
        """Do it; nothing is owed to a file whose links stay as they are."""
        for shortfall in super().__call__(give_up):
            self._tell(shortfall.cause)
        return []

    def check(self, item: Images) -> bool:
        """Look whether a field's files can be read; tell whether links show other frames."""
        reader_of(item).check()
        return not is_linked_exactly(item, self._links)

    def put(self, target: h5py.File, item: Images, give_up: threading.Event) -> None:
        """Leave it to `finish`, which joins all that can be joined."""

    def finish(self, target: h5py.File) -> None:
        """Join the files."""
        self._join(target)

    def missed(self, item: Images, error: Exception) -> str:
        """Return what is told of files that are not joined."""
        return not_joined(item, error)

    def failed(self, items: Sequence[Images], error: Exception) -> str:
        """Return what is told when the file could not be changed."""
        return f"external files are linked and not joined: {error}"
