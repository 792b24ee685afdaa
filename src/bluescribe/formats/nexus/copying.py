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

from ...contract.post_run import Shortfall
from ...files import Place
from ...files.remedies import remedy
from ...hdf5.frames import check_frames, copy_frames
from ...hdf5.images import Images, ImagesError, NotReadyError, describe
from ...hdf5.later import Patience, changed_copy
from ...hdf5.objects import set_attribute
from ...hdf5.streaming import GivenUpError

__all__ = ["ImageCopy", "Show"]

_COPY = "__copy"
"""Name of a dataset until all of its frames are there."""

_KEEP = 'keep those files; to read compressed images may need pip install "bluescribe[images]"'

Show = Callable[[h5py.File, Sequence[tuple[Images, tuple[int, ...]]]], None]
"""Links copied images, of which it is told the dimensions, from where readers look for them."""


class ImageCopy:
    """Copies the images of one run into its NeXus file.

    Parameters
    ----------
    place
        The file, complete, with links.
    images
        The fields that have external images.
    show
        Is called with the copy, and with the fields whose images are in it.
    timeout
        Seconds for which files are waited for that are not there or not complete.
    options
        Keywords of ``create_dataset`` for compression; none keep that of the detector.
    """

    def __init__(
        self,
        place: Place,
        images: Sequence[Images],
        *,
        show: Show,
        timeout: float,
        options: Mapping[str, Any],
    ) -> None:
        self._place = place
        self._images = images
        self._show = show
        self._patience = Patience(timeout)
        self._options = options
        self._shortfalls: list[Shortfall] = []

    def __call__(self, give_up: threading.Event) -> list[Shortfall]:
        """Copy; return what could not be copied and is still a link, or a name only."""
        ready = [images for images in self._images if self._is_ready(images, give_up)]
        if give_up.is_set():
            return []
        try:
            if ready:
                self._copy(ready, give_up)
        except GivenUpError:
            return []
        except (OSError, RuntimeError) as error:  # h5py raises either
            is_of_system = isinstance(error, OSError) and error.errno
            text = remedy(error, ()) if is_of_system else _KEEP
            shortfall = Shortfall(f"images were not copied: {error}", text, bool(is_of_system))
            self._shortfalls.append(shortfall._replace(is_whole=False))
        return self._shortfalls

    def _is_ready(self, images: Images, give_up: threading.Event) -> bool:
        """Wait until all frames of a field can be read."""
        try:
            self._patience.wait(partial(check_frames, images), give_up)
        except (NotReadyError, ImagesError) as error:
            self._miss(images, str(error))
            return False
        return True

    def _copy(self, ready: Sequence[Images], give_up: threading.Event) -> None:
        with changed_copy(self._place) as h5:
            copied = [
                (images, shape)
                for images in ready
                if (shape := self._copy_field(h5, images, give_up)) is not None
            ]
            self._show(h5, copied)

    def _copy_field(
        self, h5: h5py.File, images: Images, give_up: threading.Event
    ) -> tuple[int, ...] | None:
        """Copy the frames of a field in place of its links; return their shape."""
        group = h5[images.group]
        try:
            dataset = copy_frames(group, _COPY, images, self._options, give_up)
        except (NotReadyError, ImagesError, ValueError) as error:
            self._miss(images, str(error))
            return None
        describe(dataset, images)
        names = [asset.place for asset in images.assets]
        origin = names[0] if len(names) == 1 else f"asset_1 to asset_{len(names)}"
        set_attribute(dataset, "copied_from", origin)
        for name in ["value", *(f"value_{n + 1}" for n in range(len(names)))]:
            if group.get(name, getlink=True) is not None:
                del group[name]
        group.move(_COPY, "value")
        return tuple(dataset.shape)

    def _miss(self, images: Images, reason: str) -> None:
        is_linked = all(asset.is_hdf5 for asset in images.assets)
        state = "linked" if is_linked else f"named, in {images.group}/asset_1"
        self._shortfalls.append(
            Shortfall(
                f"images of {images.field!r} are not copied but stay {state}: {reason}",
                "keep those files; if they are elsewhere on this machine set PATH_MAP, if their "
                "IOC takes longer raise IMAGES_TIMEOUT",
            )
        )
