"""How the files of a session are called: by the time of the first run, a title, or a path."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from ...contract.settings import WriterSettings
from ...files import Folder
from ...files.run_names import SESSION_TEMPLATE, free_names
from ...files.run_paths import Roots, counts, late_keys, run_path
from ...files.working_directory import working_directory
from ...model.run import Run

__all__ = [
    "NamedFile",
    "Naming",
    "Namings",
    "free",
    "is_path",
    "next_folder",
    "session_name",
    "target",
]

logger = logging.getLogger(__name__)


class NamedFile:
    """A file that the console named by its path, and the folder of the runs it was named for."""

    def __init__(self, path: Path, folder: Path | None) -> None:
        self.path = path
        self.folder = folder
        """None until the next run begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """How the files are called of the runs that begin while it holds."""

    number: int = 0
    """How often the console has named a file."""
    title: str | None = None
    """Name of the files, ending included; None when their first run's time names them."""
    goes_on: bool = False
    """Whether a file of that name that exists is appended to."""
    named: NamedFile | None = None

    def told(self) -> dict[str, Any]:
        """Return it as plain values; nothing where the console has named no file."""
        if not self.number:
            return {}
        told: dict[str, Any] = {"number": self.number, "title": self.title}
        if self.named is not None:
            told["path"] = str(self.named.path)
            told["folder"] = None if self.named.folder is None else str(self.named.folder)
        return told | {"goes_on": self.goes_on}

    def is_told(self, told: Mapping[str, Any]) -> bool:
        """Tell whether `told` was returned of this; its folder may not have been known yet."""
        mine = self.told()
        return all(mine.get(key) == told[key] for key in told if key != "folder")

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Naming:
        """Return what `told` was returned of."""
        named = None
        if (path := told.get("path")) is not None:
            folder = told["folder"]
            named = NamedFile(Path(path), None if folder is None else Path(folder))
        return cls(told["number"], told["title"], bool(told["goes_on"]), named)


_MOST_RUNS = 1_000
"""Runs of which it is remembered how their files are called."""


class Namings:
    """How the files of runs are called: of those that begin from now on, and of each run."""

    def __init__(self) -> None:
        self.next = Naming()
        """Of the runs that begin from now on."""
        self._of_runs: dict[str, Naming] = {}
        """By a run's uid, where the console has named a file before it."""

    def of(self, uid: str) -> Naming:
        """Return how the file of a run is called."""
        return self._of_runs.get(uid) or Naming()

    def begin(self, title: str | None, named: NamedFile | None, *, goes_on: bool) -> None:
        """Have the files of the next runs called so."""
        self.next = Naming(self.next.number + 1, title, goes_on, named)

    def take(self, uid: str, told: Mapping[str, Any]) -> None:
        """Take how the file of a run is called, in this session or in one that has died."""
        self._of_runs[uid] = self.next if self.next.is_told(told) else Naming.of(told)
        if len(self._of_runs) > _MOST_RUNS:
            del self._of_runs[next(iter(self._of_runs))]


def session_name(start: Mapping[str, Any]) -> str:
    """Return what a file is called, without ending, that begins with a run."""
    return run_path(Path(), SESSION_TEMPLATE, start).name


def folder_of(settings: WriterSettings, start: Mapping[str, Any], cwd: Path) -> Path:
    """Return the folder of a run: the setting, its keys filled."""
    roots = Roots(settings.roots, cwd)
    return cwd / run_path(settings.directory, "run", start, roots=roots).parent


def next_folder(settings: WriterSettings, md: Mapping[str, Any] | None) -> Path | None:
    """Return the folder of a run that would begin now; None when only its start will tell.

    Parameters
    ----------
    settings
        Of that run.
    md
        Fills the keys of its directory.
    """
    directory = settings.directory
    keys = (key for _, key, _, _ in Formatter().parse(str(directory)))
    if late_keys(str(directory)) or counts(str(directory)):
        return None
    if md is None and any(key not in (None, "time") for key in keys):
        return None
    start = {**(md or {}), "time": time.time()}
    return folder_of(settings, start, working_directory()).resolve()


def is_path(title: str | Path) -> bool:
    """Tell whether a file is named by its path, and not by a title."""
    return isinstance(title, Path) or title.startswith(("/", "~"))


def free(path: Path) -> Path:
    """Return a path that nothing has."""
    names = map(path.with_name, free_names(path.stem, path.suffix))
    return next(free for free in names if not free.exists())


def target(
    run: Run, settings: WriterSettings, naming: Naming, knows: Callable[[Folder], bool]
) -> tuple[Folder, str | None]:
    """Return where the file of a run is, and its name; None when its time names it.

    Parameters
    ----------
    run, settings
        The run, and its settings.
    naming
        How its file is called.
    knows
        Tells whether a run of that naming was in a folder before.
    """
    folder = Folder.made(folder_of(settings, run.for_names, run.cwd), settings.rights, run.claims)
    named = naming.named
    if named is None:
        return folder, naming.title
    if named.folder is None:
        named.folder = folder.path
    if folder.path in (named.folder, named.path.parent):
        folder = Folder.made(named.path.parent, settings.rights, run.claims)
        return folder, named.path.name
    if not knows(folder):
        logger.warning(
            "spec: the runs are in %s now: their scans go to a file there, and no more to %s, "
            "which was named for the runs in %s",
            folder.path,
            named.path,
            named.folder,
        )
    return folder, None
