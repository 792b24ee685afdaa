"""Which runs of a callback are open, and which ones have ended and are still being written."""

from __future__ import annotations

from pathlib import Path

from ...contract.report import RunReport

__all__ = ["Runs"]


class Runs:
    """The account of a callback; `report` is called on threads of its writer.

    It does not know the callback: the writer holds it, and would hold that too.
    """

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._unreported: set[str] = set()
        self._ending: set[str] = set()
        self._given_up: set[str] = set()
        """Open runs that are reported: they were given up, or get no stop document any more."""
        self.last_file: Path | None = None
        """The file of the run that was the last to be complete."""

    def __bool__(self) -> bool:
        """Tell whether documents of a run are to be expected."""
        return bool(self._open)

    @property
    def is_writing(self) -> bool:
        """Whether the files of a run that has ended are not complete yet."""
        return bool(self._ending)

    def begin(self, uid: str) -> None:
        """Enter a run that begins."""
        self._open -= self._given_up
        self._given_up.clear()
        self._open.add(uid)
        self._unreported.add(uid)

    def end(self, uid: str) -> None:
        """Enter that a run has its stop document; one that was given up before is over."""
        if uid not in self._open:
            return
        self._open.discard(uid)
        self._ending.add(uid)
        if uid not in self._unreported:  # `report` may come at any moment, and removes both
            self._ending.discard(uid)

    def report(self, report: RunReport) -> None:
        """Enter that nothing more is done for a run."""
        if report.files:
            self.last_file = report.files[0]
        if report.uid in self._open:
            self._given_up.add(report.uid)
        self._unreported.discard(report.uid)
        self._ending.discard(report.uid)
