"""A BigTIFF file that grows by pages and is whole after each of them.

TIFF 6.0 with the 64-bit offsets of BigTIFF (https://www.awaresystems.be/imaging/tiff/bigtiff.html).
A page is written behind the last one, and only then the last one is told of it: a crash, or a full
disk, costs no page that was there, and a page that was refused can be written again.
"""

from __future__ import annotations

import os
import struct

import numpy as np

from ...files import Place
from ...values import Array

__all__ = ["FIRST_POINTER", "HEADER", "BigTiff", "is_image"]

HEADER = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0)
FIRST_POINTER = 8
"""Where the header has the place of the first page."""

_ASCII, _SHORT, _LONG8 = 2, 3, 16
_CODES = {_SHORT: "<H", _LONG8: "<Q"}
_SAMPLE_FORMATS = {"u": 1, "b": 1, "i": 2, "f": 3}


def is_image(array: Array) -> bool:
    """Tell whether a page of TIFF can hold an array exactly."""
    is_number = array.dtype.kind in _SAMPLE_FORMATS and array.dtype.itemsize <= 8
    return array.ndim == 2 and array.size > 0 and is_number


class BigTiff:
    """One file of grey images.

    Parameters
    ----------
    place
        The file; what it held is gone with the first page.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pages = 0
        self._end = 0
        self._pointer = FIRST_POINTER
        """Where the place of the next page is to be written."""

    def append(self, image: Array, description: bytes) -> None:
        """Write one more page; to be repeated as it is after an `OSError`.

        Parameters
        ----------
        image
            What `is_image` accepts; truth values become 0 and 1.
        description
            UTF-8 text for ``ImageDescription``.
        """
        pixels = np.ascontiguousarray(image, np.uint8 if image.dtype.kind == "b" else None)
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        start = self._end or len(HEADER)
        directory, pointer, data_at = _directory(pixels, description, start)
        end = data_at + pixels.nbytes
        with self.place.open("r+b") as opened:
            file = opened.fileno()
            if not self.pages:
                _write(file, HEADER, 0)
            _write(file, directory, start)
            _write(file, pixels.reshape(-1).view(np.uint8).data, data_at)
            _write(file, struct.pack("<Q", start), self._pointer)
        self._end, self._pointer = end + -end % 8, pointer
        self.pages += 1


def _directory(pixels: Array, description: bytes, start: int) -> tuple[bytes, int, int]:
    """Return a page's directory, the place in it for the next one's, and where its pixels go."""
    height, width = pixels.shape
    text = description.replace(b"\0", b" ") + b"\0"
    tags: list[tuple[int, int, int, int | bytes]] = [
        (256, _LONG8, 1, width),
        (257, _LONG8, 1, height),
        (258, _SHORT, 1, 8 * pixels.dtype.itemsize),
        (259, _SHORT, 1, 1),  # not compressed
        (262, _SHORT, 1, 1),  # black is 0
        (270, _ASCII, len(text), text),
        (273, _LONG8, 1, 0),  # where the pixels are: below
        (277, _SHORT, 1, 1),
        (278, _LONG8, 1, height),
        (279, _LONG8, 1, pixels.nbytes),
        (339, _SHORT, 1, _SAMPLE_FORMATS[pixels.dtype.kind]),
    ]
    pointer = start + 8 + 20 * len(tags)
    text_at = pointer + 8
    data_at = text_at + len(text) + -(text_at + len(text)) % 16
    entries = []
    for tag, kind, count, value in tags:
        entry = struct.pack("<HHQ", tag, kind, count)
        entries.append(entry + _value(kind, data_at if tag == 273 else value, text_at))
    directory = struct.pack("<Q", len(tags)) + b"".join(entries) + struct.pack("<Q", 0) + text
    return directory, pointer, data_at


def _value(kind: int, value: int | bytes, text_at: int) -> bytes:
    """Return the eight bytes of a tag's value, or of the place where it is."""
    if isinstance(value, bytes):
        return value.ljust(8, b"\0") if len(value) <= 8 else struct.pack("<Q", text_at)
    return struct.pack(_CODES[kind], value).ljust(8, b"\0")


def _write(file: int, data: bytes | memoryview, place: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, place)
        place += written
        rest = rest[written:]
