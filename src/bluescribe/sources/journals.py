"""Journals, and whatever else is JSON Lines of documents: a file, or a folder of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from ..run import Document
from .base import Selection, Source, SourceError, StoredRun, stored_run

__all__ = ["JournalSource", "read_journal"]

logger = logging.getLogger(__name__)


class JournalSource(Source):
    """Journals that `JsonlWriter`, suitcase-jsonl or databroker-pack wrote.

    Parameters
    ----------
    path
        A journal, or a folder with journals, also in folders below it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Look at the first line of each journal."""
        for path in sorted(self.path.rglob("*.jsonl")) if self.path.is_dir() else [self.path]:
            start = _first(path)
            if start is None:
                logger.warning("%s: no journal of a run, as it does not begin with a start", path)
            else:
                yield stored_run(self, str(path), start)

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Read a journal line by line."""
        return read_journal(Path(key))


def read_journal(path: Path) -> Iterator[tuple[str, Document]]:
    """Read the documents of a journal.

    A last line that is there in part, as a crash leaves it, is left out with a warning.

    Raises
    ------
    SourceError
        Another line is no document; it names file and line.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            document = _parse(line)
            if document is not None:
                yield document
            elif line.endswith(b"\n"):
                raise SourceError(f"{path}, line {number}: not a document: {line[:60]!r}")
            else:
                logger.warning(
                    "%s: the last line is there in part only, as a crash leaves it; "
                    "the %d documents before it are used",
                    path,
                    number - 1,
                )


def _parse(line: bytes) -> tuple[str, Document] | None:
    # The standard json, not orjson: it reads NaN, and integers of more than 64 bits as they are.
    try:
        name, doc = json.loads(line)
    except ValueError:  # also what is no pair, and no UTF-8
        return None
    return (name, doc) if isinstance(name, str) and isinstance(doc, dict) else None


def _first(path: Path) -> Document | None:
    try:
        with path.open("rb") as lines:
            document = _parse(lines.readline())
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    return document[1] if document is not None and document[0] == "start" else None
