"""The images of one stream on their way into files, and what the stream has that is no image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...assets.announced import Announced
from ...assets.asset import Asset
from ...files import Place
from ...files.json_text import dumps, strict
from ...files.run_paths import clean
from ...model.image import as_image
from ...model.run import Field, Page, Run, Stream
from ...model.values import Array
from .settings import TiffSettings
from .stackfile import StackFile, is_held

__all__ = ["LIST", "NOT_TIFFFILES", "Numbers", "Stack", "StreamImages", "pattern"]

LIST = ".tiff.json"
"""Ending of the name of the list of a run's images."""

_ELSEWHERE = "the journal (jsonl) of the run, or its NeXus file, where those are switched on"

NOT_TIFFFILES = b'"shape":', b'"shape" :'
"""tifffile takes JSON with this key, as the metadata of a grid scan have it, for its own."""

Claim = Callable[[str, str, str], Place]
"""Makes a new file for a stream's field, with an ending of its name."""


@dataclass(slots=True)
class Numbers:
    """Numbers in their order, as ranges of consecutive ones, both ends included."""

    ranges: list[list[int]] = field(default_factory=list)

    def add(self, number: int, *, is_repeated: bool = False) -> None:
        """Add a number; one that is repeated counts once."""
        if is_repeated and self.ranges:
            return
        if self.ranges and number == self.ranges[-1][1] + 1:
            self.ranges[-1][1] = number
        else:
            self.ranges.append([number, number])


@dataclass(slots=True)
class Stack:
    """Images of one shape and type: a file, or one a frame. What has no room begins another."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    file: StackFile | None = None
    """None where each frame has a file, and for images that were copied."""
    seq_nums: Numbers = field(default_factory=Numbers)
    pages: int = 0
    """Of images that were copied."""


@dataclass(slots=True)
class _Copies:
    """What was copied of the external images of one field."""

    stacks: list[Stack]
    others: int
    """Frames that are no image."""


@dataclass(slots=True)
class _FieldImages:
    """What came of one field."""

    rows: int = 0
    stacks: list[Stack] = field(default_factory=list)
    growing: dict[tuple[tuple[int, ...], str], Stack] = field(default_factory=dict)
    """By shape and type: the stack that the next image goes into."""
    others: int = 0
    """Values that are no image."""


class StreamImages:
    """The images of one stream.

    Parameters
    ----------
    run, stream
        What is recorded.
    external
        The files of the run that others write.
    claim
        Makes files.
    settings
        Say what files are made.
    """

    def __init__(
        self, run: Run, stream: Stream, external: Announced, claim: Claim, settings: TiffSettings
    ) -> None:
        self._run = run
        self.stream = stream
        self._external = external
        self._claim = claim
        self._settings = settings
        self._fields: dict[str, _FieldImages] = {}
        self._seq_nums = Numbers()
        self._copies: dict[str, _Copies] = {}
        self._rows = 0

    def append(self, page: Page) -> None:
        """Write the images of a page; after an `OSError`, go on with the one that was refused."""
        for name, values in page.data.items():
            images = self._fields.setdefault(name, _FieldImages())
            begin = max(0, images.rows - self._rows)
            for row in range(begin, len(page)):
                array = as_image(values[row])
                if array is not None and is_held(array):
                    self._write(name, images, array, page, row)
                else:
                    images.others += values[row] is not None
                images.rows = self._rows + row + 1
        for seq_num in page.seq_num:
            self._seq_nums.add(int(seq_num))
        self._rows += len(page)

    def add_copies(self, field: str, stacks: list[Stack], others: int) -> None:
        """Note that the external images of a field were copied, but for those of other kinds."""
        self._copies[field] = _Copies(stacks, others)

    @property
    def copied(self) -> set[str]:
        """Fields whose external images were copied."""
        return set(self._copies)

    def metadata(self, name: str, array: Array) -> dict[str, Any]:
        """Return what the description of a first page says."""
        declared = self.stream.fields.get(name, Field(name))
        return {
            "stream": self.stream.name,
            "field": name,
            "units": declared.units,
            "source": declared.source,
            "dtype": array.dtype.name,
            "start": self._run.start,
        }

    def description(self) -> dict[str, Any]:
        """Return what is in the files of this stream."""
        names = dict.fromkeys([*self._fields, *self._copies])
        return {
            "stream": self.stream.name,
            "seq_nums": self._seq_nums.ranges,
            "images": [entry for name in names for entry in self._entries(name)],
        }

    def omissions(self) -> Iterator[dict[str, Any]]:
        """Yield what the stream has that is in no TIFF: ``what`` it is and ``where``."""
        external = self._external.fields(self.stream.name)
        for name in dict.fromkeys([*self.stream.fields, *self._fields, *external]):
            entry = {"stream": self.stream.name, "field": name}
            images = self._fields.get(name)
            copies = self._copies.get(name)
            if copies and copies.others:
                what = f"{copies.others} frames that are no two-dimensional array of real numbers"
                yield {**entry, "what": what, "where": self._places(name)}
            elif name in external and not copies:
                where = self._places(name)
                yield {**entry, "what": "values in external files", "where": where}
            elif images is None and not copies:
                yield {**entry, "what": "no event has a value", "where": "nowhere"}
            elif images and images.others and not copies:
                what = f"{images.others} values that are no two-dimensional array of real numbers"
                yield {**entry, "what": what, "where": _ELSEWHERE}

    def _write(self, name: str, images: _FieldImages, array: Array, page: Page, row: int) -> None:
        seq_num, number = int(page.seq_num[row]), self._rows + row
        told: dict[str, Any] = {"seq_num": seq_num, "time": page.time[row], "row": number}
        text = dumps(strict(told)).replace(*NOT_TIFFFILES)
        stack = self._stack(name, images, array, text)
        file = stack.file or self._new_file(name, f"{number + 1:06d}")
        if not file.pages:
            text = dumps(strict(told | self.metadata(name, array))).replace(*NOT_TIFFFILES)
        file.append(array, text)
        stack.seq_nums.add(seq_num)

    def _stack(self, name: str, images: _FieldImages, array: Array, text: bytes) -> Stack:
        """Return where an image goes: a stack has one shape, one type, and a largest size."""
        key = array.shape, array.dtype.name
        stack = images.growing.get(key)
        if stack is not None and (stack.file is None or stack.file.has_room(array, text)):
            return stack
        ending = f"{len(images.stacks) + 1}" if images.stacks else ""
        file = None if self._settings.one_file_a_frame else self._new_file(name, ending)
        stack = Stack(pattern(name) if file is None else file.place.name, *key, file)
        images.stacks.append(stack)
        images.growing[key] = stack
        return stack

    def _new_file(self, name: str, ending: str) -> StackFile:
        return StackFile(self._claim(self.stream.name, name, ending), is_big=self._settings.bigtiff)

    def _entries(self, name: str) -> Iterator[dict[str, Any]]:
        images = self._fields.get(name)
        for stack in images.stacks if images else ():
            yield self._entry(name, stack, is_file=stack.file is not None)
        copies = self._copies.get(name)
        for stack in copies.stacks if copies else ():
            entry = self._entry(name, stack, is_file=stack.name != pattern(name))
            yield {**entry, "pages": stack.pages, "copied_from": self._places(name)}

    def _entry(self, name: str, stack: Stack, *, is_file: bool) -> dict[str, Any]:
        declared = self.stream.fields.get(name, Field(name))
        return {
            "field": name,
            "file" if is_file else "files": stack.name,
            "shape": list(stack.shape),
            "dtype": stack.dtype,
            "units": declared.units,
            "source": declared.source,
            "seq_nums": stack.seq_nums.ranges,
        }

    def _places(self, name: str) -> list[str]:
        return [_place(asset) for asset in self._external.assets(self.stream.name, name)]


def pattern(field: str) -> str:
    """Return what the names of a field's files have in common, where each image has one."""
    return f"*-{clean(field)}-*"


def _place(asset: Asset) -> str:
    return f"{asset.place} {dumps(asset.parameters).decode()}"
