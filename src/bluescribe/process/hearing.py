"""Hearing: what a process tells, on the thread that hears it, and what of it the session needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..runreport import Failure, RunReport
from ..status import Ledger
from .accounts import Mirror, news_from, report_from

if TYPE_CHECKING:
    from ..spool import Lane

__all__ = ["Hearing"]

_REPORTED_KEPT = 1_000


class Hearing:
    """Takes what the processes of one writer tell, and answers what they ask.

    Parameters
    ----------
    lane
        Knows the spool.
    ledger
        The account of the writer.
    """

    def __init__(self, lane: Lane, ledger: Ledger) -> None:
        self._lane = lane
        self._ledger = ledger
        self.mirror = Mirror(ledger)
        self.is_over = False
        """Whether what is told does not count any more: the writer goes on in another way."""
        self._begun: dict[str, tuple[Mapping[str, Any], list[Path]]] = {}
        """Of each run that is not reported: its start document and its files."""
        self._made: dict[str, dict[Path, None]] = {}
        """Of each run that is not reported: all files that were made, or were to be."""
        self._reported: deque[str] = deque(maxlen=_REPORTED_KEPT)

    def __call__(self, kind: str, *told: Any) -> Any:
        """Take what is told, and return the answer to what is asked."""
        return getattr(self, f"_hear_{kind}")(*told)

    def leave(self) -> None:
        """Take nothing into the account any more but what is reported of runs that it has."""
        self.is_over = True

    def begun(self) -> dict[str, tuple[Mapping[str, Any], list[Path]]]:
        """Return the start document and the files of each run that is not reported."""
        return self._begun.copy()

    def made(self, uid: str) -> list[Path]:
        """Return all files that were made for a run that is not reported, or were to be."""
        return [*self._made.get(uid, {})]

    def is_reported(self, uid: str) -> bool:
        """Tell whether a run was reported, and did not begin again."""
        return uid in self._reported

    def report(self, report: RunReport) -> None:
        """Tell of a run that nothing more is done for."""
        self._reported.append(report.uid)
        self._begun.pop(report.uid, None)
        self._made.pop(report.uid, None)
        self._ledger.report(report)

    def _hear_settle(self) -> None:
        """All before this was heard."""

    def _hear_state(self, state: Mapping[str, Any]) -> None:
        if not self.is_over:
            self.mirror.take(state)

    def _hear_raise(self, told: Sequence[Any]) -> None:
        self._ledger.unraised.append(Failure(*told))

    def _hear_tell(self, kind: Any, told: Mapping[str, Any]) -> None:
        self._ledger.teller.tell(kind, news_from(told))

    def _hear_is_new(self, key: object) -> bool:
        return self._ledger.told.is_new(key)

    def _hear_keeps(self, uid: str) -> bool:
        return self._lane.keeps(uid)

    def _hear_note(self, name: str, told: Mapping[str, Any]) -> None:
        self._made.setdefault(told["run_start"], {})[Path(told["path"])] = None
        self._lane.note(name, told)

    def _hear_begin(self, start: Mapping[str, Any], paths: list[Path]) -> None:
        self._begun[start["uid"]] = start, paths
        if start["uid"] in self._reported:  # the run was sent twice
            self._reported.remove(start["uid"])
        self._ledger.tell_begun(start, paths)

    def _hear_report(self, told: Mapping[str, Any]) -> None:
        report = report_from(told)
        self._ledger.postponed.remove(report.uid)
        if self.is_over:  # no account comes any more that says that its images are copied
            copying = self._ledger.copying
            self._ledger.copying = [path for path in copying if path not in report.files]
        self.report(report)
