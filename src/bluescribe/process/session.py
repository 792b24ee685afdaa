"""The session, as the process that writes for it sees it: asked and told over a channel."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..runreport import RunReport
from ..status import Ledger, Told
from ..telling import Kind, News, Teller
from .accounts import news_told, report_told, state_of
from .channel import Channel

__all__ = ["LogSender", "Session"]


class Session:
    """What is the session's: its spool, its messages, and those who are told of runs.

    Parameters
    ----------
    channel
        Is answered by the session at once, whatever its lane does.
    ledger
        The account of the writer in this process; what happens in it is told from now on.
    """

    def __init__(self, channel: Channel, ledger: Ledger) -> None:
        self._channel = channel
        self._ledger = ledger
        self._asking = threading.RLock()  # what is logged while it asks is told first
        self._state: dict[str, Any] = {}
        self._is_gone = False
        ledger.spool = self
        ledger.told = _Told(self)
        ledger.teller = _Teller(self)
        ledger.on_begin.append(self._tell_begun)
        ledger.on_finish.append(self._tell_finished)

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

    def tell(self, kind: Kind, news: News) -> None:
        """Have the session tell of what this format met."""
        self._send("tell", kind, news_told(news))

    def settle(self) -> None:
        """Wait until the session has heard all that was told."""
        self._ask("settle")

    def _tell_begun(self, start: Mapping[str, Any], paths: Sequence[Path]) -> None:
        self._send("begin", dict(start), [*paths])

    def _tell_finished(self, report: RunReport) -> None:
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
        while self._ledger.unraised:
            failure = self._ledger.unraised.popleft()
            told = (failure.time, failure.run, failure.path, failure.cause, failure.remedy)
            self._channel.send("raise", (told,), False)
        state = state_of(self._ledger)
        if state != self._state:
            self._state = state
            self._channel.send("state", (state,), False)


class _Told(Told):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def is_new(self, key: object) -> bool:
        return self._session.is_new(key)


class _Teller(Teller):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def tell(self, kind: Kind, news: News) -> None:
        self._session.tell(kind, news)


class LogSender(logging.Handler):
    """Hands records of the log over to the session, which has the handlers that people look at.

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
