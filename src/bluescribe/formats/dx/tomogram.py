"""What is an image in a page of events, and whether it is a projection, a white or a dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dimensions import positioner_fields
from ...run import Page, Run, Stream
from ...values import Array, as_array
from .settings import IMAGE_KEYS, DxSettings, Role

__all__ = ["Tomogram"]


class Tomogram:
    """The choice that settings and the first image make.

    Parameters
    ----------
    run
        The run.
    settings
        What they say.
    """

    def __init__(self, run: Run, settings: DxSettings) -> None:
        self._run = run
        self._settings = settings
        self._roles = {stream: role for role, stream in settings.streams.items()}
        self.image = settings.image
        self.like: Array | None = None
        """The first image: all others have its shape and type."""
        self.misfits = 0
        """Images of another shape or type, and of no role."""

    def rows(self, stream: Stream, page: Page) -> tuple[dict[Role, list[int]], list[Array | None]]:
        """Return the rows of each role that have an image, and the images."""
        images = [self._fitting(value) for value in self._values(stream, page)]
        rows: dict[Role, list[int]] = {}
        for row, image in enumerate(images):
            role = self._role(stream, page, row) if image is not None else None
            if role:
                rows.setdefault(role, []).append(row)
        return rows, images

    def count_misfits(self, stream: Stream, page: Page, used: int) -> None:
        """Count the values of the image field that are not used."""
        values = self._values(stream, page)
        self.misfits += sum(value is not None for value in values) - used

    def theta(self, stream: Stream) -> str | None:
        """Return the field that is the angle."""
        if self._settings.theta:
            return self._settings.theta
        return next(iter(positioner_fields(self._run, stream)), None)

    def _values(self, stream: Stream, page: Page) -> Sequence[Any]:
        if self.image is None and (stream.name in self._roles or self._settings.image_key):
            found = (name for name, values in page.data.items() if _first_image(values))
            self.image = next(found, None)
        return page.data.get(self.image or "", ())

    def _fitting(self, value: Any) -> Array | None:
        image = _image(value)
        if image is None:
            return None
        self.like = image if self.like is None else self.like
        is_alike = (image.shape, image.dtype) == (self.like.shape, self.like.dtype)
        return image if is_alike else None

    def _role(self, stream: Stream, page: Page, row: int) -> Role | None:
        keys = page.data.get(self._settings.image_key or "")
        if keys is None:
            return self._roles.get(stream.name)
        try:
            return IMAGE_KEYS.get(int(keys[row]))
        except (TypeError, ValueError):
            return None


def _first_image(values: Sequence[Any]) -> bool:
    return any(_image(value) is not None for value in values)


def _image(value: Any) -> Array | None:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value if value.ndim == 2 and value.size else None
    if not hasattr(value, "__len__") or isinstance(value, str):
        return None
    array = as_array([value])
    is_image = array is not None and array.ndim == 3 and array.dtype.kind in "biuf" and array.size
    return array[0] if array is not None and is_image else None
