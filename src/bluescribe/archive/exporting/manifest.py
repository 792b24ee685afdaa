"""The manifest of an export, beside its files: what is complete, line by line, safe from a kill.

Each line is a JSON list: ``["begin", uid, format]`` before a run is written, ``["claim", uid,
format, path]`` before a file is made for it, ``["done", uid, format, {path: bytes}]`` when its
files are complete, ``["failed", uid, format]`` when they cannot be. A line is one write to a file
that is opened for appending. Workers in other processes write such lines into parts of their own;
see `parts`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from ...errors import BluescribeError
from ...files import Folder, Place, parts_of
from ...files.system import lock_file, read_at

__all__ = ["BusyError", "FolderError", "Manifest", "lines_in"]

logger = logging.getLogger(__name__)


class BusyError(BluescribeError, RuntimeError):
    """Another export is writing into the same folder."""


class FolderError(BluescribeError, OSError):
    """Nothing can be written into the folder of an export."""


class Manifest:
    """The manifest of a folder.

    Parameters
    ----------
    folder
        Where the export goes; made when missing. Paths in the manifest are relative to it.

    Raises
    ------
    FolderError
        It cannot be made, or nothing can be written there.
    """

    name: ClassVar[str] = ".bluescribe-export"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        try:
            self.path, self._fd = self._opened(folder)
        except OSError as error:
            cause = "it is a file" if folder.is_file() else error.strerror or error
            raise FolderError(
                f"cannot write into {folder}: {cause}. Give another folder for the files"
            ) from None
        self.done: dict[tuple[str, str], dict[str, int]] = {}
        """The files of complete runs, by uid and format."""
        self._claimed: dict[tuple[str, str], list[str]] = {}
        self._sizes: dict[str, int] = {}
        """Bytes of each file when the latest run in it was complete."""
        self._main: dict[str, dict[str, None]] = {}
        """The main files of each format, in the order in which they were begun."""
        self._unfinished: set[tuple[str, str]] = set()
        self._folders: dict[Path, str] = {}
        """Folders of files, relative to this one."""
        self._read()

    def lock(self) -> None:
        """Keep other exports out of the folder until `close`.

        Raises
        ------
        BusyError
            Another export is there.
        """
        try:
            lock_file(self._fd)
        except BlockingIOError:
            raise BusyError(
                f"another export is writing into {self.folder}: wait for it, or give another folder"
            ) from None
        except OSError as error:  # a file system without locks
            logger.info("%s cannot be locked: %s", self.path, error)

    def close(self) -> None:
        """Unlock the folder for other exports."""
        os.close(self._fd)

    def append(self, lines: Iterable[list[Any]]) -> None:
        """Take the lines of a part, all in one write."""
        taken = list(lines)
        for kind, uid, name, *rest in taken:
            self._take(kind, (uid, name), *rest)
        self._write(*taken)

    def begin(self, uid: str, name: str) -> None:
        """Note that a run will be written now."""
        self._write(["begin", uid, name])

    def claim(self, uid: str, name: str, path: Path) -> None:
        """Note a file of a run, before it is made."""
        self._write(["claim", uid, name, self._relative(path)])

    def finish(self, uid: str, name: str, files: Iterable[Path]) -> None:
        """Note that a run is complete in a format."""
        sizes = {self._relative(path): path.stat().st_size for path in files}
        self._write(["done", uid, name, sizes])

    def fail(self, uid: str, name: str) -> None:
        """Note that a run cannot be completed in a format."""
        self._write(["failed", uid, name])

    def is_done(self, uid: str, name: str, *, shares: bool) -> bool:
        """Return whether a run is complete in a format, and its files are still as they were.

        Parameters
        ----------
        uid, name
            The run and the format.
        shares
            Whether runs that came later may have made the file longer.
        """
        files = self.done.get((uid, name))
        return files is not None and all(
            self._is_kept(path, size, shares=shares) for path, size in files.items()
        )

    def files(self, uid: str, name: str) -> list[Path]:
        """Return the files of a run that is complete."""
        return [self.folder / path for path in self.done[uid, name]]

    def shared_sizes(self, name: str) -> dict[str, int]:
        """Return the files of a format that take several runs, and their bytes, by path."""
        return {path: self._sizes[path] for path in self._main.get(name, ())}

    def clear_away(self, uid: str, name: str) -> None:
        """Delete the files of a run that was being written when an earlier export was killed."""
        claimed = self._claimed.pop((uid, name), [])
        kept = {path for files in self.done.values() for path in files} if claimed else set()
        for path in claimed:
            place = self.folder / path
            if path in kept or not self._is_inside(place):
                continue
            if place.is_file() and not place.is_symlink():
                logger.info("%s: deleting the half of a run, which is written again", place)
                place.unlink()
            for part in parts_of(place) if place.parent.is_dir() else ():
                part.unlink()

    def shared_files(self, name: str) -> list[Path]:
        """Return the files of a format that take several runs, without half a run at their ends.

        There may be one in each folder, in the order in which they were begun.
        """
        is_cut = any(format_name == name for _, format_name in self._unfinished)
        found = []
        for path in self._main.get(name, ()):
            place = self.folder / path
            if not (place.is_file() and self._is_inside(place)):
                continue
            if is_cut and place.stat().st_size > self._sizes[path]:
                logger.info("%s: cutting off the half of a run, which is written again", place)
                with Place.at(place).open("r+b") as file:
                    file.truncate(self._sizes[path])
            found.append(place)
        return found

    def _is_inside(self, place: Path) -> bool:
        """Return whether a file is in the folder: a damaged manifest must lead nowhere else."""
        return place.resolve().is_relative_to(self.folder)

    def _is_kept(self, path: str, size: int, *, shares: bool) -> bool:
        try:
            found = (self.folder / path).stat().st_size
        except OSError:
            return False
        return found >= size if shares else found == size

    def _relative(self, path: Path) -> str:
        folder = self._folders.get(path.parent)
        if folder is None:
            folder = os.path.relpath(path.parent.resolve(), self.folder)
            self._folders[path.parent] = folder
        return path.name if folder == "." else f"{folder}{os.sep}{path.name}"

    def _opened(self, out: Path) -> tuple[Path, int]:
        place = Place(Folder.made(out), self.name)
        return place.path, place.open_to_append()

    def _line(self, line: list[Any]) -> bytes:
        return json.dumps(line).encode() + b"\n"

    def _write(self, *lines: list[Any]) -> None:
        text = b"".join(map(self._line, lines))
        try:
            while text:  # a disk that gets full takes a part, and refuses the rest
                text = text[os.write(self._fd, text) :]
        except OSError as error:
            raise FolderError(
                f"cannot write to {self.path}: {error.strerror or error}. Mend that, and export "
                "again with --resume: what is complete is left alone"
            ) from error

    def _read(self) -> None:
        for kind, uid, name, *rest in lines_in(self.path.read_bytes()):
            self._take(kind, (uid, name), *rest)
        size = self.path.stat().st_size
        if size and read_at(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def _take(self, kind: str, key: tuple[str, str], *rest: Any) -> None:
        if kind == "begin":
            self._unfinished.add(key)
        elif kind == "failed":
            self._unfinished.discard(key)
        elif kind == "claim":
            self._claimed.setdefault(key, []).append(rest[0])
        elif kind == "done":
            self.done[key] = rest[0]
            self._sizes |= rest[0]
            self._unfinished.discard(key)
            for path in list(rest[0])[:1]:
                self._main.setdefault(key[1], {})[path] = None


def lines_in(text: bytes) -> Iterator[list[Any]]:
    """Yield the lines of a manifest or a part, without one that is torn."""
    for line in text.split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:  # the last line, torn, or the empty end
            continue
        if isinstance(found, list) and len(found) > 2:
            yield found
