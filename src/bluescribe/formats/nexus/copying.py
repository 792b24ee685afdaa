"""External images -> datasets of the NeXus file, when the run has ended.

They are copied into a copy of the file, which takes the file's place when it is complete: at any
moment there is a whole file, with links or with images.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import h5py

from ...assets.copying import ImageCopy
from ...assets.frames import reader_of
from ...assets.images import Images
from ...assets.waiting import Patience
from ...files import Place
from ...hdf5.finished.changed_copy import changed_copy
from ...hdf5.images.frames import copy_frames, describe
from ...hdf5.objects import set_attribute

__all__ = ["NexusCopy", "Show"]

_COPY = "__copy"
"""Name of a dataset until all of its frames are there."""

Show = Callable[[h5py.File, Sequence[tuple[Images, tuple[int, ...]]]], None]
"""Links copied images, of which it is told the dimensions, from where readers look for them."""


class NexusCopy(ImageCopy[Images, h5py.File]):
    """Copies the images of one run into its NeXus file.

    Parameters
    ----------
    place
        The file, complete, with links.
    images
        The fields that have external images.
    show
        Is called with the copy, and with the fields whose images are in it.
    patience
        Waits for files that are not there or not complete.
    options
        Keywords of ``create_dataset`` for compression; none keep that of the detector.
    """

    def __init__(
        self,
        place: Place,
        images: Sequence[Images],
        *,
        show: Show,
        patience: Patience,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(images, patience, partial(changed_copy, place))
        self._show = show
        self._options = options
        self._copied: list[tuple[Images, tuple[int, ...]]] = []

    def check(self, item: Images) -> bool:
        """Look whether all frames of a field can be read."""
        reader_of(item).check()
        return True

    def put(self, target: h5py.File, item: Images, give_up: threading.Event) -> None:
        """Copy the frames of a field in place of its links."""
        group = target[item.group]
        dataset = copy_frames(group, _COPY, item, self._options, give_up)
        describe(dataset, item)
        names = item.origin
        origin = names[0] if len(names) == 1 else f"asset_1 to asset_{len(names)}"
        set_attribute(dataset, "copied_from", origin)
        for name in ["value", *(f"value_{n + 1}" for n in range(len(names)))]:
            if group.get(name, getlink=True) is not None:
                del group[name]
        group.move(_COPY, "value")
        self._copied.append((item, tuple(dataset.shape)))

    def finish(self, target: h5py.File) -> None:
        """Lead readers to what was copied."""
        self._show(target, self._copied)

    def missed(self, item: Images, error: Exception) -> str:
        """Return what is told of images that are not copied."""
        is_linked = all(asset.is_hdf5 for asset in item.assets)
        state = "linked" if is_linked else f"named, in {item.group}/asset_1"
        return f"images of {item.field!r} are not copied but stay {state}: {error}"
