"""Reads the spool of a dead session: which runs it has, and what their files lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..files import Folder, Place
from .entries import BEGIN, NOTE, TORN, Entry, read_segment
from .folder import SpoolFolder
from .log import SEGMENT_ENDING, segment_name
from .segment import Segment
from .story import story_of

__all__ = ["GAP", "LeftRun", "LeftSpool"]

GAP = f"{NOTE}gap"
"""Note that documents are missing before it, as the disk refused them for too long."""


@dataclass(slots=True)
class LeftRun:
    """A run that was begun in the dead session."""

    uid: str
    start: dict[str, Any]
    has_stop: bool = False
    is_whole: bool = True
    """Whether the spool has all that was received of it."""
    done: set[str] = field(default_factory=set)
    """Names of the lanes that were done with it."""
    files: dict[str, list[Path]] = field(default_factory=dict)
    """The files that each lane had made, or was about to make."""


class LeftSpool:
    """The spool of a dead session.

    Parameters
    ----------
    folder
        Its folder, which this process has locked.

    Raises
    ------
    OSError
        It cannot be read.
    BrokenSpoolError
        Another version wrote it.
    """

    def __init__(self, folder: SpoolFolder) -> None:
        self.folder = folder
        self.lanes: dict[str, dict[str, Any]] = {}
        """The settings of each format, by the name of its lane."""
        self.runs: dict[str, LeftRun] = {}
        self.shared: dict[tuple[str, int], Path] = {}
        """The file that runs of a lane were written to, where they have one together; see
        `FormatSession.announced` for the number."""
        self._notes: Segment | None = None
        for entry in self.entries():
            self._note(*entry)
        earlier = {""} if self._has_lost_its_first() else set()
        self._written = {
            lane: earlier | {run.uid for run in self.runs.values() if lane in run.done}
            for lane in self.lanes
        }
        """Runs that each lane was done with; "" stands for runs that the spool has dropped."""

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, notes included."""
        folder = Folder(self.folder.path)
        is_torn = False
        for path in self._segments():
            if is_torn:
                yield GAP, {}, ""  # what stood there would stand before what comes now
            is_torn = False
            for entry in read_segment(Place(folder, path.name)):
                if entry[0] == TORN:
                    is_torn = True
                else:
                    yield entry

    def story(self, uid: str, lane: str) -> Iterator[tuple[str, Any]]:
        """Yield the documents of a run, and the controls for its files in one format."""
        entries = (entry for entry in self.entries() if entry[2] in ("", lane))
        return story_of(uid, entries, written=self._written.get(lane, ()))

    def note_whole(self, uid: str, lane: str) -> None:
        """Take a lane to be done with a run, as its files are whole."""
        self._written[lane].add(uid)

    def note_done(self, uid: str, lane: str) -> None:
        """Write a note that a run is written in a format, for a later session if this one dies.

        Raises
        ------
        OSError
            It cannot be noted.
        """
        self._append(f"{NOTE}done", {"run_start": uid}, lane)
        self.runs[uid].done.add(lane)

    def note_file(self, uid: str, lane: str, path: Path) -> None:
        """Write a note of a file before it is made, for a later session if this one dies.

        Raises
        ------
        OSError
            It cannot be noted.
        """
        files = self.runs[uid].files.setdefault(lane, [])
        if path not in files:
            self._append(f"{NOTE}file", {"run_start": uid, "path": str(path)}, lane)
            files.append(path)

    def _append(self, name: str, told: dict[str, Any], lane: str) -> None:
        if self._notes is None:
            number = max(int(path.stem) for path in self._segments()) + 1
            place = Place(Folder(self.folder.path), segment_name(number))
            self._notes = Segment(place, {"version": __version__, "lanes": self.lanes})
        self._notes.append([(name, told, lane)])

    def close(self) -> None:
        """Close the segment of notes."""
        if self._notes is not None:
            self._notes.close()

    def _has_lost_its_first(self) -> bool:
        return bool(found := self._segments()) and found[0].name != segment_name(1)

    def _segments(self) -> list[Path]:
        return sorted(self.folder.path.glob(f"*{SEGMENT_ENDING}"))

    def _note(self, name: str, doc: Any, lane: str) -> None:
        if not isinstance(doc, dict):
            return
        if name == BEGIN:
            self.lanes |= doc["lanes"]
        elif name == GAP:
            for each in self.runs.values():
                each.is_whole = each.is_whole and each.has_stop
        elif name in ("start", "elsewhere", "off") and isinstance(doc.get("uid"), str):
            run = self.runs.setdefault(doc["uid"], LeftRun(doc["uid"], doc))
            if name == "start":
                run.start = doc
            else:
                run.done.add(lane)
        elif (found := self.runs.get(str(doc.get("run_start")))) is not None:
            _note_of(found, name, doc, lane)


def _note_of(run: LeftRun, name: str, doc: dict[str, Any], lane: str) -> None:
    if name == f"{NOTE}done":
        run.done.add(lane)
    elif name == f"{NOTE}file":
        files = run.files.setdefault(lane, [])
        if Path(doc["path"]) not in files:
            files.append(Path(doc["path"]))
    elif name in ("stop", "unstopped"):
        run.has_stop = True
