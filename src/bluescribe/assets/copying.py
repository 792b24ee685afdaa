"""The post-run job that copies external images into the file of a run that has ended.

It waits for the detectors' files, has the format put in the images that can be read, and returns
the others as shortfalls. Only how the images of one field go into a file is a format's own code.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Generic, TypeVar

from ..files.remedies import remedy
from ..files.shortfall import Shortfall
from .images import GivenUpError, ImagesError
from .waiting import Patience, raise_if_given_up

__all__ = ["KEEP", "ImageCopy"]

KEEP = (
    "keep those files; if they are elsewhere on this machine set PATH_MAP, if their IOC takes "
    "longer raise IMAGES_TIMEOUT"
)
"""What can be done about files that cannot be read."""

_KEEP = 'keep those files; to read compressed images may need pip install "bluescribe[images]"'

Item = TypeVar("Item")
"""One item that a format copies: the images of a field."""
Target = TypeVar("Target")
"""The open file that it puts them into."""


class ImageCopy(ABC, Generic[Item, Target]):
    """Copies the images of a run; called when the run's file is complete.

    Parameters
    ----------
    items
        The items to copy.
    patience
        Waits for files that are not there or not complete.
    changed
        Opens the file that images are put into; if the block fails, it stays as it was.
    """

    remedy = KEEP
    """Remedy for images that could not be copied."""
    is_whole_without = True
    """Whether the file is complete without them."""
    together = True
    """Whether all items are put in together; else each alone, even if others fail."""

    def __init__(
        self,
        items: Sequence[Item],
        patience: Patience,
        changed: Callable[[], AbstractContextManager[Target]],
    ) -> None:
        self._items = items
        self._patience = patience
        self._changed = changed
        self._shortfalls: list[Shortfall] = []

    @abstractmethod
    def check(self, item: Item) -> bool:
        """Raise unless an item can be read; return whether it is to be put in.

        Raises
        ------
        NotReadyError, ImagesError
            Not yet; or it never will be.
        """

    @abstractmethod
    def put(self, target: Target, item: Item, give_up: threading.Event) -> None:
        """Put one item in.

        Raises
        ------
        ImagesError, ValueError, TypeError
            It cannot be read or put in; other items may.
        """

    def finish(self, target: Target) -> None:
        """Do what remains when all items are in."""

    @abstractmethod
    def missed(self, item: Item, error: Exception) -> str:
        """Return the message about images that could not be copied."""

    def failed(self, items: Sequence[Item], error: Exception) -> str:
        """Return the message for when the file could not be changed."""
        return f"images are not in the file: {error}"

    def __call__(self, give_up: threading.Event) -> list[Shortfall]:
        """Copy; return what could not be copied."""
        turns = [self._items] if self.together else [[item] for item in self._items]
        try:
            for items in turns:
                ready = [item for item in items if self._is_ready(item, give_up)]
                if ready:
                    self._put_all(ready, give_up)
        except GivenUpError:
            return []
        return self._shortfalls

    def _is_ready(self, item: Item, give_up: threading.Event) -> bool:
        """Wait until an item can be read; return whether it can, and is to be put in."""
        is_wanted = False
        try:
            is_wanted = self._patience.wait(partial(self.check, item), give_up)
        except ImagesError as error:
            self._miss(item, error)
        raise_if_given_up(give_up)
        return is_wanted

    def _put_all(self, items: Sequence[Item], give_up: threading.Event) -> None:
        try:
            with self._changed() as target:
                for item in items:
                    try:
                        self.put(target, item, give_up)
                    except (ImagesError, ValueError, TypeError) as error:
                        self._miss(item, error)
                self.finish(target)
        except (OSError, RuntimeError) as error:  # h5py raises either
            is_of_system = isinstance(error, OSError) and bool(error.errno)
            text = remedy(error, ()) if is_of_system else _KEEP
            cause = self.failed(items, error)
            self._shortfalls.append(Shortfall(cause, text, is_of_system, is_whole=False))

    def _miss(self, item: Item, error: Exception) -> None:
        cause = self.missed(item, error)
        self._shortfalls.append(Shortfall(cause, self.remedy, is_whole=self.is_whole_without))
