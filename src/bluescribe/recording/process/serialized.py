"""What an account holds, and what is told of runs, as values that a channel carries."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import astuple
from typing import Any

from ...contract.report import Discrepancy, Failure, LeftOut, RunReport
from ..account import Account
from ..notices import Notice

__all__ = ["AccountMirror", "notice_from", "notice_told", "report_from", "report_told", "state_of"]

_RECORDS: Mapping[str, Callable[..., Any]] = {
    "finished": lambda *run: run,
    "failures": Failure,
    "discrepancies": Discrepancy,
}
"""What the items of an account's lists are made of, where they are no plain values."""


def state_of(account: Account) -> dict[str, Any]:
    """Return what the account of a writer says at this moment."""
    plain = (*Account.COUNTS, *Account.LATEST, *Account.CURRENT)
    return {
        **{name: copy(getattr(account, name)) for name in plain},
        **{name: _told(copy(getattr(account, name))) for name in Account.HISTORY},
        "postponed": {uid: astuple(each) for uid, each in account.postponed.by_run().items()},
    }


class AccountMirror:
    """Has an account of the session say what that of its process says, and those before it said.

    Parameters
    ----------
    account
        The account.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._late: dict[str, Failure] = {}
        """Runs that are late, and of which no process knows."""
        self.renew(())

    def renew(self, orphans: Iterable[str]) -> None:
        """Keep what the account says: another process begins an account of its own.

        Parameters
        ----------
        orphans
            Uids of the runs that are written anew.
        """
        account = self._account
        account.events_written -= sum(account.events_of.get(uid, 0) for uid in orphans)
        for name in Account.CURRENT:
            setattr(account, name, type(getattr(account, name))())
        self._counts = {name: getattr(account, name) for name in Account.COUNTS}
        self._kept = {name: tuple(getattr(account, name)) for name in Account.HISTORY}

    def postpone(self, uid: str, failure: Failure) -> bool:
        """Enter that a run is to be written anew; return False if that was done too often."""
        may_be = self._account.postponed.add(uid, failure, may_pass=False)
        if may_be:
            self._late[uid] = failure
        return may_be

    def settle(self, uid: str) -> None:
        """Enter that a process has a run by now, or that nobody will write it."""
        if self._late.pop(uid, None) is not None:
            self._account.postponed.forget(uid)

    def take(self, state: Mapping[str, Any]) -> None:
        """Take over what the process says; whoever reads meanwhile sees the old or the new."""
        account = self._account
        for name in Account.COUNTS:
            setattr(account, name, self._counts[name] + state[name])
        for name in Account.LATEST:
            setattr(account, name, state[name] or getattr(account, name))
        for name in Account.CURRENT:
            setattr(account, name, copy(state[name]))
        for name in Account.HISTORY:
            self._extend(name, state[name])
        late = {uid: Failure(*told) for uid, told in state["postponed"].items()}
        account.postponed.enter({**self._late, **late})

    def fail(self, failure: Failure) -> None:
        """Enter a failure of which the process does not know."""
        self._kept["failures"] += (failure,)
        self._account.fail(failure)

    def _extend(self, name: str, told: Iterable[Any]) -> None:
        """Put what a process has in a list behind what those before it had."""
        record = _RECORDS.get(name)
        items = [*self._kept[name], *(record(*each) if record else each for each in told)]
        known = getattr(self._account, name)
        is_bounded = isinstance(known, deque)
        setattr(self._account, name, deque(items, maxlen=known.maxlen) if is_bounded else items)


def _told(items: Iterable[Any]) -> list[Any]:
    return [astuple(each) if isinstance(each, Failure | Discrepancy) else each for each in items]


def report_told(report: RunReport) -> dict[str, Any]:
    """Return a report as values."""
    told = {name: getattr(report, name) for name in RunReport.__slots__}
    told["left_out"] = [astuple(each) for each in report.left_out]
    return {**told, "failures": [astuple(failure) for failure in report.failures]}


def report_from(told: Mapping[str, Any]) -> RunReport:
    """Return a report that was told."""
    failures = tuple(Failure(*each) for each in told["failures"])
    left_out = tuple(LeftOut(*each) for each in told["left_out"])
    return RunReport(**{**told, "failures": failures, "left_out": left_out})


def notice_told(notice: Notice) -> dict[str, Any]:
    """Return a notice as values."""
    told = {name: getattr(notice, name) for name in Notice.__slots__}
    return {**told, "error": None if notice.error is None else _error_told(notice.error)}


def notice_from(told: Mapping[str, Any]) -> Notice:
    """Return a notice that was told."""
    error = told["error"]
    return Notice(**{**told, "error": None if error is None else _error_from(error)})


def _error_told(error: BaseException) -> dict[str, Any]:
    number = getattr(error, "errno", None)
    return {
        "name": type(error).__name__,
        "of_system": isinstance(error, OSError),
        "args": (number, error.strerror, error.filename)
        if isinstance(error, OSError) and number is not None
        else (str(error),),
        "traceback": "".join(traceback.format_exception(error)),
    }


def _error_from(told: Mapping[str, Any]) -> BaseException:
    """Return an error of that name that says the same, and where it was raised."""
    base: type[Exception] = OSError if told["of_system"] else Exception
    if base is OSError and len(told["args"]) > 1:
        error: Exception = OSError(*told["args"])  # of the class that goes with its number
    else:
        error = type(told["name"], (base,), {})(*told["args"])
    error.add_note(f"It was raised in another process:\n{told['traceback']}")
    return error
