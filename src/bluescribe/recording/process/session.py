"""The session, as the process that writes for it sees it: asked and told over a channel."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...contract.report import RunReport
from ...log_once import LogOnce
from ..account import Account
from ..notices import Kind, Notice, Notifier
from .channel import Channel
from .serialized import notice_told, report_told, state_of

__all__ = ["LogSender", "Session"]


class Session:
    """What is the session's: its spool, its messages, and those who are told of runs.

    Parameters
    ----------
    channel
        Is answered by the session at once, whatever its lane does.
    account
        The account of the writer in this process; what happens in it is told from now on.
    """

    def __init__(self, channel: Channel, account: Account) -> None:
        self._channel = channel
        self._account = account
        self._asking = threading.RLock()  # what is logged while it asks is told first
        self._state: dict[str, Any] = {}
        self._is_gone = False
        account.spool = self
        account.told = _Told(self)
        account.notifier = _Notifier(self)
        account.on_begin.append(self._on_begun)
        account.on_finish.append(self._on_finished)

    def keeps(self, uid: str) -> bool:
        """Tell whether all of a run is in the log of the spool; behind a dead session it may be."""
        return bool(self._ask("keeps", uid)) or self._is_gone

    def note(self, name: str, told: Any) -> None:
        """Write into the log at once what is about to be done.

        When the session has died, nobody would find a file that is made now, and this process
        ends. Whatever was raised here would be taken for a fault of a value or of the disk, and the
        file be finished without what was to stand in the other one; then it would seem to be whole.
        """
        self._ask("note", name, told)
        if self._is_gone:
            os._exit(0)  # the next session plays the run again

    def is_new(self, key: object) -> bool:
        """Tell whether no writer of the session has asked before."""
        return bool(self._ask("is_new", key))

    def tell(self, kind: Kind, notice: Notice) -> None:
        """Have the session tell of what this format met."""
        self._send("tell", kind, notice_told(notice))

    def settle(self) -> None:
        """Wait until the session has heard all that was told."""
        self._ask("settle")

    def _on_begun(self, start: Mapping[str, Any], paths: Sequence[Path]) -> None:
        self._send("begin", dict(start), [*paths])

    def _on_finished(self, report: RunReport) -> None:
        self._send("report", report_told(report))

    def log(self, record: Mapping[str, Any]) -> None:
        """Hand over a record of the log."""
        with self._asking, self._unless_gone():
            self._channel.send("log", (record,), False)

    def _send(self, kind: str, *told: Any) -> None:
        with self._asking, self._unless_gone():
            self._send_state()
            self._channel.send(kind, told, False)

    def _ask(self, kind: str, *told: Any) -> Any:
        with self._asking, self._unless_gone():
            self._send_state()
            self._channel.send(kind, told, True)
            (answer,) = self._channel.receive()
        return None if self._is_gone else answer

    @contextmanager
    def _unless_gone(self) -> Iterator[None]:
        """Say nothing to a session that has died: what it has not heard, nobody needs."""
        try:
            yield
        except EOFError:
            self._is_gone = True

    def _send_state(self) -> None:
        """Send what the account says, if that is something else by now."""
        while self._account.unraised:
            failure = self._account.unraised.popleft()
            told = (failure.time, failure.run, failure.path, failure.cause, failure.remedy)
            self._channel.send("raise", (told,), False)
        state = state_of(self._account)
        if state != self._state:
            self._state = state
            self._channel.send("state", (state,), False)


class _Told(LogOnce):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def is_new(self, key: object) -> bool:
        return self._session.is_new(key)


class _Notifier(Notifier):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def tell(self, kind: Kind, notice: Notice) -> None:
        self._session.tell(kind, notice)


class LogSender(logging.Handler):
    """Worker records of the log over to the session, which has the handlers that people look at.

    Parameters
    ----------
    log
        Takes each, as values.
    """

    def __init__(self, log: Callable[[Mapping[str, Any]], object]) -> None:
        super().__init__()
        self._log = log
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one record."""
        try:
            told = {name: getattr(record, name) for name in _OF_RECORDS}
            told["msg"], told["args"] = record.getMessage(), ()
            if record.exc_info:
                exception = self._formatter.formatException(record.exc_info)
                told["exc_text"] = record.exc_text or exception
            self._log(told)
        except Exception:
            self.handleError(record)


_OF_RECORDS = (
    *("name", "levelno", "levelname", "pathname", "filename", "module", "lineno", "funcName"),
    *("created", "msecs", "threadName", "exc_text", "stack_info"),
)
