"""What is said of runs before their start documents come: where, with which settings, how they end.

It comes through the queue of the documents, so that it stands between those that were sent before
and after it. Stop documents are only looked at ahead; they come again when it is their turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..files.working_directory import working_directory
from ..model.run import Document

__all__ = ["Upcoming"]


class Upcoming:
    """What is known of the runs that are about to begin."""

    def __init__(self) -> None:
        self._cwd: Path | None = None
        self._settings: dict[str, Document] = {}
        self._stops: dict[str, Document] = {}

    def stand(self, cwd: Path) -> None:
        """Note where the session was when it sent the next start document."""
        self._cwd = cwd

    def take_cwd(self) -> Path:
        """Return the working directory of the run that begins."""
        cwd, self._cwd = self._cwd, None
        return cwd or working_directory()

    def ask(self, doc: Document) -> None:
        """Note what the run that begins next has in the place of settings."""
        self._settings.setdefault(doc["uid"], doc)  # a run that is written again keeps its number

    def take_settings(self, uid: str) -> Document:
        """Return what was asked for a run that begins; empty where nothing was."""
        return self._settings.pop(uid, {})

    def foresee(self, stops: Sequence[Any]) -> Iterator[tuple[str, Document]]:
        """Note stop documents among those that come next; yield each with the uid of its run."""
        self._stops = {
            stop["run_start"]: stop
            for stop in stops
            if isinstance(stop, dict) and isinstance(stop.get("run_start"), str)
        }
        yield from self._stops.items()

    def stop_of(self, uid: str) -> Document | None:
        """Return the stop document of a run that begins, if it is among those that come next."""
        return self._stops.get(uid)
