"""A folder as it was when a run began: the same one by device and inode, whatever its path says."""

from __future__ import annotations

import errno
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from .claims import Claims
from .rights import SYSTEM_RIGHTS, Rights, take_after
from .system import CLOSED, HAS_FOLDER_FDS, SAFELY, refuse_link

__all__ = ["Folder", "MovedFolderError"]

logger = logging.getLogger(__name__)

_CREATE = os.O_CREAT | os.O_EXCL


class MovedFolderError(FileNotFoundError):
    """The path of a folder leads to another one by now; the folder itself is not to be found."""


class Folder:
    """A directory that is held open, so that files are made and found in it and nowhere else.

    The working directory may change, a link on the way may be pointed elsewhere, the folder may be
    renamed and another one be put in its place: names are looked up in the folder itself.

    Parameters
    ----------
    path
        The folder. Links on the way are followed once, here.

    Raises
    ------
    OSError
        There is no such folder, or it cannot be looked into.
    """

    def __init__(
        self, path: Path, rights: Rights = SYSTEM_RIGHTS, claims: Claims | None = None
    ) -> None:
        self._fd = -1
        self._rights = rights
        self.claims = claims or Claims()
        """Callbacks for the files that runs make here."""
        self.path = path.resolve(strict=True)
        """Absolute, without links: where it was when it was last looked for."""
        if HAS_FOLDER_FDS:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | CLOSED)
        self._begun = self.path.stat()

    @classmethod
    def made(
        cls, path: Path, rights: Rights = SYSTEM_RIGHTS, claims: Claims | None = None
    ) -> Folder:
        """Return a folder, made with those above it where it is missing.

        Parameters
        ----------
        path
            The folder.
        rights
            What is given to the folders that are made, and to the files that are made in it.
        claims
            Callbacks for the files that runs make in it.

        Raises
        ------
        OSError
            It cannot be made.
        """
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            try:
                folder.mkdir()
            except FileExistsError:  # another writer was first
                if not folder.is_dir():
                    raise
            else:
                rights.give_folder(folder)
        if not missing:
            path.mkdir(exist_ok=True)  # raises where it is a file
        return cls(path, rights, claims)

    def __del__(self) -> None:
        """Close the directory."""
        if self._fd >= 0:
            with suppress(OSError):
                os.close(self._fd)

    def __repr__(self) -> str:
        """Name the path."""
        return f"Folder({str(self.path)!r})"

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: no other folder has the same ones while this one is held."""
        status = self._held()
        return status.st_dev, status.st_ino

    def found(self) -> Path:
        """Return a path that leads into the folder right now, for what takes names only.

        Raises
        ------
        MovedFolderError
            There is none: another folder has its path, or its mount is gone.
        """
        if self._is_at(self.path):
            return self.path
        now = self._present_path()
        if now is None or not self._is_at(now):
            words = (
                "this path leads to another folder than when the run began, or to none. Nothing "
                "is written there"
            )
            raise MovedFolderError(errno.ENOENT, words, str(self.path))
        logger.warning(
            "%s is called %s now; files that were begun in it stay there", self.path, now
        )
        self.path = now
        return now

    def open(self, name: str, flags: int) -> int:
        """Open a file of the folder, not through a link; return its descriptor.

        Raises
        ------
        OSError
            It is not there, is a link, or cannot be opened.
        """
        if flags & os.O_CREAT:
            with suppress(FileExistsError):
                return self.create(name, flags)
        return self._open(name, flags & ~os.O_CREAT | SAFELY)

    def create(self, name: str, flags: int = os.O_RDWR) -> int:
        """Make a file that was not there and open it; return its descriptor.

        Raises
        ------
        FileExistsError
            Something has that name, a link included.
        OSError
            The folder cannot be written.
        """
        fd = self._open(name, flags | _CREATE | SAFELY)
        self._rights.give_file(fd, self.path / name)
        return fd

    def rename(self, name: str, to: str) -> None:
        """Rename a file in the folder, in the place of one that has the new name.

        Owner, group, mode and ACL of the replaced file are kept, as far as this user may.

        Raises
        ------
        OSError
            It is not there, or the folder cannot be written.
        """
        self._keep_rights(name, to)
        try:
            self._rename(name, self, to)
        except OSError as error:
            raise self._named(error, name) from None

    def move(self, name: str, folder: Folder, to: str) -> None:
        """Give a file a name that nothing has, in this folder or another one.

        Raises
        ------
        FileExistsError
            Something has that name.
        OSError
            It is not there, or a folder cannot be written, or they are on two disks.
        """
        os.close(folder.create(to))  # an empty file of ours, which the other one replaces
        try:
            self._rename(name, folder, to)
        except OSError as error:
            folder.remove(to)
            raise self._named(error, name) from None

    def remove(self, name: str) -> None:
        """Remove a file, or a link and not what it leads to.

        Raises
        ------
        OSError
            It is not there, or the folder cannot be written.
        """
        try:
            if HAS_FOLDER_FDS:
                os.unlink(name, dir_fd=self._fd)
            else:
                self._whole(name).unlink()
        except OSError as error:
            raise self._named(error, name) from None

    def sync(self) -> None:
        """Bring the list of files in the folder to the disk.

        Raises
        ------
        OSError
            The file system cannot.
        """
        if HAS_FOLDER_FDS:  # elsewhere the system sees to it
            os.fsync(self._fd)

    def stat(self, name: str) -> os.stat_result:
        """Return what the system says of a file, or of a link and not of what it leads to.

        Raises
        ------
        FileNotFoundError
            Nothing has that name.
        """
        try:
            if HAS_FOLDER_FDS:
                return os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            return self._whole(name).lstat()
        except OSError as error:
            raise self._named(error, name) from None

    def _keep_rights(self, name: str, to: str) -> None:
        """Give a file the rights of the one whose name it gets."""
        with suppress(OSError):  # there is none, or it is not ours
            old = self.stat(to)
            if stat.S_ISREG(old.st_mode):
                fd = self.open(name, os.O_RDONLY)
                try:
                    take_after(fd, old, self.path / to)
                finally:
                    os.close(fd)

    def _open(self, name: str, flags: int) -> int:
        try:
            if HAS_FOLDER_FDS:
                return os.open(name, flags, 0o666, dir_fd=self._fd)
            refuse_link(self._whole(name))
            return os.open(self._whole(name), flags, 0o666)
        except OSError as error:
            raise self._named(error, name) from None

    def _rename(self, name: str, folder: Folder, to: str) -> None:
        if HAS_FOLDER_FDS:
            os.rename(name, to, src_dir_fd=self._fd, dst_dir_fd=folder._fd)
        else:
            self._whole(name).replace(folder._whole(to))

    def _whole(self, name: str) -> Path:
        """Return the path of a file, for systems that look no names up in a folder.

        Raises
        ------
        MovedFolderError
            The folder has another path by now.
        """
        return self.found() / name

    def _held(self) -> os.stat_result:
        """Return what the system says of the folder, or said when it was found."""
        return os.fstat(self._fd) if HAS_FOLDER_FDS else self._begun

    def _named(self, error: OSError, name: str) -> OSError:
        """Return an error of the same kind that has the whole path of the file."""
        return OSError(error.errno, error.strerror, str(self.path / name))

    def _present_path(self) -> Path | None:
        """Return what the system calls the folder now, where it tells: Linux does."""
        try:
            return Path(f"/proc/self/fd/{self._fd}").readlink()
        except OSError:
            return None

    def _is_at(self, path: Path) -> bool:
        """Return whether a path leads into the folder.

        Some network file systems number a folder anew now and then; the system still knows where
        it is.
        """
        try:
            here, there = self._held(), path.stat()
        except OSError:
            return False
        if here.st_dev != there.st_dev:
            return False
        return here.st_ino == there.st_ino or self._present_path() == path
