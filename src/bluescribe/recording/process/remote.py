"""RemoteRecorder: takes what came for a format, and has a process of its own write it.

What the process has not finished when it dies is written again by another one, from the spool.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...spool.entries import Entry
from ...spool.event_columns import EventColumns
from ...spool.event_rows import EventRows
from ...spool.stretch import Stretch
from ..account import Account
from .connection import Connection
from .crash import MOST_DEATHS, CrashRecovery
from .events import WorkerEvents

if TYPE_CHECKING:
    from ...spool import Lane
    from .worker import Worker

__all__ = ["RemoteRecorder"]


class RemoteRecorder:
    """Writes a format in another process; its methods are called by its lane's thread.

    Parameters
    ----------
    about
        The writer's class and settings, for the process.
    lane
        Knows what came.
    account
        The account of the writer.
    here
        Makes what does the work in the session if no process can be begun.
    """

    def __init__(
        self, about: Mapping[str, Any], lane: Lane, account: Account, here: Callable[[], Worker]
    ) -> None:
        self._lane = lane
        self._account = account
        events = WorkerEvents(lane, account)
        self._connection = Connection(about, lane, account, events=events, here=here)
        self._crash = CrashRecovery(self._connection, lane, account, events)
        self._items: list[tuple[str, Any]] = []
        self._process = os.getpid()

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""
        return bool(self._connection.state["has_open_runs"])

    @property
    def reads_log(self) -> bool:
        """Whether it gets parts of the log instead of documents."""
        return self._connection.worker is None

    @property
    def late(self) -> set[str]:
        """Uids of runs that could not be written, and will be from the log."""
        return {*self._connection.state["late"], *self._crash.orphans}

    @property
    def unfinished(self) -> set[str]:
        """Uids of runs that are open or late."""
        return {*self._connection.state["unfinished"], *self.late}

    def foresee(self, stops: Sequence[Any]) -> None:
        """Do nothing: the process sees them in what it gets."""

    def receive(self, name: str, doc: Any) -> None:
        """Hand on one document, or a part of the log."""
        if isinstance(doc, EventRows):
            self._items += (("event", event) for event in doc.events())
            return
        if isinstance(doc, EventColumns):
            name, doc = "event_page", doc.page
        if not isinstance(doc, Stretch):
            self._items.append((name, doc))
            return
        self._send_items()
        if doc.segment != self._connection.segment:
            self._connection.segment = doc.segment
            self._connection.do("segment", doc.segment)
        self._connection.do("stretch", doc.start, doc.end, self._lane.key)

    def sync(self) -> None:
        """Have all brought to disk, in another process if this one has died."""
        self._send_items()
        self._connection.do("sync")
        self.tend()

    def close(self) -> None:
        """Have every file finished."""
        self._send_items()
        if self._connection.child is not None or self._connection.worker is not None:
            self._connection.do("close")
            self.tend()
            self._connection.do("close")

    def tend(self) -> None:
        """See to what a process has left that has died."""
        connection = self._connection
        if not connection.may_be_dead:
            return
        with connection.using:
            if connection.child is None:  # it died while it began, and another one did
                connection.is_dead = False
                return
            self._crash.enter(connection.child)
        self._crash.redo()

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether that is done."""
        return self._crash.write_late(uid, entries)

    def end(self, timeout: float | None) -> None:
        """Have what remains done, such as the copying of images, and end the process.

        Parameters
        ----------
        timeout
            Seconds after which that is given up; None waits for all.
        """
        if os.getpid() != self._process:  # a forked child: the process is its parent's
            return
        if threading.current_thread() in self._lane.threads:  # which has to hear the end
            threading.Thread(target=self._end_behind, args=(timeout,), daemon=True).start()
            return
        try:
            self._end(timeout)
        except TimeoutError:
            self._crash.leave_copying("its process hangs")

    def _end(self, timeout: float | None) -> None:
        for _ in range(MOST_DEATHS):
            if self._connection.worker is not None:
                return self._connection.worker.end(timeout)
            if self._connection.end(timeout, has_rest=self._has_rest):
                return None
            self.tend()  # it died: another one copies the images
        return self._crash.leave_copying("its processes died")

    def _has_rest(self) -> bool:
        return bool(self._account.copying or self.unfinished)

    def _end_behind(self, timeout: float | None) -> None:
        self._lane.close(timeout)
        self.end(timeout)

    def leave(self, then: Callable[[], object]) -> None:
        """Have what remains done, end the process, and call `then`; nobody waits.

        The account may be another one's from now on. Images that are still being copied when the
        interpreter ends are left to the next session.
        """
        self._connection.leave_account()

        def end() -> None:
            self.end(None)
            then()

        name = f"bluescribe-{self._account.format_name}-ends"
        if not self._connection.is_used:
            self._connection.is_over = True
            then()
        else:
            with suppress(RuntimeError):  # the interpreter ends, and the process with it
                threading.Thread(target=end, name=name, daemon=True).start()

    def begin(self) -> None:
        """Have the process begin before it is needed: imports take a quarter of a second."""
        if self._connection.child is None and self._connection.worker is None:
            name = f"bluescribe-{self._account.format_name}-begins"
            threading.Thread(target=self._connection.begin, name=name, daemon=True).start()

    def _send_items(self) -> None:
        items, self._items = self._items, []
        if items:
            self._connection.do("items", items)
