"""What the writers report of each run, until all of them have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["FinishedRun", "Reports"]


@dataclass
class FinishedRun:
    """A run that all writers are done with."""

    start: Mapping[str, Any]
    files: list[Path] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    """Formats whose file was given up."""


class Reports:
    """Gather what writers report on their threads.

    Parameters
    ----------
    formats
        Who reports.
    tell
        Is called with each run, on the thread of the writer that reported it last.
    """

    def __init__(self, formats: Iterable[str], tell: Callable[[FinishedRun], None]) -> None:
        self._formats = frozenset(formats)
        self._tell = tell
        self._runs: dict[str, tuple[FinishedRun, set[str]]] = {}
        self._lock = threading.Lock()

    def add(
        self, name: str, start: Mapping[str, Any], paths: Sequence[Path], is_complete: bool
    ) -> None:
        """Note that a format is done with a run; `Writer.tell_of_finished` calls it."""
        uid = str(start.get("uid"))
        with self._lock:
            run, awaited = self._runs.setdefault(uid, (FinishedRun(start), set(self._formats)))
            awaited.discard(name)
            if is_complete:
                run.files += [path.absolute() for path in paths]
            else:
                run.incomplete.append(name)
            if awaited:
                return
            del self._runs[uid]
        self._tell(run)
