"""The pages of a BigTIFF file of ours, those that are whole: a crash may have torn the last one."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...files import Place
from .bigtiff import FIRST_POINTER, HEADER

__all__ = ["WholePage", "cut", "is_begun", "is_torn", "whole_pages"]

_MAX_TAGS = 64
_TAG_BYTES = 20
_WIDTH, _HEIGHT, _DESCRIPTION, _PIXELS_AT, _PIXEL_BYTES = 256, 257, 270, 273, 279
_WANTED = {_WIDTH, _HEIGHT, _DESCRIPTION, _PIXELS_AT, _PIXEL_BYTES}


@dataclass(frozen=True, slots=True)
class WholePage:
    """One image in a file."""

    description: dict[str, Any]
    shape: tuple[int, int]
    end: int
    """Where its pixels end in the file."""
    pointer: int
    """Where the file tells the place of the next page."""


def whole_pages(path: Path) -> Iterator[WholePage]:
    """Yield pages as long as all that they consist of is in the file.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(FIRST_POINTER) != HEADER[:FIRST_POINTER]:
            return
        pointer = FIRST_POINTER
        while start := _number(file, pointer):
            page = _page(file, start, size)
            if page is None:
                return
            yield page
            pointer = page.pointer


def is_begun(path: Path) -> bool:
    """Tell whether a file is one of ours before its first page: others are not made like that."""
    with path.open("rb") as file:
        head = file.read(FIRST_POINTER)
        return not head or (head == HEADER[:FIRST_POINTER] and not _number(file, FIRST_POINTER))


def is_torn(path: Path, pages: Sequence[WholePage]) -> bool:
    """Tell whether a file goes on behind pages."""
    if not pages:
        return True
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return size != pages[-1].end or bool(_number(file, pages[-1].pointer))


def cut(place: Place, pages: Sequence[WholePage]) -> None:
    """Let a file end with pages, of which there is one at least.

    Raises
    ------
    OSError
        It cannot be written.
    """
    with place.open("r+b") as file:
        file.seek(pages[-1].pointer)
        file.write(bytes(8))
        file.truncate(pages[-1].end)


def _page(file: BinaryIO, start: int, size: int) -> WholePage | None:
    tags = _number(file, start)
    pointer = start + 8 + tags * _TAG_BYTES
    if not 0 < tags <= _MAX_TAGS or pointer + 8 > size:
        return None
    entries = (file.read(_TAG_BYTES) for _ in range(tags))
    found = {tag: (count, value) for tag, _, count, value in map(_ENTRY.unpack, entries)}
    if found.keys() < _WANTED:
        return None
    length, text_at = found[_DESCRIPTION]
    end = found[_PIXELS_AT][1] + found[_PIXEL_BYTES][1]
    if text_at + length > size or end > size:
        return None
    file.seek(text_at)
    try:
        description = json.loads(file.read(length).rstrip(b"\0"))
    except ValueError:
        return None
    if not isinstance(description, dict):
        return None
    shape = found[_HEIGHT][1], found[_WIDTH][1]
    return WholePage(description, shape, end, pointer)


_ENTRY = struct.Struct("<HHQQ")


def _number(file: BinaryIO, place: int) -> int:
    """Return the number at a place; 0 where the file has ended."""
    file.seek(place)
    return int.from_bytes(file.read(8).ljust(8, b"\0"), "little")
