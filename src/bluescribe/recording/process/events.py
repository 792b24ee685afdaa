"""What a worker process reports and asks, answered in the session on a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.report import Failure, RunReport
from ..account import Account
from .serialized import AccountMirror, notice_from, report_from

if TYPE_CHECKING:
    from ...spool import Lane

__all__ = ["WorkerEvents"]

_REPORTED_KEPT = 1_000


class WorkerEvents:
    """Takes what the processes of one writer tell, and answers what they ask.

    Parameters
    ----------
    lane
        Knows the spool.
    account
        The account of the writer.
    """

    def __init__(self, lane: Lane, account: Account) -> None:
        self._lane = lane
        self._account = account
        self.mirror = AccountMirror(account)
        self.is_over = False
        """Whether what is told does not count any more: the writer goes on in another way."""
        self._begun: dict[str, tuple[Mapping[str, Any], list[Path]]] = {}
        """Of each run that is not reported: its start document and its files."""
        self._made: dict[str, dict[Path, None]] = {}
        """Of each run that is not reported: all files that were made, or were to be."""
        self._reported: deque[str] = deque(maxlen=_REPORTED_KEPT)

    def __call__(self, kind: str, *told: Any) -> Any:
        """Take what is told, and return the answer to what is asked."""
        return getattr(self, f"_on_{kind}")(*told)

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
        self._account.report(report)

    def _on_settle(self) -> None:
        """All before this was heard."""

    def _on_state(self, state: Mapping[str, Any]) -> None:
        if not self.is_over:
            self.mirror.take(state)

    def _on_raise(self, told: Sequence[Any]) -> None:
        self._account.unraised.append(Failure(*told))

    def _on_tell(self, kind: Any, told: Mapping[str, Any]) -> None:
        self._account.notifier.notify(kind, notice_from(told))

    def _on_is_new(self, key: object) -> bool:
        return self._account.told.is_new(key)

    def _on_keeps(self, uid: str) -> bool:
        return self._lane.keeps(uid)

    def _on_note(self, name: str, told: Mapping[str, Any]) -> None:
        self._made.setdefault(told["run_start"], {})[Path(told["path"])] = None
        self._lane.note(name, told)

    def _on_begin(self, start: Mapping[str, Any], paths: list[Path]) -> None:
        self._begun[start["uid"]] = start, paths
        if start["uid"] in self._reported:  # the run was sent twice
            self._reported.remove(start["uid"])
        self._account.notify_begun(start, paths)

    def _on_report(self, told: Mapping[str, Any]) -> None:
        report = report_from(told)
        self._account.postponed.remove(report.uid)
        if self.is_over:  # no account comes any more that says that its images are copied
            copying = self._account.copying
            self._account.copying = [path for path in copying if path not in report.files]
        self.report(report)
