"""The external images of one field: which parts of which files; errors in reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from ..errors import BluescribeError
from .asset import Asset, Frames

__all__ = [
    "GivenUpError",
    "Images",
    "ImagesError",
    "MissingError",
    "NotReadyError",
    "Part",
    "may_be_images",
]


class ImagesError(BluescribeError, ValueError):
    """Images cannot be read, or do not fit together; waiting would not help."""


class NotReadyError(ImagesError, OSError):
    """Images cannot be read yet: the file is not there, or its producer still writes it."""


class MissingError(NotReadyError):
    """The file of images is not there, and may never be on this machine."""


class GivenUpError(Exception):
    """Reading was told to end at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive frames of one asset, counted as the documents do; by default all."""

    asset: Asset
    start: int = 0
    stop: int | None = None

    @classmethod
    def of(cls, asset: Asset, frames: Frames | None) -> Part:
        """Return the frames of some events; all frames of the asset where `frames` is None."""
        return cls(asset, frames.index_start, frames.index_stop) if frames else cls(asset)


@dataclass(frozen=True, slots=True)
class Images:
    """The frames of one field, in the order of its events."""

    stream: str
    field: str
    parts: tuple[Part, ...]
    one_by_one: bool = False
    """Whether each row is to be a frame, also of datums that are stacked and have several."""
    group: str = "/"
    """Absolute path of the group that they go into, in a file that has groups."""
    attrs: Mapping[str, Any] = made(default_factory=dict)
    """Attributes from the descriptor."""

    @property
    def events(self) -> int:
        """Number of events that have frames; 0 where the documents do not say."""
        counts = [part.stop - part.start for part in self.parts if part.stop is not None]
        return sum(counts) if len(counts) == len(self.parts) else 0

    @property
    def assets(self) -> list[Asset]:
        """The assets, each once."""
        return list({part.asset.uid: part.asset for part in self.parts}.values())

    @property
    def origin(self) -> list[str]:
        """Where the images are, for messages."""
        return [asset.place for asset in self.assets]


def may_be_images(shape: tuple[int | None, ...]) -> bool:
    """Return whether values of a declared shape have two dimensions, one frame or several."""
    return len(shape) >= 2 and 1 not in shape[-2:]
