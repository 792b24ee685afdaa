"""What is an image in a page of events, and whether it is a projection, a white or a dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...assets.images import may_be_images
from ...model.dimensions import positioner_fields
from ...model.image import as_image
from ...model.run import Page, Run, Stream
from ...model.values import Array
from .settings import IMAGE_KEYS, DxSettings, Role

__all__ = ["Tomogram"]

_ELSEWHERE = ""
"""Stands where a stream_datum tells of an image, and the event has no value."""


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
        self.sources: dict[Role, tuple[str, bool]] = {}
        """The stream that each role has its images from, and whether they are in files."""
        self._before: Counter[str] = Counter()
        """Values of each field that came before the first image."""
        self._external: dict[str, str] = {}
        """The image of each stream that has it in files of its own."""

    def noted(self) -> dict[str, Any]:
        """Return what was chosen by now, for `take_in` in another process."""
        return {
            "image": self.image,
            "misfits": self.misfits,
            "sources": self.sources,
            "external": self._external,
        }

    def take_in(self, noted: Mapping[str, Any]) -> None:
        """Choose what `noted` returned."""
        self.image, self.misfits = noted["image"], noted["misfits"]
        self.sources = {role: tuple(source) for role, source in noted["sources"].items()}
        self._external = dict(noted["external"])

    def add_stream(self, stream: Stream) -> None:
        """Look whether a new stream declares the image to be in files."""
        may_hold = stream.name in self._roles or self._settings.image_key is not None
        if self.image is None and may_hold:
            found = (
                name
                for name, field in stream.fields.items()
                if field.external and may_be_images(field.shape)
            )
            self.image = next(found, None)
        if self.image and may_hold and _is_external(stream, self.image):
            self._external[stream.name] = self.image

    def image_of(self, stream: str) -> str | None:
        """Return the field of a stream that has its images in files, if there is one."""
        return self._external.get(stream)

    def files_of(self, role: Role) -> str | None:
        """Return the stream that has images of a role in files, if there is one."""
        if role in self.sources:
            stream, is_external = self.sources[role]
            return stream if is_external else None
        for stream in self._external:
            has_events = self._run.streams[stream].events > 0
            if self.external_key(stream) or (self._roles.get(stream) == role and not has_events):
                return stream
        return None

    def external_key(self, stream: str) -> str | None:
        """Return the field that tells roles apart where that is in a file as well."""
        key = self._settings.image_key
        is_external = key is not None and _is_external(self._run.streams[stream], key)
        return key if is_external else None

    def external_rows(self, stream: Stream, page: Page) -> dict[Role, list[int]]:
        """Return the rows of each role whose images are in files."""
        name = self._external.get(stream.name)
        if name is None or name not in page.descriptor.fields or self.external_key(stream.name):
            return {}
        rows: dict[Role, list[int]] = {}
        for row, value in enumerate(page.data.get(name, [_ELSEWHERE] * len(page))):
            role = self._role(stream, page, row) if _is_elsewhere(value) else None
            if role and self._is_source(role, stream, is_external=True):
                rows.setdefault(role, []).append(row)
        return rows

    def rows(self, stream: Stream, page: Page) -> tuple[dict[Role, list[int]], list[Array | None]]:
        """Return the rows of each role that have an image, and the images."""
        images = [self._fitting(value) for value in self._values(stream, page)]
        rows: dict[Role, list[int]] = {}
        for row, image in enumerate(images):
            role = self._role(stream, page, row) if image is not None else None
            if role and self._is_source(role, stream, is_external=False):
                rows.setdefault(role, []).append(row)
        return rows, images

    def count_misfits(self, stream: Stream, page: Page, used: int) -> None:
        """Count the values of the image field that are not used, in events or in files."""
        values = self._values(stream, page)
        if self.image is None:  # one of them may turn out to be the image
            for name, others in page.data.items():
                self._before[name] += sum(value is not None for value in others)
            return
        self.misfits += self._before.pop(self.image, 0)
        is_flown = self._external.get(stream.name) in page.descriptor.fields and not len(values)
        came = len(page) if is_flown else sum(value is not None for value in values)
        self.misfits += came - used if not self.external_key(stream.name) else 0

    def theta(self, stream: Stream) -> str | None:
        """Return the field that is the angle."""
        if self._settings.theta:
            return self._settings.theta
        return next(iter(positioner_fields(self._run, stream)), None)

    def _values(self, stream: Stream, page: Page) -> Sequence[Any]:
        if self.image is None and (stream.name in self._roles or self._settings.image_key):
            firsts = {name: _first_image(values) for name, values in page.data.items()}
            name = min(firsts, key=firsts.__getitem__, default="")  # however many came at once
            self.image = name if firsts.get(name, len(page)) < len(page) else None
        return page.data.get(self.image or "", ())

    def _fitting(self, value: Any) -> Array | None:
        image = as_image(value)
        if image is None:
            return None
        self.like = image if self.like is None else self.like
        is_alike = (image.shape, image.dtype) == (self.like.shape, self.like.dtype)
        return image if is_alike else None

    def _is_source(self, role: Role, stream: Stream, *, is_external: bool) -> bool:
        """Tell whether a role has its images from here: from events, or from one stream's files."""
        here = stream.name if is_external else "", is_external
        return self.sources.setdefault(role, here) == here

    def _role(self, stream: Stream, page: Page, row: int) -> Role | None:
        keys = page.data.get(self._settings.image_key or "")
        if keys is None:
            return self._roles.get(stream.name)
        try:
            return IMAGE_KEYS.get(int(keys[row]))
        except (TypeError, ValueError):
            return None


def _is_external(stream: Stream, name: str) -> bool:
    return name in stream.fields and stream.fields[name].external


def _is_elsewhere(value: Any) -> bool:
    """Tell whether a value stands for images in a file: a datum_id, or nothing at all."""
    return value is not None and as_image(value) is None


def _first_image(values: Sequence[Any]) -> int:
    """Return the row of the first image; the number of rows where there is none."""
    return next((row for row, v in enumerate(values) if as_image(v) is not None), len(values))
