"""Images in files of their own -> stacks, when the run has ended.

A stack grows under another name and gets its own when it is complete: what is called ``.tif`` is
whole, whatever happens.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from ...assets.asset import Asset, Frames
from ...assets.copying import KEEP, ImageCopy
from ...assets.frames import reader_of
from ...assets.images import Images, ImagesError, Part
from ...assets.waiting import Patience
from ...files import Place
from ...files.json_text import dumps, strict
from ...model.values import Array
from .settings import TiffSettings
from .stackfile import StackFile, is_held
from .stream import NOT_TIFFFILES, Stack, StreamImages, pattern

__all__ = ["TiffCopy", "ToCopy"]


@dataclass(frozen=True, slots=True)
class ToCopy:
    """The external images of one field."""

    stream: StreamImages
    images: Images
    told: Sequence[tuple[Asset, Frames]]
    """Which events have which frames; nothing where the documents do not tell."""


@dataclass(slots=True)
class _Growing:
    """A stack on its way."""

    stack: Stack
    file: StackFile | None = None


class TiffCopy(ImageCopy[ToCopy, None]):
    """Copies the external images of one run into stacks.

    Parameters
    ----------
    fields
        What is copied.
    claim
        Makes a new file for a stream's field, with an ending of its name.
    beside
        The list of the run: a stack grows beside it.
    settings
        Say what files are made.
    describe
        Writes the list of the run anew.
    patience
        Waits for files that are not there or not complete.
    """

    def __init__(
        self,
        fields: Sequence[ToCopy],
        claim: Callable[[str, str, str], Place],
        beside: Place,
        *,
        settings: TiffSettings,
        describe: Callable[[], None],
        patience: Patience,
    ) -> None:
        super().__init__(fields, patience, nullcontext)
        self._claim = claim
        self._beside = beside
        self._settings = settings
        self._describe = describe
        self._made: list[Place] = []
        """Files of the field that is being copied."""

    remedy = f"{KEEP}, if they are not to be copied set IMAGES: name"
    is_whole_without = False
    together = False
    """The files of each field are its own."""

    def check(self, item: ToCopy) -> bool:
        """Look whether all frames of a field can be read."""
        reader_of(item.images).check()
        return True

    def put(self, target: None, item: ToCopy, give_up: threading.Event) -> None:
        """Copy the images of one field, all of them or none."""
        found: list[_Growing] = []
        others = 0
        self._made = []
        try:
            for number, (image, told) in enumerate(_frames(item, give_up)):
                if not is_held(image):
                    others += 1
                    continue
                self._append(item, found, image, {**told, "frame": number})
            for count, growing in enumerate(found):
                if growing.file is not None:
                    ending = f"{count + 1}" if count else ""
                    growing.stack.name = self._put_in_place(growing.file, item, ending).name
                    growing.file = None
        except BaseException:
            parts = [growing.file.place for growing in found if growing.file]
            for place in (*parts, *self._made):
                with suppress(FileNotFoundError):
                    place.remove()
            raise
        item.stream.add_copies(item.images.field, [growing.stack for growing in found], others)
        self._describe()

    def _append(
        self, todo: ToCopy, found: list[_Growing], image: Array, told: dict[str, Any]
    ) -> None:
        text = dumps(strict(told)).replace(*NOT_TIFFFILES)
        growing = _growing(found, image, text)
        if growing.file is None:
            growing.file = StackFile(self._beside.new_part(), is_big=self._settings.bigtiff)
            first = told | todo.stream.metadata(todo.images.field, image)
            text = dumps(strict(first)).replace(*NOT_TIFFFILES)
        growing.file.append(image, text)
        if "seq_num" in told:
            growing.stack.seq_nums.add(told["seq_num"], is_repeated=told["of_event"] > 0)
        growing.stack.pages += 1
        if self._settings.one_file_a_frame:
            self._put_in_place(growing.file, todo, f"{told['frame'] + 1:06d}")
            growing.file, growing.stack.name = None, pattern(todo.images.field)

    def _put_in_place(self, file: StackFile, todo: ToCopy, ending: str) -> Place:
        """Give a file its own name, and return that."""
        with file.place.open() as part:
            os.fsync(part.fileno())
        place = self._claim(todo.images.stream, todo.images.field, ending)
        self._made.append(place)
        file.place.replace(place)
        return place

    def missed(self, item: ToCopy, error: Exception) -> str:
        """Return what is told of images that are not copied."""
        return f"images of {item.images.field!r} are not copied but stay named in the list: {error}"

    def failed(self, items: Sequence[ToCopy], error: Exception) -> str:
        """Return what is told when a stack could not be written."""
        return self.missed(items[0], error)


def _growing(found: list[_Growing], image: Array, text: bytes) -> _Growing:
    """Return the stack that a page goes into: the last of its shape and type, if that has room."""
    key = image.shape, image.dtype.name
    alike = (g for g in reversed(found) if (g.stack.shape, g.stack.dtype) == key)
    growing = next(alike, None)
    if growing is None or (growing.file and not growing.file.has_room(image, text)):
        growing = _Growing(Stack("", *key))
        found.append(growing)
    return growing


def _frames(todo: ToCopy, give_up: threading.Event) -> Iterator[tuple[Array, dict[str, int]]]:
    """Yield the images, each with its event and its number in that."""
    if 0 < len({asset.uid for asset, _ in todo.told}) < len(todo.images.assets):
        raise ImagesError("the documents tell of some files only what belongs to which event")
    if not todo.told:
        for block in reader_of(todo.images).read(give_up):
            yield from ((image, {}) for image in block)
        return
    for asset, frames in todo.told:
        reader = reader_of(replace(todo.images, parts=(Part.of(asset, frames),)))
        number = each = 0
        for block in reader.read(give_up):
            each = each or max(1, reader.count() // max(1, frames.index_stop - frames.index_start))
            for image in block:
                event, of_event = divmod(number, each)
                yield image, {"seq_num": frames.seq_start + event, "of_event": of_event}
                number += 1
