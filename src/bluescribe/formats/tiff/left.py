"""What a killed process left of the images of one run: the list, and files that are ahead of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .pages import WholePage, is_begun, whole_pages
from .stream import LIST, Numbers, StreamImages, pattern

__all__ = [
    "LeftFile",
    "LeftRun",
    "broken_copies",
    "copied_fields",
    "named_files",
    "read_list",
    "with_copies",
]

_OF_A_STACK = ("field", "dtype", "units", "source")
"""What the description of a first page says of all pages."""
_NOTHING_YET = "no event has a value"


def read_list(path: Path) -> dict[str, Any] | None:
    """Return the list of a run's images; None of any other file.

    Raises
    ------
    OSError
        It cannot be read.
    """
    try:
        told = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(told, dict) and {"uid", "state", "streams", "left_out"} <= told.keys()
    return told if is_ours else None


def copied_fields(told: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the streams and fields whose images a list says to be copied."""
    return {
        (stream["stream"], image["field"])
        for stream in told["streams"]
        for image in stream["images"]
        if "copied_from" in image
    }


def broken_copies(
    path: Path, told: Mapping[str, Any], done: Collection[tuple[str, str]], ending: str
) -> Iterator[Path]:
    """Yield copies of images that were made when the copying of their field was cut short.

    Parameters
    ----------
    path, told
        The list.
    done
        Streams and fields that are copied.
    ending
        What the names of copies end in.
    """
    for image in _images(path, named_files(told), ending):
        first = next(iter(whole_pages(image)), None)
        if first is None:
            if image.name not in named_files(told) and not image.stat().st_size:
                yield image
        elif "row" not in first.description and _run_of(first) == told["uid"]:
            of = (first.description.get("stream"), first.description.get("field"))
            if of not in done:
                yield image


def with_copies(told: Mapping[str, Any], streams: Iterable[StreamImages]) -> dict[str, Any]:
    """Return a list with the images that were copied since it was written.

    Parameters
    ----------
    told
        The list.
    streams
        They know copies only.
    """
    entries = [dict(entry) for entry in told["streams"]]
    left_out = list(told["left_out"])
    for images in streams:
        new = images.description()["images"]
        copied = images.copied
        name = images.stream.name
        for entry in (e for e in entries if e["stream"] == name):
            old = [i for i in entry["images"] if "copied_from" not in i or i["field"] not in copied]
            entry["images"] = [*old, *new]
        left_out = [e for e in left_out if e["stream"] != name or e["field"] not in copied]
        left_out += [entry for entry in images.omissions() if entry["field"] in copied]
    return {**told, "streams": entries, "left_out": left_out}


def _run_of(page: WholePage) -> str:
    start = page.description.get("start")
    return str(start.get("uid")) if isinstance(start, dict) else ""


@dataclass(slots=True)
class LeftFile:
    """A file of images."""

    path: Path
    pages: list[WholePage]

    @property
    def told(self) -> Mapping[str, Any]:
        """What its first page says."""
        return self.pages[0].description if self.pages else {}

    @property
    def is_of_events(self) -> bool:
        """Whether its images came in events; others were copied when the run had ended."""
        return "row" in self.told

    def is_of(self, uid: str, *, is_named: bool) -> bool:
        """Tell whether it is a file of a run: who knows what else has such a name."""
        if not self.pages:
            return is_named or is_begun(self.path)
        start = self.told.get("start")
        return isinstance(start, dict) and start.get("uid") == uid and "stream" in self.told


@dataclass(slots=True)
class LeftRun:
    """The files of one run, and how far its events are known.

    Each page tells the number of its row in the stream, and its event. The list tells of all events
    up to when it was written last; behind them, events without an image are not known, and rows
    that come after such a gap are not used.
    """

    path: Path
    told: dict[str, Any]
    files: list[LeftFile] = field(default_factory=list)
    events: dict[str, list[int]] = field(default_factory=dict)
    """By stream: the seq_num of each row."""

    @classmethod
    def read(cls, path: Path, told: dict[str, Any], ending: str) -> LeftRun:
        """Read the list's files, and those that are not in it yet.

        Parameters
        ----------
        path, told
            The list.
        ending
            What the names of new images end in.

        Raises
        ------
        OSError
            One cannot be read.
        """
        named = named_files(told)
        files = [LeftFile(p, list(whole_pages(p))) for p in _images(path, named, ending)]
        files = [f for f in files if f.is_of(told["uid"], is_named=f.path.name in named)]
        of_events = [f for f in files if f.is_of_events]
        events = {entry["stream"]: _numbers(entry["seq_nums"]) for entry in told["streams"]}
        for stream in {f.told["stream"] for f in of_events}:
            _follow(events.setdefault(stream, []), of_events, stream)
        for file in of_events:
            known = len(events[file.told["stream"]])
            file.pages = [p for p in file.pages if p.description["row"] < known]
        return cls(path, told, files, events)

    def description(self) -> dict[str, Any]:
        """Return the list as it is when nothing more will come."""
        entries = {entry["stream"]: entry for entry in self.told["streams"]}
        streams = [
            {
                **entries.get(stream, {"stream": stream}),
                "seq_nums": _ranges(numbers),
                "images": self._images_of(stream, entries.get(stream, {}).get("images", [])),
            }
            for stream, numbers in self.events.items()
        ]
        shown = {(s["stream"], image["field"]) for s in streams for image in s["images"]}
        left_out = [
            entry
            for entry in self.told["left_out"]
            if entry["what"] != _NOTHING_YET or (entry["stream"], entry["field"]) not in shown
        ]
        is_ended = self.told["stop"] is not None
        return {
            **self.told,
            "state": "complete" if is_ended else "never stopped",
            "streams": streams,
            "left_out": left_out,
            "recovered": "its writer was killed: left_out is as it was told last before",
        }

    def _images_of(self, stream: str, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what the list says of a stream's images, from the pages themselves."""
        singles = {image["files"] for image in before if "files" in image}
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        files = (f for f in self.files if f.is_of_events and f.told["stream"] == stream)
        for file in sorted(files, key=lambda file: int(file.told["row"])):
            name, shape = file.told["field"], list(file.pages[0].shape)
            is_single = pattern(name) in singles or (not before and _is_numbered(file))
            place = {"files": pattern(name)} if is_single else {"file": file.path.name}
            key = (name, *shape, file.told["dtype"], *place.values())
            about = {key: file.told[key] for key in _OF_A_STACK}
            entry = found.setdefault(key, {**about, **place, "shape": shape, "seq_nums": []})
            entry["seq_nums"] += [page.description["seq_num"] for page in file.pages]
        return [{**entry, "seq_nums": _ranges(entry["seq_nums"])} for entry in found.values()]


def _is_numbered(file: LeftFile) -> bool:
    """Tell whether a file is called by the number of its one image."""
    last = file.path.stem.rpartition("-")[2]
    return len(file.pages) == 1 and last == f"{file.pages[0].description['row'] + 1:06d}"


def _images(path: Path, named: Collection[str], ending: str) -> Iterator[Path]:
    """Yield files of the run's name: those of the list, and those that it cannot know yet."""
    stem = path.name.removesuffix(LIST)
    endings = {".tif", ending, *(Path(name).suffix for name in named)}
    found = sorted(path.parent.glob(f"{_plain(stem)}-*"))
    others = tuple(p.name.removesuffix(LIST) + "-" for p in found if p.name.endswith(LIST))
    for image in found:  # a run of the same name is called -2, and its files as well
        is_alike = image.suffix in endings or (ending and image.name.endswith(ending))
        if image.name in named or (is_alike and not image.name.startswith(others)):
            yield image


def _plain(text: str) -> str:
    """Return text for which `Path.glob` finds nothing but itself."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def named_files(told: Mapping[str, Any]) -> set[str]:
    """Return the names of the files of images that a list has."""
    images = (image for stream in told.get("streams", ()) for image in stream["images"])
    return {image["file"] for image in images if "file" in image}


def _follow(known: list[int], files: list[LeftFile], stream: str) -> None:
    """Add the events of pages to those that are known, as long as no row is missing."""
    found = {
        page.description["row"]: page.description["seq_num"]
        for file in files
        if file.told["stream"] == stream
        for page in file.pages
    }
    while (number := found.get(len(known))) is not None:
        known.append(number)


def _numbers(ranges: list[list[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


def _ranges(numbers: list[int]) -> list[list[int]]:
    found = Numbers()
    for number in numbers:
        found.add(number)
    return found.ranges
