"""CrashRecovery: what a process of a format has left that died, and another one does again.

Runs that were open, or begun and not reported, are orphans: they are written again from the spool.
Images that were being copied are copied again. A run, or a file, at which one process after another
dies is given up.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.report import Failure, RunReport
from ...files.run_names import OWED
from ...model.run import Run
from ...spool.entries import Entry
from ..account import Account
from ..notices import Notice
from .child import Child
from .connection import Connection
from .events import WorkerEvents

if TYPE_CHECKING:
    from ...spool import Lane

__all__ = ["MOST_DEATHS", "CrashRecovery"]

logger = logging.getLogger(__name__)

_REMEDY = "please report this, and export the run from a catalog or a journal"
MOST_DEATHS = 3
"""How often images are tried again at which a process died."""


class CrashRecovery:
    """What the processes of one writer have left; on the thread of its lane.

    Parameters
    ----------
    connection
        Leads to the process that lives.
    lane
        Knows what came.
    account
        The account of the writer.
    events
        Knows what the processes have begun and made.
    """

    def __init__(
        self, connection: Connection, lane: Lane, account: Account, events: WorkerEvents
    ) -> None:
        self._connection = connection
        self._lane = lane
        self._account = account
        self._events = events
        self.orphans: set[str] = set()
        """Uids of runs that a process has left, which are not written again yet."""
        self._written_again = ""
        """The run that is written again at this moment."""
        self._left: set[str] = set()
        """Uids of runs of which the next process may get what follows, without their beginning."""
        self._copying: list[Path] = []
        """Files that a process has left before their images were copied."""
        self._deaths: Counter[Path] = Counter()
        """At images that were copied, by their files."""

    def redo(self) -> None:
        """Have another process do it again."""
        self._write_orphans()
        self._copy_again()

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether that is done."""
        connection = self._connection
        if connection.is_dead:
            return False
        files = self._events.made(uid) if uid in self.orphans else None
        self._written_again = uid
        answer = connection.do("late", uid, files, entries)
        if self._connection.is_dead:  # by now
            return False
        self._written_again = ""
        if uid in self.orphans and (answer or uid in connection.state["late"]):
            self.orphans.discard(uid)  # the living process has it
            self._events.mirror.settle(uid)
        return bool(answer)

    def leave_copying(self, why: str) -> None:
        """Leave images to the next session, and report their runs."""
        left, self._account.copying = self._account.copying, []
        if not left:
            return
        self._account.owed = [*self._account.owed, *left]
        logger.warning(
            "%s: %s, and not all images were copied into %s. Keep the files that these link: the "
            "next session copies them, or bluescribe recover does.",
            self._account.format_name,
            why,
            ", ".join(map(str, left)),
        )
        for start, files in self._events.begun().values():
            if set(files) & set(left):
                name = self._account.format_name
                self._events.report(RunReport(name, start, tuple(files), is_owed=True))

    def enter(self, child: Child) -> None:
        """Enter what a process has left that died; nobody uses the connection meanwhile."""
        how, words = child.reap(), child.last_words
        whole = dict(self._account.finished.copy())
        self._left = {
            *self._connection.state["unfinished"],
            *self._connection.state["late"],
            *self._lane.begun(),
        }
        left = {uid for uid in self._left if not self._events.is_reported(uid)}
        self.orphans |= left.difference(whole)
        self._copying = [*self._account.copying]
        self._deaths.update(self._copying)
        self._events.mirror.renew(self.orphans)
        logger.error(
            "%s: the process that writes it %s. The session goes on, and another one writes %s.%s",
            self._account.format_name,
            how,
            "again what was open" if self.orphans else "what comes",
            f" Its last words: {words}" if words else "",
        )
        state = {"late": (), "unfinished": (), "has_open_runs": bool(left)}
        self._connection.forget(state)
        self._charge(how)
        for uid in left.intersection(whole):  # its file was closed, which was not reported yet
            start, files = self._events.begun().get(uid, ({"uid": uid}, [whole[uid]]))
            if not set(files) & set(self._copying):
                name = self._account.format_name
                self._events.report(RunReport(name, start, tuple(files)))

    def _charge(self, how: str) -> None:
        """Give up the runs at which one process after another died."""
        at_it = {self._written_again} & self.orphans  # others that are open have no part in it
        self._written_again = ""
        is_copying = any(self._deaths[path] > 1 for path in self._copying)
        for uid in at_it or (set() if is_copying else set(self.orphans)):
            cause = f"the process that writes it {how}"
            late = self._failure(uid, cause, "it is written again, as soon as that can be done")
            if not self._events.mirror.postpone(uid, late):
                self._lose(uid, self._failure(uid, cause))

    def _write_orphans(self) -> None:
        """Have another process write what was left."""
        again = {path for uid in self.orphans for path in self._events.made(uid)}
        self._copying = [path for path in self._copying if path not in again]
        known = [uid for uid in self._events.begun() if uid in self.orphans]
        if self._left:
            self._connection.do("hush", sorted(self._left))
        for uid in [*known, *sorted(self.orphans.difference(known))]:
            entries = self._lane.story(uid)
            if entries is None:
                self._lose(uid, self._failure(uid, "its process died, and the spool lacks it"))
            else:
                self.write_late(uid, entries)

    def _copy_again(self) -> None:
        """Have another process copy the images that were left."""
        files = {path: start for start, paths in self._events.begun().values() for path in paths}
        for path in self._copying:
            if self._deaths[path] <= MOST_DEATHS:
                self._connection.do("owed", path.with_name(path.name + OWED), files.get(path))
        poisoned = [path for path in self._copying if self._deaths[path] > MOST_DEATHS]
        if poisoned:
            self._account.copying = [*self._account.copying, *poisoned]
            self._give_up_copying(poisoned)

    def _give_up_copying(self, poisoned: list[Path]) -> None:
        others = [path for path in self._account.copying if path not in poisoned]
        self._account.copying = poisoned
        self.leave_copying("one process after another died at it")
        self._account.copying = others

    def _failure(self, uid: str, cause: str, remedy: str = _REMEDY) -> Failure:
        start, files = self._events.begun().get(uid, ({"uid": uid}, []))
        label, path = Run(dict(start)).label, files[0] if files else None
        return Failure(time.time(), label, path, cause, remedy)

    def _lose(self, uid: str, failure: Failure) -> None:
        self.orphans.discard(uid)
        self._events.mirror.settle(uid)
        start, files = self._events.begun().get(uid, ({"uid": uid}, []))
        name, error = self._account.format_name, ChildProcessError(failure.cause)
        notice = Notice(name, uid, failure.run, error, failure.path, failure.remedy)
        self._account.notifier.notify("lost", notice)
        self._events.mirror.fail(failure)
        report = RunReport(name, start, tuple(files), (failure,), is_given_up=True)
        self._events.report(report)
