"""The parts of a manifest, as the export sees them that has workers write them."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from ...files import Folder, Place
from ...files.system import lock_file
from .manifest import BusyError, Manifest, lines_in
from .part import OF_PART, PARTS, results_in, seconds_in, worker_of
from .report import ExportedRun

__all__ = ["Parts", "gather"]

_TOKEN = "export-"
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0
"""How long workers of an earlier export are waited for, which finish the run that they write."""


class Parts:
    """The parts of one export, and the file that says that it goes on.

    Parameters
    ----------
    manifest
        Into which they go; it is locked.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._folder = Folder.made(manifest.folder / PARTS)
        self.token = f"{_TOKEN}{secrets.token_hex(4)}"
        """Name of a file: workers go on while it is there."""
        Place(self._folder, self.token).create()

    def begin(self, number: int) -> None:
        """Make the part of a batch: without it, no worker writes what is in the batch."""
        self._place(number).create()

    def take(self, number: int) -> tuple[dict[int, ExportedRun], float]:
        """Put the part of a batch that is over into the manifest.

        Returns
        -------
        tuple of dict and float
            What became of the runs, by their places in the plan, and how many seconds they took.
        """
        place = self._place(number)
        text = place.path.read_bytes()
        self._manifest.append(line for line in lines_in(text) if line[0] not in OF_PART)
        with suppress(OSError):
            place.remove()
        return dict(results_in(text)), seconds_in(text)

    def end(self) -> None:
        """Tell workers that nothing more is to be written."""
        with suppress(OSError):
            Place(self._folder, self.token).remove()

    def _place(self, number: int) -> Place:
        return Place(self._folder, f"{self.token}-{number}")


def gather(manifest: Manifest, *, patience: float = _PATIENCE_SECONDS) -> None:
    """Put what workers have left into the manifest; those that still write are told to stop.

    Parameters
    ----------
    manifest
        It is locked: no export goes on whose workers these could be.
    patience
        Seconds to wait for workers that have not stopped yet.

    Raises
    ------
    BusyError
        One does not stop.
    """
    path = manifest.folder / PARTS
    if not path.is_dir() or path.is_symlink():
        return
    folder = Folder(path)
    for token in path.glob(_TOKEN + "*"):
        if token.name.count("-") == _TOKEN.count("-"):
            with suppress(OSError):
                Place(folder, token.name).remove()
    for part in sorted(path.glob(_TOKEN + "*")):
        _gather(Place(folder, part.name), manifest, patience)
    with suppress(OSError):  # something else is in it
        path.rmdir()


def _gather(place: Place, manifest: Manifest, patience: float) -> None:
    fd = place.open_to_append()
    try:
        _wait_for(fd, place.path, patience)
        text = place.path.read_bytes()
        manifest.append(line for line in lines_in(text) if line[0] not in OF_PART)
        place.remove()
    finally:
        os.close(fd)


def _wait_for(fd: int, path: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            lock_file(fd)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
                continue
            raise BusyError(
                f"{worker_of(path.read_bytes())} still writes a run for an earlier export into "
                f"{path.parent.parent}: wait for it, or end it"
            ) from None
        except OSError:  # a file system without locks
            pass
        return
