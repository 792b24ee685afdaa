"""Hashes of all files of a folder, in the form that ``sha256sum -c`` checks, too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NAME", "Verdict", "verify", "write_sums"]

NAME = "SHA256SUMS"


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
    lines = [f"{_hash(folder / name)}  {name}\n" for name in _names(folder)]
    path = folder / NAME
    path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return path


def verify(folder: str | Path) -> Verdict:
    """Compare the files of a pack with the hashes that it brought.

    Parameters
    ----------
    folder
        The pack.

    Raises
    ------
    FileNotFoundError
        It has no hashes.
    """
    folder = Path(folder)
    text = (folder / NAME).read_text(encoding="utf-8", errors="surrogateescape")
    sums = {name: digest for digest, _, name in (s.partition("  ") for s in text.splitlines())}
    found = set(_names(folder))
    missing = tuple(name for name in sums if name not in found)
    changed = tuple(name for name in sums if name in found and _hash(folder / name) != sums[name])
    return Verdict(len(sums), missing, changed, tuple(sorted(found - sums.keys())))


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in files if p != folder / NAME)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
