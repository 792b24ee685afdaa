"""Notes of the runs that are being written: what a crash leaves of them is to be sent as well.

A note is made at the start of a run and removed when the run is in the outbox. It is held like a
file that is written, so that other processes see whether its own still lives. Lines are added to
it: the start document, then each file as it comes.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ...files import Place
from ...files.json_text import dumps
from ...files.write_lock import Hold, is_held

__all__ = ["Begun", "Left", "LeftFile"]

logger = logging.getLogger(__name__)

_NUMBERS = itertools.count(1)
_START_SECONDS = 60.0
"""How old a note is that nobody is going to write any more."""


class LeftFile(NamedTuple):
    """A file that was known of a run."""

    format: str
    extension: str
    """The ending that the settings of its session gave to files of that format."""
    path: Path


@dataclass
class Left:
    """A run whose process ended before the run was in the outbox."""

    note: Path
    start: Mapping[str, Any]
    files: list[LeftFile]
    size: int = 0
    """Bytes of the note when it was read."""

    def is_as_read(self) -> bool:
        """Tell whether nothing was added to the note since."""
        return self.note.exists() and self.note.stat().st_size == self.size

    @property
    def paths(self) -> list[Path]:
        """Where they are."""
        return [file.path for file in self.files]


@dataclass
class _Note:
    path: Path
    hold: Hold
    files: set[Path] = field(default_factory=set)


class Begun:
    """The notes in a folder; those of this process are written by the threads of its writers.

    Parameters
    ----------
    folder
        Where they are; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._notes: dict[str, _Note] = {}
        self.lock = threading.RLock()
        """Is held by whoever adds to a note, or takes it for finished."""
        self._has_told = False

    def add(
        self, name: str, extension: str, start: Mapping[str, Any], paths: Sequence[Path]
    ) -> None:
        """Note which files a format has of a run by now; `Writer.tell_of_begun` calls it."""
        uid = str(start.get("uid"))
        with self.lock:
            try:
                if uid not in self._notes:
                    self._notes[uid] = self._begin(start)
                note = self._notes[uid]
                new = [path.absolute() for path in paths if path.absolute() not in note.files]
                _append(note.path, *([name, extension, os.fspath(path)] for path in new))
                note.files.update(new)
                self._has_told = False
            except OSError as error:
                if not self._has_told:
                    self._has_told = True
                    logger.warning(
                        "globus: run %s cannot be noted in %s: %s. It is sent when it has ended, "
                        "but not if a crash cuts it short, nor are those that follow.",
                        *(uid[:7], self.folder, error),
                    )

    def leave(self, start: Mapping[str, Any], files: Sequence[LeftFile]) -> None:
        """Note files of a run whose session has died, as if that had noted them itself."""
        uid = str(start.get("uid"))
        lines = [[name, extension, os.fspath(path)] for name, extension, path in files]
        try:
            with self.lock:
                noted = (left.note for left in self.left() if str(left.start.get("uid")) == uid)
                if (note := next(noted, None)) is not None:
                    _append(note, *lines)
                    return
                new = self._begin(start)
                _append(new.path, *lines)
                new.hold.release()
        except OSError as error:
            logger.warning(
                "globus: run %s, which an earlier session left, is not sent, as it cannot be noted "
                "in %s: %s. Remedy: send it yourself: %s",
                *(uid[:7], self.folder, error, ", ".join(str(file.path) for file in files)),
            )

    def end(self, start: Mapping[str, Any]) -> None:
        """Forget a run that is in the outbox, or of which there is nothing to send."""
        with self.lock:
            note = self._notes.pop(str(start.get("uid")), None)
        if note is not None:
            with suppress(OSError):  # it would be sent a second time, to no harm
                note.path.unlink(missing_ok=True)
            note.hold.release()

    def left(self) -> Iterator[Left]:
        """Yield what processes left that live no more."""
        with self.lock:
            own = {note.path for note in self._notes.values()}
        for path in sorted({*self.folder.glob("*.jsonl")} - own):
            with suppress(FileNotFoundError):  # its process removed it just now
                if not is_held(path) and (left := _read(path)) is not None:
                    yield left

    def _begin(self, start: Mapping[str, Any]) -> _Note:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(_NUMBERS)}.jsonl"
        path = self.folder / name
        Place.at(path).create()
        note = _Note(path, Hold(path))  # before there is something that others could read
        _append(path, {"start": dict(start)})
        return note


def _append(path: Path, *lines: Any) -> None:
    if lines:
        with open(Place.at(path).open_to_append(), "ab") as note:  # noqa: PTH123  # a descriptor
            # a full disk may have left half a line
            note.write(b"".join(b"\n" + dumps(line) for line in lines) + b"\n")


def _read(path: Path) -> Left | None:
    """Return what a note says; one that says nothing is removed when it is old."""
    told, text = [], path.read_bytes()
    for line in text.splitlines():
        with suppress(ValueError):  # half a line, at a power cut
            told.append(json.loads(line))
    try:
        start = told[0]["start"]
        files = [LeftFile(name, extension, Path(file)) for name, extension, file in told[1:]]
    except (LookupError, TypeError, ValueError):
        if time.time() - path.stat().st_mtime > _START_SECONDS:
            path.unlink(missing_ok=True)
        return None
    return Left(path, start, files, len(text))
