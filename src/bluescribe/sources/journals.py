"""Journals, and whatever else is JSON Lines of documents: a file, or a folder of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..model.run import Document
from .base import Selection, Source, SourceError, StoredRun, stored_run
from .jsonlines import first_start, is_json_of_documents, one_run, read_journal, starts_in
from .packs import CATALOG

__all__ = ["JournalSource"]

logger = logging.getLogger(__name__)


class JournalSource(Source):
    """Journals that `JsonlWriter`, suitcase-jsonl, databroker-pack or bluesky's own writers wrote.

    Parameters
    ----------
    path
        A journal, or a folder with journals, also in folders below it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        """Return the path, which is all that is known of a journal that cannot be read."""
        return str(self.path)

    @property
    def folder(self) -> Path:
        """The folder of the journals."""
        return self.path if self.path.is_dir() else self.path.absolute().parent

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Look at the first line of each journal, and at the last."""
        if not self.path.is_dir():
            found = list(self._runs())
            if not found:
                raise SourceError(
                    f"{self.path} is no journal of a run: it does not begin with a start document"
                )
            yield from found
            return
        refused: list[OSError] = []
        journals = sorted(self._journals(refused))
        if not journals and not refused:
            self._check_is_source()
        for path in journals:
            try:
                found = list(JournalSource(path)._runs())
            except OSError as error:
                refused.append(error)
                continue
            if not found:
                logger.warning("%s: no journal of a run, as it does not begin with a start", path)
            yield from found
        for cause in refused:  # it fails when all is exported, and what can be read does not
            logger.warning("%s cannot be read: %s", cause.filename, cause.strerror or cause)
            yield stored_run(JournalSource(Path(cause.filename)), "", {})

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Read a journal line by line, or the lines of one run of those that it holds."""
        if not key:
            return read_journal(self.path)
        byte, _, line = key.partition(":")
        return one_run(read_journal(self.path, int(byte), int(line)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the place as other processes find it, which may be in another folder."""
        return JournalSource, (self.path.absolute(),)

    def _runs(self) -> Iterator[StoredRun]:
        first = first_start(self.path)
        if first is None:
            return
        starts = list(starts_in(self.path, first))
        if len(starts) == 1:
            yield stored_run(self, "", first)
            return
        for byte, line, start in starts:
            yield stored_run(self, f"{byte}:{line}", start)

    def _check_is_source(self) -> None:
        """Raise a `SourceError` for a folder that holds files, but none that we read."""
        if (packed := next(self.path.rglob("*.msgpack"), None)) is not None:
            raise SourceError(
                f"{self.path.absolute()} is no source: msgpack files, such as {packed.name}, are "
                "read as a pack of databroker-pack only. Give the folder that holds its "
                f"{CATALOG}, or the name of the databroker catalog to which they belong"
            )
        others = (path for path in self.path.rglob("[!.]*") if path.is_file())
        if (other := next(others, None)) is not None:
            raise SourceError(
                f"{self.path.absolute()} is no source: it holds no journal (.jsonl), only other "
                f"files, such as {other.relative_to(self.path)}"
            )

    def _journals(self, refused: list[OSError]) -> Iterator[Path]:
        """Yield the journals of a folder; take note of folders that cannot be looked into."""
        for folder, _, names in os.walk(self.path, onerror=refused.append):
            for path in (Path(folder, name) for name in names):
                if path.exists() and not path.is_file():
                    continue  # a pipe, for whose other end one would wait for ever
                if path.suffix == ".jsonl" or (
                    path.suffix == ".json" and is_json_of_documents(path)
                ):
                    yield path
