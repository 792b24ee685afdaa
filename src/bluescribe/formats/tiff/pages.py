"""The pages of a TIFF file of ours, those that are whole: a crash may have torn the last one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...files import Place
from .stackfile import BIG, FORMS, Form

__all__ = ["WholePage", "cut", "is_begun", "is_big", "is_torn", "whole_pages"]

_MAX_TAGS = 64
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
        if (form := _form(file)) is None:
            return
        pointer = len(form.magic)
        while start := _number(file, pointer, form.place.size):
            page = _page(file, form, start, size)
            if page is None:
                return
            yield page
            pointer = page.pointer


def is_big(path: Path) -> bool:
    """Tell whether a file is BigTIFF.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        return _form(file) is BIG


def is_begun(path: Path) -> bool:
    """Tell whether a file is one of ours before its first page: others are not made like that."""
    with path.open("rb") as file:
        form = _form(file)
        if form is None:
            return not os.fstat(file.fileno()).st_size
        return not _number(file, len(form.magic), form.place.size)


def is_torn(path: Path, pages: Sequence[WholePage]) -> bool:
    """Tell whether a file goes on behind pages."""
    if not pages:
        return True
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        form = _form(file)
        is_led_on = form is None or _number(file, pages[-1].pointer, form.place.size)
        return size != pages[-1].end or bool(is_led_on)


def cut(place: Place, pages: Sequence[WholePage]) -> None:
    """Let a file end with pages, of which there is one at least.

    Raises
    ------
    OSError
        It cannot be written.
    """
    with place.open("r+b") as file:
        form = _form(file)
        file.seek(pages[-1].pointer)
        file.write(bytes(form.place.size if form else 0))
        file.truncate(pages[-1].end)


def _form(file: BinaryIO) -> Form | None:
    file.seek(0)
    head = file.read(max(len(form.magic) for form in FORMS))
    return next((form for form in FORMS if head.startswith(form.magic)), None)


def _page(file: BinaryIO, form: Form, start: int, size: int) -> WholePage | None:
    tags = _number(file, start, form.count.size)
    pointer = start + form.count.size + tags * form.tag.size
    if not 0 < tags <= _MAX_TAGS or pointer + form.place.size > size:
        return None
    entries = (form.tag.unpack(file.read(form.tag.size)) for _ in range(tags))
    found = {tag: (count, int.from_bytes(value, "little")) for tag, _, count, value in entries}
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


def _number(file: BinaryIO, place: int, size: int) -> int:
    """Return the number at a place; 0 where the file has ended."""
    file.seek(place)
    return int.from_bytes(file.read(size).ljust(size, b"\0"), "little")
