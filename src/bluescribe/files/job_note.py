"""Notes of post-run jobs, such as copying images: ``NAME.owed`` beside a run's file.

A note is made before the file is finished and removed when the job is done. The process that does
the job has the note locked, and the lock ends with the process, however that ends. So the note of a
killed session is unlocked: the next session, or ``bluescribe recover``, takes the job. The note has
all that the job needs, the settings included, and names no file outside its folder.
"""

from __future__ import annotations

import errno
import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from . import Place
from .run_names import OWED, is_note_of
from .run_paths import claim
from .system import lock_file, write_at
from .unneeded import remove_unneeded
from .write_lock import NO_LOCKS, QUIET_SECONDS, Held

__all__ = ["Note", "exact", "notes_of", "restored", "settings_of"]

_VERSION = 1
_KEYS = {"format", "file", "run", "what", "made", "about"}
_ARRAY = "__array__"
_LEVELS = 100
_LARGE = 10**4000
"""Python writes no integer of over 4,300 digits as text."""


class Note(Held):
    """The note of the post-run job of one file, locked: no other process does the job meanwhile.

    Parameters
    ----------
    place
        The note.
    fd
        Its open file, locked where the file system has locks.
    told
        Its content.
    """

    def __init__(self, place: Place, fd: int, told: Mapping[str, Any]) -> None:
        super().__init__(fd)
        self.place = place
        self.told = told

    @classmethod
    def made(
        cls, file: Place, format_name: str, run: str, what: str, about: Mapping[str, Any]
    ) -> Self:
        """Make the note of a file's post-run job.

        Parameters
        ----------
        file
            The file of the run.
        format_name
            The format of the file.
        run
            Name of the run in messages.
        what
            What the job will have done, for messages: "its images are in it".
        about
            All that the format needs to do the work without this process, as JSON has it.

        Raises
        ------
        OSError
            The disk refused; there is no note.
        """
        told = {
            "bluescribe": _VERSION,
            "format": format_name,
            "file": file.name,
            "run": run,
            "what": what,
            "made": time.time(),
            "about": about,
        }
        place = claim(file, OWED, is_told=False)
        try:
            note = cls(place, place.folder.open(place.name, os.O_RDWR), told)
            note._lock()
            note._write()
        except BaseException:
            remove_unneeded(place)
            raise
        return note

    @classmethod
    def taken(cls, place: Place) -> Self | None:
        """Return the note of a killed session, locked; None when it is gone, or is no note.

        Raises
        ------
        BlockingIOError
            Another process has taken it.
        OSError
            It cannot be read or written.
        """
        try:
            note = cls(place, place.folder.open(place.name, os.O_RDWR), {})
        except FileNotFoundError:
            return None
        try:
            if not note._lock():
                raise BlockingIOError(errno.EAGAIN, "another process is at it", str(place))
            if note._is_there():
                note.told = _read(note._fd)
                if note.told:
                    return note
        except BaseException:
            note.release()
            raise
        note.release()
        return None

    @property
    def format(self) -> str:
        """Name of the format."""
        return str(self.told["format"])

    @property
    def run(self) -> str:
        """Name of the run in messages."""
        return str(self.told["run"])

    @property
    def what(self) -> str:
        """What the job will have done, for messages."""
        return str(self.told["what"])

    @property
    def about(self) -> Any:
        """What the format needs for the job."""
        return restored(self.told["about"])

    @property
    def file(self) -> Place:
        """The file, beside the note, whatever its folder is called now."""
        return self.place.with_name(str(self.told["file"]))

    @property
    def age(self) -> float:
        """Seconds since it was made; detectors' files of a run of long ago will not come."""
        return max(0.0, time.time() - float(self.told["made"]))

    @property
    def failed(self) -> str:
        """Why the job failed, as it was logged; empty if it has not failed."""
        return str(self.told.get("failed", ""))

    def fail(self, cause: str) -> None:
        """Write why the job failed, so that this is logged once.

        Raises
        ------
        OSError
            The disk refused.
        """
        self.told = {**self.told, "failed": cause}
        self._write()

    def clear(self) -> None:
        """Remove the note: the job is done, or given up.

        Raises
        ------
        OSError
            It cannot be removed.
        """
        try:
            if self._is_there():
                self.place.remove()
        finally:
            self.release()

    def _lock(self) -> bool:
        try:
            lock_file(self._fd)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            note = os.fstat(self._fd)
            return not note.st_size or time.time() - note.st_mtime > QUIET_SECONDS
        return True

    def _is_there(self) -> bool:
        """Return whether the locked file still has its name: its process may have removed it."""
        try:
            there = self.place.folder.stat(self.place.name)
        except FileNotFoundError:
            return False
        here = os.fstat(self._fd)
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def _write(self) -> None:
        rest = memoryview(json.dumps(self.told).encode() + b"\n")
        os.ftruncate(self._fd, 0)
        at = 0
        while rest:
            written = write_at(self._fd, rest, at)
            at, rest = at + written, rest[written:]


def notes_of(path: Path) -> list[Path]:
    """Return the notes beside a file.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    return [found for found in path.parent.iterdir() if is_note_of(path.name, found.name)]


def settings_of(path: Path) -> dict[str, Any]:
    """Return the settings that a file was written with, if a note beside it has them.

    Raises
    ------
    OSError
        The folder, or a note, cannot be read.
    """
    for note in notes_of(path):
        with Place.at(note).open() as file:
            told = _read(file.fileno())
        if told and told["file"] == path.name:
            return dict(restored(told["about"]["settings"]))
    return {}


def exact(value: Any, levels: int = _LEVELS) -> Any:
    """Return a value of a document in JSON's types; `restored` makes typed arrays of it again.

    A value that contains itself, or that JSON has no type for, becomes text: the run's file has it
    as it was.
    """
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
        data = b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_ARRAY: [value.dtype.str, list(value.shape), data]}
    if isinstance(value, Mapping) and levels:
        return {str(key): exact(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and levels:
        return [exact(item, levels - 1) for item in value]
    if type(value) in (str, float, bool, type(None)) or (
        type(value) is int and abs(value) < _LARGE
    ):
        return value
    return _word(value)


def _word(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # the object's own fault, a list without an end, a number of many digits
        return object.__repr__(value)


def restored(value: Any) -> Any:
    """Return the value that was given to `exact`."""
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            dtype, shape, data = value[_ARRAY]
            return np.frombuffer(b64decode(data), dtype).reshape(shape)[()]
        return {key: restored(item) for key, item in value.items()}
    return [restored(item) for item in value] if isinstance(value, list) else value


def _read(fd: int) -> Mapping[str, Any]:
    """Return the content of a note; nothing if it is half written, as its file is not finished."""
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        text = file.read()
    try:
        told = json.loads(text)
        is_ours = told["bluescribe"] == _VERSION and {*told} >= _KEYS
        is_inside = Path(told["file"]).name == told["file"] and float(told["made"]) > 0
    except (ValueError, LookupError, TypeError):
        return {}
    return told if is_ours and is_inside and isinstance(told["about"], dict) else {}
