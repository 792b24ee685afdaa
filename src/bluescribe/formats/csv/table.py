"""One CSV file (RFC 4180) that grows at its end, and whose header may grow too.

A header can only be changed by writing the file anew. That happens beside it, and the new file
takes the old one's place at once: a reader finds a whole table at any instant.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from hashlib import sha256
from typing import BinaryIO

from ...files import Place, part_of
from ...files.textfile import TextFile

__all__ = ["LINE_END", "Table", "records"]

LINE_END = b"\r\n"
"""As RFC 4180 has it. It also tells the end of a row from a line feed in a text."""


class Table:
    """A table in a file: a header, and rows that are added to it.

    Parameters
    ----------
    place
        An empty file.
    labels
        Names of the columns.
    delimiter
        What is between cells.
    """

    def __init__(self, place: Place, labels: Sequence[str], delimiter: bytes = b",") -> None:
        self.place = place
        self.labels = list(labels)
        self._delimiter = delimiter
        self._file = TextFile(place)
        self._digest = sha256()
        self.put(self._header(self.labels))

    def __len__(self) -> int:
        """Return the bytes of the file, those that wait to be written included."""
        return len(self._file)

    @property
    def hash(self) -> str:
        """SHA-256 of the whole file, as Data Package writes it."""
        return f"sha256:{self._digest.hexdigest()}"

    def put(self, lines: bytes) -> None:
        """Add whole rows; `flush` brings them to the file."""
        self._file.put(lines)
        self._digest.update(lines)

    def flush(self) -> None:
        """Write the rows that wait."""
        self._file.flush()

    def relabel(self, labels: Sequence[str]) -> None:
        """Give the table other columns: rows get empty cells, or lose empty cells, at their end.

        Raises
        ------
        OSError
            The disk refused; the table is what it was.
        """
        if list(labels) == self.labels:
            return
        self._file.flush()
        digest = sha256()
        with ExitStack() as on_failure:
            with part_of(self.place) as part:
                with part.open("r+b") as new:
                    for record in self._relabelled(labels):
                        new.write(record)
                        digest.update(record)
                    new.flush()
                    os.fsync(new.fileno())  # what it replaces may have been on the disk for hours
                file = TextFile(part)  # while a failure can still be taken back
                on_failure.callback(file.abandon)
            on_failure.pop_all()
        file.place = self.place
        former, self._file = self._file, file
        self.labels, self._digest = list(labels), digest
        with suppress(OSError):  # nothing waits there
            former.close()

    def close(self) -> None:
        """Write what waits and close the file."""
        self._file.close()

    def abandon(self) -> None:
        """Close the file after a failure, without half a row."""
        self._file.abandon()

    def _relabelled(self, labels: Sequence[str]) -> Iterator[bytes]:
        yield self._header(labels)
        more = len(labels) - len(self.labels)
        with self.place.open("rb") as old:
            rows = records(old)
            next(rows)
            for record in rows:
                cells = record.removesuffix(LINE_END)
                yield (cells + self._delimiter * more if more >= 0 else cells[:more]) + LINE_END

    def _header(self, labels: Sequence[str]) -> bytes:
        return self._delimiter.join(map(self._label_cell, labels)) + LINE_END

    def _label_cell(self, label: str) -> bytes:
        if any(c in label for c in f',"\r\n{self._delimiter.decode()}'):
            label = '"' + label.replace('"', '""') + '"'
        return label.encode()


def records(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rows of a table: a line break inside quotes does not end one."""
    record = b""
    for line in file:
        record += line
        if record.endswith(LINE_END) and record.count(b'"') % 2 == 0:
            yield record
            record = b""
