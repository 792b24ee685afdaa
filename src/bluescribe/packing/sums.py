"""Hashes of all files of a folder, in the form that ``sha256sum -c`` checks, too."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import BluescribeError

__all__ = [
    "NAME",
    "PackError",
    "Verdict",
    "top_folder",
    "verify",
    "write_sums",
    "zip_file",
]

NAME = "SHA256SUMS"


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

    lines = [f"{_hash(opened, name)}  {name}\n" for name in _names(folder)]
    path = folder / NAME
    path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return path


def verify(place: str | Path) -> Verdict:
    """Compare the files of a pack with the hashes that it brought.

    Parameters
    ----------
    place
        The pack, or a zip file, which is not unpacked.

    Raises
    ------
    PackError
        There is no pack with hashes.
    """
    place = Path(place).expanduser()
    if not place.is_file():
        return _compare(place, _names(place), lambda name: (place / name).open("rb"))
    with zip_file(place) as file:
        top = top_folder(file, place) + "/"
        names = [name.removeprefix(top) for name in file.namelist() if not name.endswith("/")]
        found = [name for name in names if name != NAME]
        return _compare(place, found, lambda name: file.open(top + name))


def _compare(place: Path, names: list[str], opened: Callable[[str], IO[bytes]]) -> Verdict:
    try:
        with opened(NAME) as file:
            text = file.read().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError, KeyError):
        why = f"it has no {NAME}" if place.exists() else "no such file or folder"
        raise PackError(f"{place} is no pack of bluescribe: {why}") from None
    sums = {name: digest for digest, _, name in (s.partition("  ") for s in text.splitlines())}
    found = set(names)
    missing = tuple(name for name in sums if name not in found)
    changed = tuple(n for n in sums if n in found and _hash(opened, n) != sums[n])
    return Verdict(len(sums), missing, changed, tuple(sorted(found - sums.keys())))


def zip_file(path: Path) -> zipfile.ZipFile:
    """Open a zip file.

    Raises
    ------
    PackError
        It is none, or not all of it is there.
    """
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise PackError(f"{path} is no pack, or only part of one: {error}") from None


def top_folder(file: zipfile.ZipFile, path: Path) -> str:
    """Return the name of the one folder that a zip file of ours holds.

    Raises
    ------
    PackError
        It holds something else, so that it is none of ours.
    """
    names = file.namelist()
    for name in names:
        if name.startswith("/") or ".." in name.split("/") or "\\" in name:
            raise PackError(f"{path} is no pack of bluescribe: {name!r} leads out of it")
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1:
        raise PackError(f"{path} is no pack of bluescribe: it holds {len(tops)} things, not one")
    top = tops.pop()
    if f"{top}/{NAME}" not in names:
        raise PackError(f"{path} is no pack of bluescribe: it has no {NAME}")
    return top


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in files if p != folder / NAME)


def _hash(opened: Callable[[str], IO[bytes]], name: str) -> str:
    """Return the hash of a file; nothing of one that its zip file cannot give."""
    try:
        with opened(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error):
        return ""
