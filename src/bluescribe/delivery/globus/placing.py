"""Where a run's files are for the two collections, and what the transfer is called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ...files.run_paths import filled, fixed_part
from .settings import GlobusSettings

__all__ = ["label_of", "place"]

_LONGEST_LABEL = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def place(
    settings: GlobusSettings, files: Iterable[Path], start: Mapping[str, Any]
) -> tuple[list[tuple[str, str]], list[Path]]:
    """Tell the collections' paths of files.

    Parameters
    ----------
    settings
        They tell which folder is which.
    files
        Absolute paths on this machine.
    start
        The run's start document. Its values are cleaned: they cannot lead out of the destination.

    Returns
    -------
    items
        The path on the source and on the destination of each file.
    outside
        Files that are not below LOCAL_ROOT: the source collection cannot see them.
    """
    template = settings.destination_path
    source = PurePosixPath(settings.source_path or settings.local_root)
    destination = PurePosixPath(filled(template, start, fallback=fixed_part(template)))
    items, outside = [], []
    for file in files:
        relative = _below(settings.local_root, file)
        if relative is None:
            outside.append(file)
        else:
            items.append((str(source / relative), str(destination / relative)))
    return items, outside


def label_of(settings: GlobusSettings, start: Mapping[str, Any]) -> str:
    """Return what Globus is to call the transfer: one line of at most 128 characters."""
    text = filled(settings.label, start, fallback="run {uid:.7}")
    encodable = text.encode("utf-8", "replace").decode()  # lone surrogates become question marks
    return _CONTROL.sub("_", encodable).strip()[:_LONGEST_LABEL].strip() or "run"


def _below(root: Path, file: Path) -> PurePosixPath | None:
    """Return where a file is below a folder, by its name or by where links lead."""
    for folder, path in (
        (os.path.normpath(root), os.path.normpath(file)),
        (os.path.realpath(root), os.path.realpath(file)),
    ):
        if Path(path).is_relative_to(folder):
            return PurePosixPath(Path(path).relative_to(folder))
    return None
