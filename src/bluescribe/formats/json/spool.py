"""Columns of JSON text that wait in one temporary file: memory does not grow with the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...files import Place
from ...files.json_text import dumps
from ...files.textfile import TextFile
from ...files.unneeded import remove_unneeded

__all__ = ["SPOOL", "Spool", "SpooledColumn", "run_of"]

SPOOL = ".spool"
"""Ending of its name, behind that of the document."""
_RUN = b"run "
"""Begins the first line, which tells the uid."""
_LONGEST_LINE = 4096

_CHUNK_BYTES = 1 << 16
"""Text of a column that goes to the file at once; until then it stays in memory."""


class Spool:
    """The temporary file of a run, in which the chunks of all columns follow on each other.

    Parameters
    ----------
    place
        An existing file.
    run
        The run's uid, which the file tells: what is in it does not.
    """

    def __init__(self, place: Place, run: str) -> None:
        self.place = place
        self._file = TextFile(place)
        self._file.put(_RUN + dumps(run) + b"\n")

    def put(self, chunk: bytes) -> tuple[int, int]:
        """Add a chunk; return where it is: first byte and length."""
        place = len(self._file), len(chunk)
        self._file.put(chunk)
        return place

    def flush(self) -> None:
        """Write what waits."""
        self._file.flush()

    def remove(self) -> None:
        """Close the file and take it away."""
        self._file.abandon()
        remove_unneeded(self.place)

    def abandon(self) -> None:
        """Close the file and leave it where it is."""
        self._file.abandon()


def run_of(path: Path) -> str:
    """Return the uid of the run that a temporary file is of; nothing where it does not tell.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        line = file.readline(_LONGEST_LINE)
    try:
        return str(json.loads(line.removeprefix(_RUN))) if line.startswith(_RUN) else ""
    except ValueError:
        return ""


class SpooledColumn:
    """Lines of text, one a row, most of them in the spool.

    Parameters
    ----------
    spool
        Where they wait.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places: list[tuple[int, int]] = []
        self._waiting: list[bytes] = []
        self._bytes_waiting = 0
        self.rows = 0

    def put(self, lines: bytes, rows: int) -> None:
        """Add whole lines, each with its end."""
        if not rows:
            return
        self._waiting.append(lines)
        self._bytes_waiting += len(lines)
        self.rows += rows
        if self._bytes_waiting >= _CHUNK_BYTES:
            self._places.append(self._spool.put(b"".join(self._waiting)))
            self._waiting, self._bytes_waiting = [], 0

    def chunks(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all lines, many at a time.

        Parameters
        ----------
        file
            The spool, flushed and open for reading.
        """
        for start, length in self._places:
            file.seek(start)
            yield file.read(length)
        if self._waiting:
            yield b"".join(self._waiting)
