"""How the files of a session are called: by the time of the first run, a title, or a path."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from ...contract.settings import WriterSettings
from ...files.names import Roots, counts, late_keys, run_path
from ...files.run_names import SESSION_TEMPLATE, free_names
from ...model.run import working_directory

__all__ = ["NamedFile", "folder_of", "free", "is_path", "next_folder", "session_name"]


class NamedFile:
    """A file that the console named by its path, and the folder of the runs it was named for."""

    def __init__(self, path: Path, folder: Path | None) -> None:
        self.path = path
        self.folder = folder
        """None until the next run begins."""


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
