"""Scans that wait, each in a file of its own, until the file of the session is free."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from ...files import Place
from ...files.textfile import TextFile

__all__ = ["KeptScan", "WaitingScans"]

logger = logging.getLogger(__name__)

_CHUNK = 1 << 19


@dataclass(frozen=True, slots=True)
class KeptScan:
    """A whole scan in a file of its own, until the session's file is free."""

    place: Place
    start: int
    """Where the scan begins in that file; a header is before it."""
    header: bytes
    """What has to be before the scan if the session's file has another one."""
    motors: tuple[str, ...]
    epoch: int
    """``#E`` in that header."""


class Home(Protocol):
    """What is asked of the file of the session."""

    place: Place

    @property
    def is_free(self) -> bool:
        """Whether no scan is open in it."""

    def append(self, header: bytes, motors: tuple[str, ...], epoch: int) -> tuple[TextFile, bytes]:
        """Open it at its end."""

    def note_end(self, file: TextFile) -> None:
        """Note that it ends where something was written."""


class WaitingScans:
    """The whole scans that are to be appended to one file, in order.

    They do not hold the file: it goes when nobody uses it, and lets other writers have it.
    """

    def __init__(self) -> None:
        self._scans: list[KeptScan] = []
        self._copy: tuple[TextFile, int] | None = None
        """What is being written to, and where the scan begins there."""
        self._copied = 0
        self._appended: list[Place] = []
        """Files of scans that are in the file by now, and could not be removed so far."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._scans)

    def keep(self, scan: KeptScan) -> None:
        """Append a complete scan as soon as no other is open in the file."""
        if scan not in self._scans:
            self._scans.append(scan)

    def append_to(self, home: Home) -> None:
        """Append the scans that wait, in order, if the file is free."""
        self._remove_appended()
        while self._scans and home.is_free:
            scan = self._scans[0]
            if scan.place.exists():
                self._append(scan, home)
            else:
                logger.error("spec: %s is gone before it could go into %s", scan.place, home.place)
            del self._scans[0]

    def _append(self, scan: KeptScan, home: Home) -> None:
        """Copy a scan in; after an `OSError`, a second call goes on."""
        if self._copy is None:
            file, header = home.append(scan.header, scan.motors, scan.epoch)
            self._copy = file, len(file)
            file.put(header)
            self._copied = scan.start
        file, _ = self._copy
        with scan.place.open() as source:
            source.seek(self._copied)
            while chunk := source.read(_CHUNK):
                file.put(chunk)
                self._copied += len(chunk)
                file.flush()
        file.close()
        self._copy = None
        home.note_end(file)
        self._appended.append(scan.place)
        self._remove_appended()

    def _remove_appended(self) -> None:
        """Remove what is in the file by now; better there twice than appended twice."""
        for place in tuple(self._appended):
            try:
                place.remove()
            except FileNotFoundError:
                self._appended.remove(place)
            except OSError as error:
                logger.debug("spec: %s is tried again: %s", place, error)
            else:
                self._appended.remove(place)

    def give_up(self, place: Place) -> bool:
        """Cut off what was copied in part, after a failure; tell whether there was something."""
        if self._copy is None:
            return False
        (file, start), self._copy = self._copy, None
        file.abandon()
        with suppress(OSError), place.open("r+b") as torn:
            torn.truncate(start)
        return True
