"""Folders for files: whether they can be made and written, what their disks can, who sees them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ..config.configuration import WriterConfig
from ..contract.folders import existing_part, refusals
from ..files import scratch_folder
from ..files.mounts import file_system
from ..files.remedies import remedy
from ..files.rights import group_word
from ..files.space import size_text
from ..files.working_directory import working_directory
from .disk import PREFIX, Measured, speed, told_speed
from .subject import Subject
from .verdict import Verdict, failed, ok, warning

__all__ = ["Folders"]


class Folders:
    """The folders for files, and a scratch folder in each, until the stack is closed.

    Parameters
    ----------
    subject
        What is checked.
    stack
        Removes what is made.
    """

    def __init__(self, subject: Subject, stack: ExitStack) -> None:
        self._subject = subject
        self._stack = stack
        self._scratch: dict[Path, Path] = {}
        self._measured: dict[Path, Measured] = {}
        self._refused: dict[Path, OSError] = {}

    def refuses(self, folder: Path) -> bool:
        """Tell whether a folder was found not to be writable: nobody should touch it again."""
        return folder in self._refused

    def scratch_in(self, parent: Path) -> Path:
        """Return the scratch folder in a folder that exists.

        Raises
        ------
        OSError
            It cannot be made.
        """
        if parent not in self._scratch:
            self._scratch[parent] = self._stack.enter_context(scratch_folder(parent, PREFIX))
        return self._scratch[parent]

    def verdicts(self) -> Iterator[Verdict]:
        """Yield what is found of each folder."""
        wanted = self._subject.folders
        boxes = {path: what for what, path in self._subject.configuration.folders}
        outboxes = [path for path in boxes if working_directory() / path not in wanted]
        refused = self._refused = refusals([*wanted, *outboxes])
        for folder in outboxes:
            if folder in refused:
                yield _refusal(f"folder for {boxes[folder]}", folder, refused[folder])
        yield from _files_elsewhere(self._subject)
        for folder, configs in wanted.items():
            what = f"folder for {', '.join(config.name for config in configs)}"
            if folder in refused:
                yield _refusal(what, folder, refused[folder])
            else:
                yield from self._of_one(what, folder, configs)

    def _of_one(self, what: str, folder: Path, configs: list[WriterConfig]) -> Iterator[Verdict]:
        parent = existing_part(folder)
        try:
            measured = self._measure(parent)
        except OSError as error:
            self._refused[folder] = error
            yield _refusal(what, folder, error)
            return
        kind = file_system(parent)
        made = "" if parent == folder else f", which is made in {parent}"
        yield ok(what, f"{folder}{made}: can be written{f' ({kind})' if kind else ''}")
        yield _space(what, folder, configs, measured, self._subject.rate)
        yield told_speed(f"speed of {folder}", measured, self._subject.rate, "DIRECTORY elsewhere")
        yield from _locks(folder, kind, measured)
        for config in configs:
            cause, _, cure = config.settings.unfit_for(kind).partition(". Remedy: ")
            if cause:
                yield warning(f"{config.name} in {folder}", cause, cure)
        yield from _groups(folder, configs)

    def _measure(self, parent: Path) -> Measured:
        """Look at a disk, once for all folders that are made in the same one."""
        if parent not in self._measured:
            self._measured[parent] = speed(self.scratch_in(parent), self._subject.rate)
        return self._measured[parent]


def _files_elsewhere(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict on each file that takes all runs, which is not written to."""
    for config in subject.formats:
        if config.settings.elsewhere is None:
            continue
        path, what = working_directory() / config.settings.elsewhere, f"file for {config.name}"
        refused = refusals([path.parent])
        if refused:
            yield _refusal(what, path, refused[path.parent])
        elif path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
            yield failed(what, f"{path} is no file that can be written", "name another file")
        else:
            yield ok(what, f"{path} can be appended to")


def _refusal(what: str, folder: Path, error: OSError) -> Verdict:
    words = error.strerror or str(error)
    is_late = isinstance(error, TimeoutError)
    cure = "look at the mount and its server" if is_late else remedy(error, [])
    return failed(what, f"{folder}: {words}", cure)


def _space(
    what: str, folder: Path, configs: list[WriterConfig], measured: Measured, rate: int
) -> Verdict:
    low = max(config.settings.low_space for config in configs)
    what = what.replace("folder", "space", 1)
    found = f"{size_text(measured.free)} are free"
    if rate:
        found += f", enough for {measured.free / rate / 3600:.1f} hours at {size_text(rate)}/s"
    if measured.free < low or not measured.free:
        cure = f"free space on the disk of {folder}, or set another DIRECTORY"
        return failed(what, f"{found}, less than LOW_SPACE ({size_text(low)})", cure)
    return ok(what, found)


def _locks(folder: Path, kind: str, measured: Measured) -> Iterator[Verdict]:
    what = f"locks of {folder}"
    if not measured.why_no_locks:
        yield ok(what, "files can be locked")
        return
    found = (
        f"no file can be locked on {kind or 'this disk'} ({measured.why_no_locks}): two sessions "
        "may write one SPEC file, and recover waits an hour before it touches a file"
    )
    cure = "have it mounted with locks (Lustre: flock; NFS: without nolock)"
    yield warning(what, found, cure)


def _groups(folder: Path, configs: list[WriterConfig]) -> Iterator[Verdict]:
    """Tell of a group that is shut out, and of everybody who can look into a group's folder."""
    parent = existing_part(folder)
    for rights in dict.fromkeys(config.settings.rights for config in configs):
        word, _, cure = group_word(folder, rights).partition(" Remedy: ")
        if word:
            yield warning(f"group of {folder}", word, cure)
        found = parent.stat()
        is_of_group = rights.group is not None or found.st_mode & stat.S_ISGID
        is_made_open = parent == folder or (rights.folder_mode or 0o777) & stat.S_IROTH
        if is_of_group and is_made_open and _is_open_to_all(parent):
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            told = f"{parent} (mode {mode}) is of a group, and every user can read what is there"
            yield warning(
                f"readers of {folder}", told, f"chmod o-rwx {parent}, if that is unwanted"
            )


def _is_open_to_all(folder: Path) -> bool:
    """Tell whether somebody who is no user of ours and in no group of ours can list a folder."""
    if os.name != "posix" or not folder.stat().st_mode & stat.S_IROTH:
        return False
    return all(above.stat().st_mode & stat.S_IXOTH for above in (folder, *folder.parents))
