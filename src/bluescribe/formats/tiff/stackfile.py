"""A TIFF file that grows by pages and is whole after each of them.

TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), which every program reads,
or with the 64-bit places of BigTIFF (https://www.awaresystems.be/imaging/tiff/bigtiff.html). A page
is written behind the last one, and only then the last one is told of it: a crash, or a full disk,
costs no page that was there, and a page that was refused can be written again.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from ...files import Place
from ...files.system import write_at
from ...model.image import is_image
from ...model.numbers import is_plain_number
from ...model.values import Array

__all__ = ["BIG", "CLASSIC", "FORMS", "Form", "StackFile", "is_held"]

MOST_BYTES = (1 << 32) - 1
"""Of a classic file: its places have 32 bits."""


@dataclass(frozen=True, slots=True)
class Form:
    """What makes classic TIFF and BigTIFF different: how wide places and counts are."""

    magic: bytes
    """The header up to the place of the first page."""
    place: struct.Struct
    count: struct.Struct
    """Of the tags of a page."""
    tag: struct.Struct
    """Its number, type, count of values, and the values or the place where they are."""
    long: int
    """The type of a value that is as wide as a place."""


CLASSIC = Form(b"II*\0", struct.Struct("<I"), struct.Struct("<H"), struct.Struct("<HHI4s"), 4)
BIG = Form(
    b"II+\0\x08\0\0\0", struct.Struct("<Q"), struct.Struct("<Q"), struct.Struct("<HHQ8s"), 16
)
FORMS = (CLASSIC, BIG)

_ASCII, _SHORT = 2, 3
_SAMPLE_FORMATS = {"u": 1, "b": 1, "i": 2, "f": 3}
_TAGS = 11
_MOST_BETWEEN = 64
"""Bytes that stand at most before and between the parts of a page."""


def is_held(array: Array) -> bool:
    """Tell whether an array is an image that a page of TIFF can hold exactly."""
    return is_image(array) and is_plain_number(array.dtype)


class StackFile:
    """One file of grey images.

    Parameters
    ----------
    place
        The file; what it held is gone with the first page.
    is_big
        Whether it is BigTIFF from the start. A classic file of which not even the first page would
        be within `MOST_BYTES` is BigTIFF all the same.
    """

    def __init__(self, place: Place, *, is_big: bool) -> None:
        self.place = place
        self.pages = 0
        self._form = BIG if is_big else CLASSIC
        self._end = 0
        self._pointer = 0
        """Where the place of the next page is to be written."""

    def has_room(self, image: Array, description: bytes) -> bool:
        """Tell whether a page can be appended; if not, it belongs into another file."""
        return not self.pages or self._form is BIG or self._is_within(image, description)

    def append(self, image: Array, description: bytes) -> None:
        """Write one more page; to be repeated as it is after an `OSError`.

        Parameters
        ----------
        image
            What `is_held` accepts, and `has_room`; truth values become 0 and 1.
        description
            UTF-8 text for ``ImageDescription``.
        """
        if not self.pages and not self._is_within(image, description):
            self._form = BIG
        form = self._form
        first = len(form.magic) + form.place.size
        pixels = np.ascontiguousarray(image, np.uint8 if image.dtype.kind == "b" else None)
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        start = self._end or first
        directory, pointer, data_at = _directory(form, pixels, description, start)
        end = data_at + pixels.nbytes
        with self.place.open("r+b") as opened:
            file = opened.fileno()
            if not self.pages:
                _write(file, form.magic + bytes(form.place.size), 0)
            _write(file, directory, start)
            _write(file, pixels.reshape(-1).view(np.uint8).data, data_at)
            _write(file, form.place.pack(start), self._pointer or len(form.magic))
        self._end, self._pointer = end + -end % 8, pointer
        self.pages += 1

    def _is_within(self, image: Array, description: bytes) -> bool:
        size = image.nbytes + len(description) + _TAGS * self._form.tag.size + _MOST_BETWEEN
        return self._end + size <= MOST_BYTES


def _directory(form: Form, pixels: Array, description: bytes, start: int) -> tuple[bytes, int, int]:
    """Return a page's directory, the place in it for the next one's, and where its pixels go."""
    height, width = pixels.shape
    text = description.replace(b"\0", b" ").ljust(form.place.size) + b"\0"  # too long for its tag
    pointer = start + form.count.size + _TAGS * form.tag.size
    text_at = pointer + form.place.size
    data_at = text_at + len(text) + -(text_at + len(text)) % 16
    tags = [
        (256, form.long, 1, width),
        (257, form.long, 1, height),
        (258, _SHORT, 1, 8 * pixels.dtype.itemsize),
        (259, _SHORT, 1, 1),  # not compressed
        (262, _SHORT, 1, 1),  # black is 0
        (270, _ASCII, len(text), text_at),
        (273, form.long, 1, data_at),  # where the pixels are
        (277, _SHORT, 1, 1),
        (278, form.long, 1, height),
        (279, form.long, 1, pixels.nbytes),
        (339, _SHORT, 1, _SAMPLE_FORMATS[pixels.dtype.kind]),
    ]
    entries = [
        form.tag.pack(tag, kind, count, form.place.pack(value))  # a short one's bytes come first
        for tag, kind, count, value in tags
    ]
    head = form.count.pack(_TAGS) + b"".join(entries) + form.place.pack(0)
    return head + text, pointer, data_at


def _write(file: int, data: bytes | memoryview, place: int) -> None:
    rest = memoryview(data)
    while rest:
        written = write_at(file, rest, place)
        place += written
        rest = rest[written:]
