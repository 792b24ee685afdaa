"""The one job that brings external images into the file of a run that has ended.

It waits for the detectors' files, has the format put in what can be read, and says what cannot. A
format's own code is how the images of one field go into its file.
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
"""What a format copies at once: the images of a field."""
Target = TypeVar("Target")
"""What it puts them into."""


class ImageCopy(ABC, Generic[Item, Target]):
    """Copies the images of a run; it is called when the run's file is complete.

    Parameters
    ----------
    items
        What is copied.
    patience
        Waits for files that are not there or not complete.
    changed
        Opens what images are put into; if the block fails, the run's file stays as it was.
    """

    remedy = KEEP
    """What can be done about images that are not in."""
    is_whole_without = True
    """Whether the file has all that it is to have without them."""
    together = True
    """Whether all is put in at once; else each is put in by itself, whatever becomes of others."""

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
        """Look whether all can be read that something needs; return whether it is to be put in.

        Raises
        ------
        NotReadyError, ImagesError
            Not yet; or it never will be.
        """

    @abstractmethod
    def put(self, target: Target, item: Item, give_up: threading.Event) -> None:
        """Put the images of a field in.

        Raises
        ------
        ImagesError, ValueError, TypeError
            They cannot be read, or cannot be put in. Others may.
        """

    def finish(self, target: Target) -> None:
        """Do what remains when all are in."""

    @abstractmethod
    def missed(self, item: Item, error: Exception) -> str:
        """Return what is told of images that are not in."""

    def failed(self, items: Sequence[Item], error: Exception) -> str:
        """Return what is told when the file could not be changed."""
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
        """Wait until something can be read; return whether it can, and is to be put in."""
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
