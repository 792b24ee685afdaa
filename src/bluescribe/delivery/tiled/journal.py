"""The journal in which a run waits to be delivered, read while it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...files.write_lock import is_held
from ...model.run import Document
from ..trouble import Refused

__all__ = ["Journal", "journal_start"]

_SURROGATE = b"\\ud"
"""How JSON says half a character, which no server takes."""


class Journal:
    """The documents of a run in a file, from the beginning; half a line is left for later.

    Parameters
    ----------
    path
        An existing file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._lines = 0
        self.is_behind = False
        """Whether the last reading ended because it was enough, and not at the end."""

    def read(self, most_bytes: int) -> list[tuple[str, Document]]:
        """Return the documents that come next: about so many bytes of them, or one.

        Raises
        ------
        OSError
            The file cannot be read.
        Refused
            A line is no document.
        """
        documents = []
        start = self._offset
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for line in _whole_lines(file.readlines(most_bytes)):
                self._offset += len(line)
                self._lines += 1
                name, doc = self._parse(line)
                if name != "event_page" or doc.get("seq_num"):  # no event: nobody can unpack it
                    documents.append((name, doc))
        self.is_behind = self._offset - start >= most_bytes
        return documents

    def is_growing(self) -> bool:
        """Return whether a living process writes the file."""
        return is_held(self.path)

    def _parse(self, line: bytes) -> tuple[str, Document]:
        try:
            # the standard json, not orjson: it reads NaN, and integers of more than 64 bits
            name, doc = json.loads(line)
            if not isinstance(doc, dict):
                raise TypeError("no document")
        except (ValueError, TypeError):
            raise Refused(
                f"{self.path}, line {self._lines}: not a document: {line[:60]!r}",
                "mend or remove that line",
            ) from None
        return str(name), _without_halves(doc) if _SURROGATE in line else doc


def journal_start(path: Path) -> Document | None:
    """Return the start document; None while it is not there.

    Raises
    ------
    OSError
        The file cannot be read.
    Refused
        The first line is no start document.
    """
    first = Journal(path).read(1)
    if not first:
        return None
    name, doc = first[0]
    if name != "start":
        raise Refused(f"{path} begins with a {name}, not with a start", "remove it")
    return doc


def _whole_lines(lines: list[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.endswith(b"\n"))


def _without_halves(value: Any) -> Any:
    """Return a value with an escape in place of each half character."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_halves(item) for item in value]
    return value
