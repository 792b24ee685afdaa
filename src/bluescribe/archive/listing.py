"""The runs in files, of all formats, in a folder or beside each other; nothing is changed.

Files are known by what is in them, not by their names; those of others are passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.held_run import HeldRun
from ..contract.recovery import Recovery
from ..errors import BluescribeError
from ..files.run_names import is_beside_a_file
from ..formats import format_names, load_plugin

__all__ = ["ListedRun", "Listing", "list_runs", "runs_beside"]

_HEAD = 128
_UID = 7
"""Characters of a uid that names of files have, by default."""
_PART = re.compile(r"-part\d+$")
"""What the name of a part ends with, where a run goes on in several files."""


@dataclass
class ListedRun:
    """A run, and its files in each format."""

    main: HeldRun
    """What tells the most of it."""
    files: dict[str, list[Path]] = field(default_factory=dict)
    """Those of each format, the main one first; absolute."""

    @property
    def key(self) -> tuple[float, str]:
        """By what runs are put in order: when they began."""
        began = self.main.began
        return (began.timestamp() if began else 0.0, self.main.uid)

    def add(self, held: HeldRun, paths: Iterable[Path]) -> None:
        """Take in what another file tells of it."""
        there = self.files.setdefault(held.format, [])
        there += [path for path in paths if path not in there]
        if len(held.start) > len(self.main.start) or self.main.stop is None:
            stop = held.stop if held.stop is not None else self.main.stop
            start = max(held.start, self.main.start, key=len)
            events = self.main.events if self.main.events else held.events
            self.main = HeldRun(self.main.path, self.main.format, start, stop, events)


@dataclass
class Listing:
    """What was found in a folder."""

    runs: list[ListedRun]
    """The oldest first."""
    others: int = 0
    """Files in which no run was found."""
    refused: list[OSError] = field(default_factory=list)
    """Files and folders that could not be read."""


def list_runs(
    folder: Path,
    *,
    progress: Callable[[int, int], object] | None = None,
    are_slow_left: bool = False,
) -> Listing:
    """Return the runs in the files of a folder and those below it.

    Parameters
    ----------
    folder
        Where files are.
    progress
        Is called with the number of files that were looked at, and of all.
    are_slow_left
        Whether files are known by their names alone that take long to open: a session opens no
        HDF5.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    with os.scandir(folder):  # raises
        pass
    refused: list[OSError] = []
    paths = list(_files_below(folder.absolute(), refused))
    listing = Listing([], refused=refused)
    readers = _Readers(are_slow_left=are_slow_left)
    found = _Found()
    for number, path in enumerate(sorted(paths, key=readers.costs), 1):
        try:
            found.look_at(path, readers)
        except OSError as error:
            refused.append(error)
        if progress is not None:
            progress(number, len(paths))
    listing.runs = sorted(found.runs.values(), key=lambda run: run.key)
    known = {path for run in listing.runs for files in run.files.values() for path in files}
    listing.others = sum(path not in known for path in paths)
    return listing


def runs_beside(path: Path) -> list[ListedRun]:
    """Return the runs in a file, in its order, with their files of other formats beside it.

    Raises
    ------
    BluescribeError
        There is no run in it.
    OSError
        It cannot be read.
    """
    path = path.absolute()
    readers = _Readers()
    found = _Found()
    held = list(readers.read(path))
    if not held:
        held = _of_a_part(path, readers)
    if not held:
        raise BluescribeError(
            f"{path}: there is no run in it that a format of bluescribe can tell of"
        )
    for each in held:
        found.add(each, readers)
    uids = {each.uid[:_UID] for each in held if each.uid}
    stem = _stem(path)
    with suppress(OSError):
        for other in sorted(path.parent.iterdir()):
            is_like = _stem(other) == stem or any(uid in other.name for uid in uids)
            if other != path and other.is_file() and (is_like or other.suffix in _SHARED):
                with suppress(OSError):
                    found.look_at(other, readers, only=uids)
    return list(found.runs.values())


_SHARED = (".dat", ".spec")
"""Usual endings of files that take several runs, and are called by none."""


def _of_a_part(path: Path, readers: _Readers) -> list[HeldRun]:
    """Return the run of which a file is one of several: a table, a stack of images, a part."""
    for main in sorted(path.parent.iterdir()):
        if main != path and _stem(main) and path.name.startswith(_stem(main)) and main.is_file():
            held = list(readers.read(main))
            if any(path in readers.files(each) for each in held):
                return held
    return []


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


class _Readers:
    """What reads the files of each format, the cheapest first."""

    def __init__(self, *, are_slow_left: bool = False) -> None:
        self._are_slow_left = are_slow_left
        self._recoveries: dict[str, Recovery] = {}
        for name in format_names():
            with suppress(BluescribeError):  # of a package that cannot be imported
                plugin = load_plugin(name)
                if plugin.recovery is not None:
                    self._recoveries[name] = plugin.recovery(
                        plugin, plugin.settings.validated(name, {})
                    )

    def costs(self, path: Path) -> tuple[bool, str]:
        """Return what cheap files come before, by their names."""
        return (self.slow_format(path) is not None, str(path))

    def slow_format(self, path: Path) -> str | None:
        """Return the format by whose ending a file is called that takes long to open."""
        slow = [each for each in self._recoveries.values() if each.is_slow]
        named = [each for each in slow if each.has_ending(path)]
        return max(named, key=lambda each: each.ending_rank).name if named else None

    def read(self, path: Path) -> Iterator[HeldRun]:
        """Yield the runs in a file."""
        with path.open("rb") as file:
            head = file.read(_HEAD)
        for recovery in self._recoveries.values():
            if recovery.is_slow and self._are_slow_left:
                continue
            held: list[HeldRun] = []
            try:
                held = list(recovery.runs_in(path, head))
            except OSError:
                raise
            except Exception:  # whatever a file of others does to a reader, it is none of ours
                continue
            if held:
                yield from held
                return

    def files(self, held: HeldRun) -> list[Path]:
        """Return the files of a run in a format."""
        try:
            files = self._recoveries[held.format].told_files(held.path)
        except Exception:
            files = [held.path]
        return [path for path in files if path.exists()] or [held.path]


class _Found:
    """The runs that were found so far."""

    def __init__(self) -> None:
        self.runs: dict[object, ListedRun] = {}
        self._stems: dict[tuple[Path, str], ListedRun] = {}

    def look_at(self, path: Path, readers: _Readers, *, only: set[str] | None = None) -> None:
        """Look into a file, unless its name tells whose it is.

        Raises
        ------
        OSError
            It cannot be read.
        """
        slow = readers.slow_format(path)
        stem = _stem(path)
        known = self._stems.get((path.parent, _PART.sub("", stem)))
        if slow and known is not None and known.main.uid[:_UID] in stem:
            files = known.files.setdefault(slow, [])
            files.insert(len(files) if _PART.search(stem) else 0, path)
            return
        for held in readers.read(path):
            if only is None or held.uid[:_UID] in only:
                self.add(held, readers)

    def add(self, held: HeldRun, readers: _Readers) -> None:
        """Enter a run of a file."""
        key: object = held.uid or (held.path, held.scan_id, len(self.runs))
        run = self.runs.setdefault(key, ListedRun(held))
        run.add(held, readers.files(held))
        if held.uid:
            self._stems[held.path.parent, _stem(held.path)] = run


def _files_below(folder: Path, refused: list[OSError]) -> Iterator[Path]:
    for where, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(where, name)
            if not is_beside_a_file(name) and path.is_file():  # no pipe, at which one would wait
                yield path
