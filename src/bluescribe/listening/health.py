"""How a listener is: what those ask who watch over it, on whatever thread."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from ..contract.report import RunReport
from ..session.writers import Writers

__all__ = ["Health"]

_LONGEST_TURN = 300.0
"""Seconds for which nothing may turn, where no disk is waited for."""


class Health:
    """How a listener is.

    Parameters
    ----------
    source
        Where its runs come from, for people.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.writers: Writers | None = None
        self.trouble = "it was not reached yet"
        """Why nothing comes from the source; empty when all is well."""
        self.is_stopping = False
        self.documents = self.bytes = 0
        """What came."""
        self.latest = 0.0
        """When something came last; seconds since the epoch."""
        self.open_runs = 0
        self.lag: int | None = None
        """How much waits at the source that no listener has taken; None where it is not known."""
        self.runs: Counter[tuple[str, str]] = Counter()
        """Runs by format and outcome: complete, or failed."""
        self.written: Counter[str] = Counter()
        """Bytes of the files of complete runs, by format."""
        self._turned = time.monotonic()

    def watch(self, writers: Writers) -> None:
        """Count what these writers complete."""
        self.writers = writers
        writers.on_complete(self._note)

    def turn(self, trouble: str = "") -> None:
        """Note that the listener goes round, and what it meets at its source."""
        self.trouble = trouble
        self._turned = time.monotonic()

    def receive(self, size: int) -> None:
        """Count a document, or a part of one."""
        self.documents += 1
        self.bytes += size
        self.latest = time.time()

    def why_not_ready(self) -> str:
        """Return what keeps runs from being written right now; empty when all is well."""
        if self.is_stopping:
            return "it is being stopped"
        if self.trouble:
            return f"{self.source}: {self.trouble}"
        return self._disks()

    def why_not_alive(self) -> str:
        """Return why only another process could go on; empty when all is well.

        A disk that hangs is none: it would hang for another process too.
        """
        still = time.monotonic() - self._turned
        if still < _LONGEST_TURN or self._disks():
            return ""
        return f"nothing has turned for {still:.0f} s"

    def _disks(self) -> str:
        if self.writers is None:
            return "it is being started"
        status = self.writers.status()
        late = [f"{name}: {each.retrying}" for name, each in status.items() if each.retrying]
        late += [f"{name}: {late}" for name, each in status.items() for late in each.late]
        return "; ".join(late)

    def _note(self, report: RunReport) -> None:
        """Count a run that is over; one that nobody wanted has neither files nor failures."""
        if report.is_given_up or report.failures:
            self.runs[report.format, "failed"] += 1
        elif report.files:
            self.runs[report.format, "complete"] += 1
        self.written[report.format] += sum(map(_size, report.files))


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
