"""The counter in names, ``{#:03d}``: one more than the highest that files of this name have."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .filling import Roots, fill
from .templates import COUNTER

__all__ = ["highest_number", "numbered_path"]

_MARK, _ANY = "\ue000", "\ue001"
"""Stand for the number, and for what is not known yet: no name of a file has them."""
_BEHIND = r"(?=[.\-]|$)"
"""What may follow the name of a run: stream and ending."""


class _Number:
    def __format__(self, spec: str) -> str:
        return _MARK


class _Later(dict[str, Any]):
    """What descriptors and events will say."""

    def get(self, *_: Any) -> Any:
        return self

    def __format__(self, spec: str) -> str:
        return _ANY


def numbered_path(
    directory: Path, template: str, start: Mapping[str, Any], roots: Roots
) -> Path | None:
    """Return the path of a run's files with marks for its number; None if a key is missing."""
    known = {**start, COUNTER: _Number(), "config": _Later(), "event": _Later()}
    try:
        folder, _ = fill(str(directory), known, roots)
        name, _ = fill(template, known, roots, is_name=True)
    except LookupError:
        return None
    return roots.cwd / folder / name


def highest_number(path: Path) -> int:
    """Return the highest number of files, and folders, that are called by a path; 0 for none.

    Parameters
    ----------
    path
        As `numbered_path` gives it.

    Raises
    ------
    OSError
        The folder cannot be listed.
    """
    parts = path.parts
    at = next((index for index, part in enumerate(parts) if _MARK in part), None)
    if at is None:
        return 0
    pattern = re.escape(parts[at]).replace(_ANY, ".+").replace(_MARK, r"(\d{1,15})", 1)
    pattern = pattern.replace(_MARK, r"\d+") + (_BEHIND if at == len(parts) - 1 else "$")
    return max(_numbers(Path(*parts[:at]), re.compile(pattern)), default=0)


def _numbers(folder: Path, pattern: re.Pattern[str]) -> Iterator[int]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if found := pattern.match(entry.name):
                    yield int(found[1])
    except (FileNotFoundError, NotADirectoryError):  # it will be made, or cannot: not ours to tell
        return
