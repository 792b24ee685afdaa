"""Images after a crash: written anew from the journal, or without the page that was torn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...contract.array_types import ArrayTypes, in_types
from ...contract.held_run import HeldRun
from ...contract.recovery import (
    COPIES_ARE_ALL_THERE_IS,
    Found,
    Keep,
    NotAloneError,
    Recovery,
    RecoveryError,
    Source,
    changing,
)
from ...files import Place, replacing
from ...files.json_text import dumps
from ...files.run_paths import clean
from ...model.numbers import is_integer
from .left import LeftFile, LeftRun, named_files, read_list
from .pages import cut, is_big, is_torn
from .stream import LIST

__all__ = ["TiffRecovery"]

_FINAL = ("complete", "never stopped")
_RECORDING = re.compile(rb'\{"uid":"[^"]*","state":"recording"')
_HEAD = 1024


class TiffRecovery(Recovery):
    """Finds the lists of images that bluescribe wrote; images without one are not touched."""

    has_parts: ClassVar[bool] = True

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield the run of a list of images."""
        is_list = head.startswith(b"{") and path.name.endswith(LIST)
        told = read_list(path) if is_list else None
        if told is not None:
            start, stop = (told.get(name) for name in ("start", "stop"))
            start = start if isinstance(start, dict) else {"uid": told["uid"]}
            yield HeldRun(path, self.name, start, stop if isinstance(stop, dict) else None)

    def examine(self, path: Path) -> list[Found]:
        """Return the run of a list."""
        if not path.name.endswith(LIST):
            return []
        stem = path.name.removesuffix(LIST)
        if not path.stat().st_size:
            return [Found(path, stem, problem="it is empty", is_readable=False)]
        told = read_list(path)
        if told is None:
            return []
        state, has_stop = told["state"], told["stop"] is not None
        if state in _FINAL:
            rows = {s["stream"]: _count(s["seq_nums"]) for s in told["streams"]}
            return [Found(path, stem, str(told["uid"]), rows, has_stop=has_stop)]
        events = LeftRun.read(path, told, self.ending).events
        rows = {stream: len(numbers) for stream, numbers in events.items()}
        problem = f"its state is {state!r}"
        return [Found(path, stem, str(told["uid"]), rows, has_stop=has_stop, problem=problem)]

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether a list says that its run goes on."""
        if not path.name.endswith(LIST):
            return False
        with path.open("rb") as file:
            return _RECORDING.match(file.read(_HEAD)) is not None

    def files(self, path: Path) -> list[Path]:
        """Return a list and the images that it names."""
        told = read_list(path) if path.exists() else None
        images = LeftRun.read(path, told, self.ending).files if told is not None else []
        return [path, *(image.path for image in images)]

    def told_files(self, path: Path) -> list[Path]:
        """Return the list and the files that it names."""
        told = read_list(path)
        names = () if told is None else sorted(named_files(told))
        return [path, *(path.with_name(Path(name).name) for name in names)]

    def mend(self, path: Path, keep: Keep) -> str:
        """Cut torn pages, and list those that are whole."""
        told = read_list(path)
        if told is None:
            raise RecoveryError("nothing was written to it before the crash")
        left = LeftRun.read(path, told, self.ending)
        torn = [file for file in left.files if is_torn(file.path, file.pages)]
        for file in torn:
            _cut(file, keep)
        keep(path)
        with replacing(Place.at(path)) as new:
            new.write(dumps(left.description()) + b"\n")
        pages = sum(len(file.pages) for file in left.files)
        return f"listed {pages} images, and cut {len(torn)} that were torn"

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write the images and their list anew."""
        (source,) = sources
        told = read_list(path) if path.stat().st_size else None
        files = LeftRun.read(path, told, self.ending).files if told is not None else []
        typed, settings = in_types(source, _array_types(files)), self._as_before(path, told, files)
        for file in files:
            keep(file.path)
        keep(path)
        missing = self.write_again(path, typed, LIST, **settings)
        if missing and not all(file.is_of_events for file in files if file.pages):
            raise NotAloneError(COPIES_ARE_ALL_THERE_IS)
        return "; ".join(["written anew from the journal", *missing])

    def _as_before(
        self, path: Path, told: dict[str, Any] | None, files: list[LeftFile]
    ) -> dict[str, Any]:
        """Return settings that the files themselves tell."""
        streams = told["streams"] if told is not None else []
        images = [image for stream in streams for image in stream["images"]]
        values: dict[str, Any] = {}
        if files:
            values["file_extension"] = _extension(path.name.removesuffix(LIST), files[0])
        if whole := [file.path for file in files if file.pages]:
            values["bigtiff"] = all(map(is_big, whole))
        if images:
            values["one_file_a_frame"] = any("files" in image for image in images)
        chosen = self._settings.model_fields_set
        return {name: value for name, value in values.items() if name not in chosen}


def _extension(stem: str, file: LeftFile) -> str:
    """Return the extension of a file, which may have several dots: those of other names do not."""
    names = [stem, *(clean(str(file.told.get(key, ""))) for key in ("stream", "field"))]
    behind = file.path.name.removeprefix("-".join(names))
    is_shortened = behind == file.path.name
    return file.path.suffix if is_shortened else behind.partition(".")[2]


def _array_types(files: list[LeftFile]) -> ArrayTypes:
    """Return the types of integer images, but for fields that have several."""
    types: dict[tuple[str | None, str], set[np.dtype[Any]]] = {}
    for file in files:
        if file.is_of_events:
            key = file.told["stream"], file.told["field"]
            types.setdefault(key, set()).add(np.dtype(file.told["dtype"]))
    single = {key: next(iter(found)) for key, found in types.items() if len(found) == 1}
    return {key: dtype for key, dtype in single.items() if is_integer(dtype)}


def _cut(file: LeftFile, keep: Keep) -> None:
    """Take away what is behind the whole pages; without one, no program opens the file."""
    if file.pages:
        with changing(file.path, keep) as part:
            cut(part, file.pages)
    else:
        keep(file.path)


def _count(ranges: list[list[int]]) -> int:
    return sum(last - first + 1 for first, last in ranges)
