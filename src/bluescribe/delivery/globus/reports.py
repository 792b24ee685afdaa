"""What the writers report of each run, until all of them have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...contract.report import RunReport

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

    def add(self, report: RunReport) -> None:
        """Note that a format is done with a run; `Writer.on_complete` calls it.

        What is owed to its files is waited for: they are sent when whoever completes them has.
        """
        if report.is_owed:
            return
        with self._lock:
            begun = FinishedRun(report.start), set(self._formats)
            run, awaited = self._runs.setdefault(report.uid, begun)
            awaited.discard(report.format)
            if report.is_given_up:
                run.incomplete.append(report.format)
            else:
                run.files += report.files
            if awaited:
                return
            del self._runs[report.uid]
        self._tell(run)
