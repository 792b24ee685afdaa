"""Documents after a crash: written from the journal, for their columns alone tell nothing.

Until a run has ended its columns wait in a temporary file, chunk after chunk in an order that only
their writer knows. So without a journal there is no document, unless the crash came when all of it
was written and it had not its name yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from ...contract.held_run import HeldRun
from ...contract.recovery import Found, Keep, Recovery, Source
from ...files import Place, parts_of
from .spool import SPOOL, run_of

__all__ = ["DocumentRecovery"]


class DocumentRecovery(Recovery):
    """Finds the temporary files of documents that were never finished."""

    sets_aside: ClassVar[bool] = True

    def examine(self, path: Path) -> list[Found]:
        """Return the run that a temporary file is of; its events cannot be counted."""
        if not path.name.endswith(self._ending):
            return []
        stem, run = path.name.removesuffix(self._ending), run_of(path)
        if _whole(path, run) is not None:
            return [Found(path, stem, run, problem="it was left when its document was whole")]
        problem = "its run has no end"
        return [Found(path, stem, run, problem=problem, is_readable=False)]

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield the run of a document."""
        if not head.lstrip().startswith(b"{") or not self.has_ending(path):
            return
        try:
            told = json.loads(path.read_bytes())["metadata"]
            start, stop = told["start"], told.get("stop")
        except (ValueError, LookupError, TypeError, RecursionError):
            return  # of others
        if isinstance(start, dict):
            yield HeldRun(path, self.name, start, stop if isinstance(stop, dict) else None)

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether it is a temporary file."""
        return path.name.endswith(self._ending)

    def files(self, path: Path) -> list[Path]:
        """Return the document."""
        return [path.with_suffix("") if path.name.endswith(self._ending) else path]

    def mend(self, path: Path, keep: Keep) -> str:
        """Give a document its name that was whole already; put away what cannot be read."""
        whole, document = _whole(path, run_of(path)), path.with_suffix("")
        size = path.stat().st_size
        keep(path)
        if whole is None:
            return (
                f"there is no document, as without the journal nobody knows the order of the "
                f"{size} bytes in it"
            )
        if whole != document:
            _keep_empty(document, keep)
            Place.at(whole).replace(Place.at(whole).with_name(document.name))
        return "the document is there, and is all that the writer had"

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write the document, unless it is there."""
        (source,) = sources
        document = path.with_suffix("")
        if _whole(path, source.run) is not None:
            return self.mend(path, keep)
        keep(path)
        _keep_empty(document, keep)
        extension = self._ending.removesuffix(SPOOL)
        missing = self.write_again(path, source, self._ending, file_extension=extension)
        for part in parts_of(path):
            Place.at(part).remove()
        return "; ".join(["written from the journal", *missing])

    @property
    def _ending(self) -> str:
        return f"{self.ending}{SPOOL}"


def _whole(path: Path, run: str) -> Path | None:
    """Return where a run's document is whole: in its place, or beside it if that is free."""
    document = path.with_suffix("")
    if not run or _run_in(document) == run:
        return document if run else None
    if document.exists() and document.stat().st_size:
        return None
    return next((part for part in parts_of(path) if _run_in(part) == run), None)


def _keep_empty(document: Path, keep: Keep) -> None:
    """Make room for a document where its writer had only come to its name."""
    if document.exists() and not document.stat().st_size:
        keep(document)


def _run_in(path: Path) -> str:
    """Return the uid of the run in a document that is whole; nothing of any other file."""
    try:
        return str(json.loads(path.read_bytes())["metadata"]["start"]["uid"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""
