"""How the files of a session are called: by the time of the first run, a title, or a path."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from ...contract.settings import WriterSettings
from ...files.names import Roots, counts, late_keys, run_path
from ...files.run_names import SESSION_TEMPLATE, free_names
from ...model.run import working_directory

__all__ = ["NamedFile", "Naming", "folder_of", "free", "is_path", "next_folder", "session_name"]


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
