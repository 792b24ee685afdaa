"""Hashes of all files of a folder, in the form that ``sha256sum -c`` checks, too."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...errors import BluescribeError
from ...files import Place

__all__ = ["NAME", "PackError", "Verdict", "compare", "files_in", "write_sums"]

NAME = "SHA256SUMS"

_LONGEST_LINE = 5_000
"""Bytes of a line at the most: a hash and a path."""


class PackError(BluescribeError, OSError):
    """A pack cannot be made there, or cannot be read."""


@dataclass(frozen=True)
class Verdict:
    """What became of the files of a pack on their way."""

    checked: int
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    """Files that the pack did not have; no damage by themselves."""

    @property
    def is_intact(self) -> bool:
        """Whether every file is there as it was packed."""
        return not (self.missing or self.changed)


def write_sums(folder: Path) -> Path:
    """Write the hashes of all files in a folder into `NAME` there."""

    def opened(name: str) -> IO[bytes]:
        return (folder / name).open("rb")

    lines = [f"{_hash(opened, name)}  {name}\n" for name in files_in(folder)]
    path = folder / NAME
    with Place.at(path).open("xb") as new:
        new.write(os.fsencode("".join(lines)))
    return path


def compare(place: Path, names: list[str], opened: Callable[[str], IO[bytes]]) -> Verdict:
    """Compare files with the hashes that are among them."""
    longest = _LONGEST_LINE * (len(names) + 1)
    try:
        with opened(NAME) as file:
            text = os.fsdecode(file.read(longest + 1))
    except (FileNotFoundError, NotADirectoryError, KeyError):
        why = f"it has no {NAME}" if place.exists() else "no such file or folder"
        raise PackError(f"{place} is no pack of bluescribe: {why}") from None
    if len(text) > longest:
        raise PackError(f"{place} is no pack of bluescribe: its {NAME} is longer than its files")
    sums = {name: digest for digest, _, name in (s.partition("  ") for s in text.splitlines())}
    found = set(names)
    missing = tuple(name for name in sums if name not in found)
    changed = tuple(n for n in sums if n in found and _hash(opened, n) != sums[n])
    return Verdict(len(sums), missing, changed, tuple(sorted(found - sums.keys())))


def files_in(folder: Path) -> list[str]:
    """Return the files of a folder by their paths in it, but for the hashes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in files if p != folder / NAME)


def _hash(opened: Callable[[str], IO[bytes]], name: str) -> str:
    """Return the hash of a file; nothing of one that its zip file cannot give."""
    try:
        with opened(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return ""
