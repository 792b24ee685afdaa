"""A file by its folder and its name; it is made, opened and replaced in that folder only."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from .folder import Folder
from .run_names import is_part_of, name_of_part
from .system import UNBLOCKED, change_mode
from .unneeded import remove_unneeded

__all__ = ["Place", "part_beside", "part_of", "parts_of", "replacing"]

_COPIED_BYTES = 1 << 18
"""At once."""

_FLAGS = {"rb": os.O_RDONLY, "r+b": os.O_RDWR, "xb": os.O_RDWR}


@dataclass(frozen=True, slots=True)
class Place(os.PathLike[str]):
    """Where a file is, or will be.

    What opens files by their names, as h5py does, can be given a place: it gets a path that was
    found to lead into the folder at that moment.
    """

    folder: Folder
    name: str

    @classmethod
    def at(cls, path: Path) -> Place:
        """Return the place of a path whose folder exists.

        Raises
        ------
        OSError
            There is no such folder.
        """
        return cls(Folder(path.parent), path.name)

    @property
    def path(self) -> Path:
        """Absolute path, as it was when the folder was last looked for; for messages."""
        return self.folder.path / self.name

    @property
    def parent(self) -> Path:
        """Absolute path of the folder."""
        return self.folder.path

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePath(self.name).stem

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return PurePath(self.name).suffix

    def __fspath__(self) -> str:
        """Return a path that leads into the folder right now, to what is no link.

        Raises
        ------
        MovedFolderError
            There is none.
        OSError
            A link has the name: who opens it would be led elsewhere.
        """
        path = self.folder.found() / self.name
        if path.is_symlink():
            raise OSError(errno.ELOOP, "a link stands where the file was to be", str(path))
        return str(path)

    def __str__(self) -> str:
        """Return the path, for messages."""
        return str(self.path)

    def relative_to(self, folder: Path) -> Path:
        """Return its path as it is called from a folder above it."""
        return self.path.relative_to(folder)

    def with_name(self, name: str) -> Place:
        """Return another place in the same folder."""
        return Place(self.folder, name)

    def exists(self) -> bool:
        """Return whether something has the name, a link that leads nowhere included."""
        try:
            self.folder.stat(self.name)
        except OSError:
            return False
        return True

    def size(self) -> int:
        """Return the bytes of the file.

        Raises
        ------
        OSError
            It is not there.
        """
        return self.folder.stat(self.name).st_size

    def create(self) -> None:
        """Make an empty file that was not there.

        Raises
        ------
        FileExistsError
            Something has that name.
        OSError
            The folder cannot be written. Nothing is left behind.
        """
        fd = self.folder.create(self.name)
        try:
            os.close(fd)
        except OSError:  # a quota, which some file systems tell of here
            remove_unneeded(self)
            raise

    def new_part(self) -> Place:
        """Make an empty file beside this one, by a name that nobody can foresee.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        self.folder.found()  # a file that nobody finds is of no use
        part = self.with_name(name_of_part(self.name))
        part.create()
        return part

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the file, not through a link: ``rb``, ``r+b``, or ``xb`` for a new one.

        Raises
        ------
        OSError
            It is not there, is a link, or cannot be opened.
        """

        def opener(name: str, _: int) -> int:
            make = self.folder.create if mode == "xb" else self.folder.open
            return make(name, _FLAGS[mode])

        return cast(BinaryIO, open(self.name, mode, opener=opener))  # in its folder

    def open_to_append(self) -> int:
        """Open a file that only grows, made where it is missing; return its descriptor.

        Raises
        ------
        OSError
            Something else has the name: a link, no ordinary file, or one that has a second name
            somewhere else.
        """
        flags = os.O_RDWR | os.O_APPEND
        try:
            return self.folder.create(self.name, flags)
        except FileExistsError:
            fd = self.folder.open(self.name, flags | UNBLOCKED)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(fd)
            words = "this is no file of ours: it has another name, too, or is no ordinary file"
            raise OSError(errno.EPERM, words, str(self))
        return fd

    def move(self, place: Place) -> None:
        """Give the file a name that nothing has.

        Raises
        ------
        FileExistsError
            Something has that name.
        OSError
            It is not there, or a folder cannot be written.
        """
        self.folder.move(self.name, place.folder, place.name)

    def replace(self, place: Place) -> None:
        """Rename the file within its folder, in the place of one that has the new name.

        Raises
        ------
        OSError
            It is not there, or the folder cannot be written.
        """
        self.folder.rename(self.name, place.name)

    def copy_into(self, part: Place) -> None:
        """Copy the content of the file, and its mode, into another one that exists.

        Raises
        ------
        OSError
            One cannot be opened, or the disk refused.
        """
        with self.open() as old, part.open("r+b") as new:
            shutil.copyfileobj(old, new, _COPIED_BYTES)
            change_mode(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))

    def sync(self) -> None:
        """Bring the content of the file to the disk.

        Raises
        ------
        OSError
            The disk refused.
        """
        with self.open() as file:
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Remove the file, or a link and not what it leads to.

        Raises
        ------
        OSError
            It is not there, or the folder cannot be written.
        """
        self.folder.remove(self.name)


@contextmanager
def part_beside(place: Place) -> Iterator[Place]:
    """Make an empty file beside a place, and remove it when the block ends, unless it was moved.

    Its name cannot be foreseen: nobody can put a link there. `parts_of` finds it after a crash.

    Raises
    ------
    OSError
        The disk refused.
    """
    part = place.new_part()
    try:
        yield part
    finally:
        remove_unneeded(part)


@contextmanager
def part_of(place: Place) -> Iterator[Place]:
    """Make an empty file beside a place; it goes there when the block ends well.

    Raises
    ------
    OSError
        The disk refused; what is in the place is untouched.
    """
    with part_beside(place) as part:
        yield part
        part.replace(place)


def parts_of(path: Path) -> list[Path]:
    """Return what `part_beside` made for a path and a crash has left."""
    found = [part for part in path.parent.iterdir() if is_part_of(path.name, part.name)]
    return [part for part in found if part.is_file() and not part.is_symlink()]


@contextmanager
def replacing(place: Place) -> Iterator[BinaryIO]:
    """Write a file anew beside it; when the block ends well, it takes the old one's place.

    Raises
    ------
    OSError
        The disk refused; the old file is untouched.
    """
    with part_of(place) as part, part.open("r+b") as new:
        yield new
