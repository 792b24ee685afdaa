"""How the files of a session are called: by the time of the first run, a title, or a path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...files.names import run_path
from ...files.run_names import SESSION_TEMPLATE, free_names

__all__ = ["NamedFile", "free", "is_path", "session_name"]


class NamedFile:
    """A file that the console named by its path, and the folder of the runs it was named for."""

    def __init__(self, path: Path, folder: Path | None) -> None:
        self.path = path
        self.folder = folder
        """None until the next run begins."""


def session_name(start: Mapping[str, Any]) -> str:
    """Return what a file is called, without ending, that begins with a run."""
    return run_path(Path(), SESSION_TEMPLATE, start).name


def is_path(title: str | Path) -> bool:
    """Tell whether a file is named by its path, and not by a title."""
    return isinstance(title, Path) or title.startswith(("/", "~"))


def free(path: Path) -> Path:
    """Return a path that nothing has."""
    names = map(path.with_name, free_names(path.stem, path.suffix))
    return next(free for free in names if not free.exists())
