"""Folders for files, looked at before any beam: those that cannot be made or written are told."""

from __future__ import annotations

import errno
import logging
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from ..errors import DirectoryError
from ..files.remedies import remedy
from ..files.run_paths import fixed_part
from ..files.working_directory import working_directory
from .settings import WriterSettings

__all__ = ["check_folders", "existing_part", "known_folder", "refusals"]

logger = logging.getLogger(__name__)

_SECONDS = 5.0
"""How long folders are waited for: one on a server that is away may never answer."""


class NoAnswerError(TimeoutError):
    """A folder's file server was asked, and has not answered yet."""


def check_folders(folders: Iterable[tuple[str, Path]]) -> None:
    """Refuse folders in which no file could be made.

    Nothing is left behind, and no folder is made.

    Parameters
    ----------
    folders
        What is to be written, and where.

    Raises
    ------
    DirectoryError
        It names each folder, what is to go there, and what is wrong.
    """
    wanted: dict[Path, list[str]] = {}
    for name, folder in folders:
        wanted.setdefault(working_directory() / folder, []).append(name)
    found = refusals(wanted)
    for folder in [folder for folder, error in found.items() if isinstance(error, NoAnswerError)]:
        del found[folder]  # it may come back; what is written there waits for it
        logger.warning(
            "%s does not answer for %.0f s: is its file server away? What is written there "
            "waits for it",
            folder,
            _SECONDS,
        )
    lines = [
        f"{folder} ({', '.join(wanted[folder])}): {error.strerror}; {remedy(error, [])}"
        for folder, error in found.items()
    ]
    if lines:
        raise DirectoryError("\n".join(["files could not be written here:", *lines]))


def known_folder(settings: WriterSettings) -> Path:
    """Return the folder for a format's files, down to the first that depends on the run."""
    template = settings.directory / Path(settings.file_name).parent
    return Path(fixed_part(str(template)).replace("{{", "{").replace("}}", "}"))


def refusals(wanted: Iterable[Path]) -> dict[Path, OSError]:
    """Try all folders at the same time; return what those say that refuse, in their order.

    One that does not answer in time has a `NoAnswerError`.
    """
    wanted = list(wanted)
    late: dict[Path, OSError] = {}
    found: dict[Path, OSError] = {}
    threads = {
        folder: threading.Thread(target=_try, args=(folder, found), daemon=True)
        for folder in wanted
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + _SECONDS
    for folder, thread in threads.items():
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            words = f"it does not answer for {_SECONDS:.0f} s: is its file server away?"
            late[folder] = NoAnswerError(errno.ETIMEDOUT, words)
    refused = {**found, **late}
    return {folder: refused[folder] for folder in wanted if folder in refused}


def existing_part(folder: Path) -> Path:
    """Return the folder, or the one above it in which it will be made."""
    while True:
        try:
            folder.lstat()
        except (FileNotFoundError, NotADirectoryError):
            folder = folder.parent
        else:
            return folder


def _try(folder: Path, found: dict[Path, OSError]) -> None:
    try:
        nearest = existing_part(folder)
        if not nearest.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{nearest} is no folder")
        with tempfile.TemporaryFile(dir=nearest):  # has no name where the system can do that
            pass
    except OSError as error:
        found[folder] = error
