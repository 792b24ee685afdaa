"""Modes and group of new folders and files, where FOLDER_MODE, FILE_MODE or GROUP set them.

What they do not set is the system's: the umask or the default ACL of the folder above decides, and
a folder with the setgid bit passes on group and bit.
"""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .system import HAS_FOLDER_FDS, SAFELY, change_mode, change_owner, module, user_id

__all__ = [
    "SYSTEM_RIGHTS",
    "Rights",
    "group_id",
    "group_word",
    "parse_mode",
    "take_after",
]

logger = logging.getLogger(__name__)

_grp = module("grp")

_NO_GROUP = 2**32 - 1
"""What the system takes for "leave it as it is"."""

_ACL, _DEFAULT_ACL = "system.posix_acl_access", "system.posix_acl_default"


@dataclass(frozen=True, slots=True)
class Rights:
    """Modes and group of new folders and files; None leaves them to the system."""

    folder_mode: int | None = None
    file_mode: int | None = None
    group: int | None = None

    def give_folder(self, path: Path) -> None:
        """Give a folder that we have just made its group and mode."""
        if self.folder_mode is None and self.group is None:
            return
        if not HAS_FOLDER_FDS:  # folders have no modes there
            return
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | SAFELY)
        try:
            kept = os.fstat(fd).st_mode & stat.S_ISGID  # of the folder above
            self._give(fd, None if self.folder_mode is None else self.folder_mode | kept, path)
        finally:
            os.close(fd)

    def give_file(self, fd: int, path: Path) -> None:
        """Give a file that we have just made its group and mode."""
        if self.file_mode is not None or self.group is not None:
            self._give(fd, self.file_mode, path)

    def _give(self, fd: int, mode: int | None, path: Path) -> None:
        """Change the group, then the mode, as the system drops bits with a group."""
        try:
            mode = os.fstat(fd).st_mode & 0o7777 if mode is None else mode
            if self.group is not None:
                change_owner(fd, -1, self.group)
            change_mode(fd, mode)
        except OSError as error:  # as on a share that has neither; the data come first
            logger.warning(
                "%s: its group or mode cannot be set: %s. It is written all the same; others may "
                "be shut out of it. Remedy: leave GROUP, FOLDER_MODE and FILE_MODE away there, or "
                "have a default ACL set on the folder above.",
                path,
                error.strerror,
            )


SYSTEM_RIGHTS = Rights()
"""Nothing is set: the umask, or the folder above, decides."""


def take_after(fd: int, old: os.stat_result, old_path: Path) -> None:
    """Give a file owner, group, mode and ACL of the one whose place it takes, as far as we may."""
    new = os.fstat(fd)
    if new.st_uid != old.st_uid:
        with suppress(OSError):  # root's
            change_owner(fd, old.st_uid, -1)
    if new.st_gid != old.st_gid:
        with suppress(OSError):  # of a group that we are not in
            change_owner(fd, -1, old.st_gid)
    if (new.st_mode ^ old.st_mode) & 0o777:
        with suppress(OSError):
            change_mode(fd, old.st_mode & 0o777)
    with suppress(OSError, AttributeError):  # has none; a system without
        os.setxattr(fd, _ACL, os.getxattr(old_path, _ACL, follow_symlinks=False))


def parse_mode(value: object, *, needed: int) -> int:
    """Return a mode as ``chmod`` takes it: text such as ``"2775"``, or a number.

    YAML reads 0664 as octal and 664 as decimal, and both are meant as 664: of a number, that
    reading is taken in which the owner can work.

    Parameters
    ----------
    value
        What was given.
    needed
        Bits of the owner without which nothing can be written.

    Raises
    ------
    ValueError
        It is no mode, or nobody could write.
    """
    most = 0o3777 if needed & stat.S_IXUSR else 0o777
    digits = str(value).strip().lower().removeprefix("0o")
    readings = {int(digits, 8)} if digits.isdigit() and not set(digits) & set("89") else set()
    if isinstance(value, int) and not isinstance(value, bool):
        readings.add(value)
    good = {mode for mode in readings if 0 <= mode <= most and mode & needed == needed}
    if len(good) != 1:
        example = "2775" if needed & stat.S_IXUSR else "664"
        raise ValueError(
            f'a mode as chmod has it is needed, with which the owner can write, such as "{example}"'
        )
    return good.pop()


def group_id(value: object) -> int:
    """Return the number of a group that this user may give files to.

    Raises
    ------
    ValueError
        There is no such group, or the user is not in it.
    """
    try:
        number = _group_number(value) if isinstance(value, str) else int(str(value))
    except (KeyError, ValueError):
        raise ValueError("there is no such group on this machine") from None
    if not 0 <= number < _NO_GROUP:
        raise ValueError("no group has that number")
    if user_id() != 0 and number not in {os.getegid(), *os.getgroups()}:
        raise ValueError("this user is not in that group, and cannot give files to it")
    return number


def group_word(folder: Path, rights: Rights) -> str:
    """Return a warning if a group shares a folder but could not write to what is made in it.

    Parameters
    ----------
    folder
        The folder of the files, which may not exist yet.
    """
    for above in (folder, *folder.parents):
        try:
            found = above.stat()
        except OSError:
            continue
        shared = stat.S_ISGID | stat.S_IWGRP
        if found.st_mode & shared != shared or _has_default_acl(above):
            return ""
        modes = (rights.folder_mode, 0o777), (rights.file_mode, 0o666)
        made = [full & ~_umask() if mode is None else mode for mode, full in modes]
        if all(mode & stat.S_IWGRP for mode in made):
            return ""
        return (
            f"{above} is shared by the group {_group_name(found.st_gid)}, which could not write to "
            f"what this session makes there (umask {_umask():03o}). Remedy: FOLDER_MODE: "
            '"2775" and FILE_MODE: "664" in DATA_FILES, or umask 002 before the session starts.'
        )
    return ""


def _has_default_acl(folder: Path) -> bool:
    try:
        return bool(os.getxattr(folder, _DEFAULT_ACL))
    except (OSError, AttributeError):
        return False


def _group_number(name: str) -> int:
    if _grp is None:
        raise KeyError(name)
    return int(_grp.getgrnam(name).gr_gid)


def _group_name(number: int) -> str:
    try:
        return str(_grp.getgrgid(number).gr_name) if _grp else str(number)
    except KeyError:
        return str(number)


def _umask() -> int:
    """Return the umask; where the system does not tell, it is set for an instant to learn it."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    now = os.umask(0o077)
    os.umask(now)
    return now
