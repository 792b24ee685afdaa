"""Outbox: a folder of entries that are still to be delivered. It outlives the process."""

from __future__ import annotations

import itertools
import json
import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..files import Place, replacing
from ..files.system import lock_file
from ..files.working_directory import working_directory
from ..files.write_lock import NO_LOCKS

__all__ = ["Entry", "Outbox", "default_folder"]

logger = logging.getLogger(__name__)

_REFUSED = "refused"
_NUMBERS = itertools.count(1)


def default_folder(name: str) -> Path:
    """Return the default folder of a delivery's outbox, as XDG has it."""
    state = os.environ.get("XDG_STATE_HOME", "")
    home = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    return home / "bluescribe" / name


@dataclass
class Entry:
    """One entry of an outbox, such as the files of a run."""

    path: Path
    """Its file in the outbox."""
    run: str
    """Name of the run in messages."""
    content: dict[str, Any]
    """All that is needed to deliver it, as JSON values."""


class Outbox:
    """Entries to be delivered, a JSON file each, in the order in which they came.

    Several processes may put entries into the same folder; the one that has the lock delivers.

    Parameters
    ----------
    folder
        Where the files are; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = working_directory() / folder
        self._lock = -1

    @property
    def refused_folder(self) -> Path:
        """The folder for entries that cannot be delivered as they are."""
        return self.folder / _REFUSED

    def put(self, run: str, content: dict[str, Any]) -> Entry:
        """Write an entry.

        Raises
        ------
        OSError
            The disk refused.
        """
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(_NUMBERS)}.json"
        entry = Entry(self.folder / name, run, content)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.save(entry)
        return entry

    def save(self, entry: Entry) -> None:
        """Write an entry again, with what was noted in its content.

        Raises
        ------
        OSError
            The disk refused; the entry is as it was.
        """
        _write(entry.path, {"run": entry.run, "content": entry.content})

    def paths(self) -> list[Path]:
        """Return the files of all entries, oldest first; none where the folder cannot be read."""
        return _entries(self.folder)

    def refused(self) -> list[Path]:
        """Return the files of the entries that were moved aside."""
        return _entries(self.refused_folder)

    def read(self, path: Path) -> Entry | None:
        """Return an entry; None when it is gone, or damaged: then it is moved aside and logged.

        Raises
        ------
        OSError
            It cannot be read.
        """
        try:
            told = json.loads(path.read_bytes())
            if not isinstance(told["content"], dict):
                raise TypeError("content is no object")
            return Entry(path, str(told["run"]), told["content"])
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError) as error:
            if path.parent == self.refused_folder:
                return None  # it was told when it was set aside
            kept = self._move(path)
            logger.error(  # noqa: TRY400  # where it broke says nothing to its owner
                "%s is no entry of an outbox: %r. It is kept as %s; mend it and move it back to "
                "have it delivered. The others are delivered.",
                path,
                error,
                kept,
            )
            return None

    def remove(self, entry: Entry) -> None:
        """Remove an entry that is delivered.

        Raises
        ------
        OSError
            The disk refused.
        """
        entry.path.unlink(missing_ok=True)

    def refuse(self, entry: Entry, cause: str) -> Path:
        """Move an entry aside, with the cause in it; return where it is now.

        Raises
        ------
        OSError
            The disk refused.
        """
        when = datetime.now().astimezone().isoformat(timespec="seconds")
        told = {"run": entry.run, "content": entry.content, "refused": cause, "at": when}
        _write(entry.path, told)
        return self._move(entry.path)

    def lock(self) -> bool:
        """Become the process that delivers, until `unlock` or the end of the process.

        Returns
        -------
        bool
            False while another process is; where the file system has no locks, always True.

        Raises
        ------
        OSError
            The folder cannot be made or written.
        """
        if self._lock >= 0 and os.fstat(self._lock).st_nlink:
            return True
        self.unlock()  # somebody removed the folder
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = Place.at(self.folder / ".lock").open_to_append()
        try:
            lock_file(lock)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                os.close(lock)
                if isinstance(error, BlockingIOError):
                    return False
                raise
        self._lock = lock
        return True

    def unlock(self) -> None:
        """Let another process deliver; in a forked child, the parent keeps the lock."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _move(self, path: Path) -> Path:
        """Move a file aside, under a name that is free."""
        self.refused_folder.mkdir(parents=True, exist_ok=True)
        kept = self.refused_folder / path.name
        Place.at(path).move(Place.at(kept))
        return kept


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    return []


def _write(path: Path, told: dict[str, Any]) -> None:
    with replacing(Place.at(path)) as new:
        new.write(json.dumps(told, indent=1).encode() + b"\n")
