"""The class of the writer, with the paths of external files that an override gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...formats.nexus import NexusFile, NexusWriter

__all__ = ["writer_class"]


def writer_class(
    file_class: type[NexusFile], moved: Mapping[Path, Path] | None
) -> type[NexusWriter]:
    """Return what writes the files of a callback.

    Parameters
    ----------
    file_class
        Writes one file. One with hooks is called in the session.
    moved
        Where external files are, by where the documents say that they are; it may still grow.
        None if nothing says otherwise.
    """
    if moved is not None:
        file_class = _finding(file_class, moved)
    if file_class is NexusFile:
        return NexusWriter  # which is written by a process of its own
    body: dict[str, Any] = {"file_class": file_class, "__module__": __name__}
    return type("NexusWriter", (NexusWriter,), body)


def _finding(file_class: type[NexusFile], moved: Mapping[Path, Path]) -> type[NexusFile]:
    class Finding(file_class):  # type: ignore[valid-type,misc]  # any of them
        """A file whose external files are where the callback says."""

        def resource_path(self, path: Path) -> Path:
            """Return where an external file is."""
            found: Path = super().resource_path(path)
            return moved.get(found, found)

    return Finding
