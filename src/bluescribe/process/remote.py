"""Remote: takes what came for a format, and has a process of its own write it.

What the process has not finished when it dies is written again by another one, from the spool.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..owed import ENDING
from ..run import Run
from ..runreport import Failure, RunReport
from ..spool.problems import BrokenSpoolError
from ..spool.reading import tell_of_unreadable
from ..spool.segment import Entry
from ..spool.stretch import Stretch
from ..status import Ledger
from ..telling import News
from .accounts import Mirror, news_from, report_from
from .child import Child
from .hands import Hands

if TYPE_CHECKING:
    from ..spool import Lane

__all__ = ["Remote"]

logger = logging.getLogger(__name__)

_AT_ONCE = 500
"""Entries of a story that are sent in one message."""
_REPORTED_KEPT = 1_000
_END_SECONDS = 15.0
"""How much longer than it was given the end of a process is waited for."""
_PAUSE_SECONDS = 0.5
"""Between two tries to open a segment of the log."""
_MOMENT_SECONDS = 1.0
_MOST_STARTS = 3
"""How often a process may fail to begin before the session does the work itself."""


class Remote:
    """Writes a format in another process; its methods are called by its lane's thread.

    Parameters
    ----------
    about
        The writer's class and settings, for the process.
    lane
        Knows what came.
    ledger
        The account of the writer.
    here
        Does the work in the session if no process can be begun.
    """

    def __init__(
        self, about: Mapping[str, Any], lane: Lane, ledger: Ledger, here: Callable[[], Hands]
    ) -> None:
        self._about = dict(about)
        self._lane = lane
        self._ledger = ledger
        self._mirror = Mirror(ledger)
        self._make_hands = here
        self._hands: Hands | None = None
        """Does the work here, where no process can be begun."""
        self._child: Child | None = None
        self._is_dead = False
        self._starts = 0
        self._items: list[tuple[str, Any]] = []
        self._segment = 0
        """In which one of the log the process reads; they are counted from 1."""
        self._state: dict[str, Any] = {"late": (), "unfinished": (), "events": {}}
        self._orphans: set[str] = set()
        """Uids of runs that a process has left, which are not written again yet."""
        self._begun: dict[str, tuple[Mapping[str, Any], list[Path]]] = {}
        """Of each run that is not reported: its start document and its files."""
        self._files: dict[str, list[Path]] = {}
        """Of each run that is not reported: all files that were made, or were to be."""
        self._written_again = ""
        """The run that is written again at this moment."""
        self._reported: deque[str] = deque(maxlen=_REPORTED_KEPT)
        self._using = threading.Lock()
        self._is_over = False
        self._process = os.getpid()
        self.has_open_runs = False
        """Whether more documents are to be expected soon."""

    @property
    def reads_log(self) -> bool:
        """Whether it gets parts of the log instead of documents."""
        return self._hands is None

    @property
    def late(self) -> set[str]:
        """Uids of runs that could not be written, and will be from the log."""
        return {*self._state["late"], *self._orphans}

    @property
    def unfinished(self) -> set[str]:
        """Uids of runs that are open or late."""
        return {*self._state["unfinished"], *self.late}

    def receive(self, name: str, doc: Any) -> None:
        """Hand on one document, or a part of the log."""
        if isinstance(doc, Stretch):
            self._send_items()
            self._send_stretch(doc)
        else:
            self._items.append((name, doc))

    def sync(self) -> None:
        """Have all brought to disk, in another process if this one has died."""
        self._send_items()
        self._do("sync")
        self.tend()

    def close(self) -> None:
        """Have every file finished."""
        self._send_items()
        if self._child is not None or self._hands is not None:
            self._do("close")
            self.tend()
            self._do("close")

    def tend(self) -> None:
        """See to what a process has left that has died."""
        if self._is_dead or (self._child is not None and self._child.has_ended):
            self._bury()
            self._write_orphans()

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether that is done."""
        files = self._files.get(uid, []) if uid in self._orphans else None
        answer = self._do("late", uid, files, entries)
        if self._is_dead:
            return False
        self._written_again = ""
        if answer is None and uid in self._orphans:  # that is a fault of ours, which the log has
            self._lose(uid, self._failure(uid, "it could not be written again"))
        self._orphans.discard(uid)  # or the living process has it as late
        return bool(answer)

    def end(self, timeout: float | None) -> None:
        """Have what remains done, such as the copying of images, and end the process.

        Parameters
        ----------
        timeout
            Seconds after which that is given up; None waits for all.
        """
        if os.getpid() != self._process:  # a forked child: the process is its parent's
            return
        if self._hands is not None:
            self._hands.end(timeout)
            return
        self._is_over = True
        # whoever holds it for longer than that hangs, or begins
        if self._child is None or not self._using.acquire(timeout=_MOMENT_SECONDS):
            return
        try:
            self._child.commands.send("end", timeout)
            self._child.commands.receive(None if timeout is None else timeout + _END_SECONDS)
            self._child.reap()
        except (EOFError, TimeoutError):  # it died, or hangs: notes say what is owed
            logger.debug("%s: its process was left", self._ledger.format_name)
        finally:
            self._using.release()

    def leave(self, then: Callable[[], object]) -> None:
        """Have what remains done, end the process, and call `then`."""
        self.end(None)
        then()

    def begin(self) -> None:
        """Have the process begin before it is needed: it takes half a second to import all."""
        if self._child is None and self._hands is None:
            name = f"bluescribe-{self._ledger.format_name}-begins"
            threading.Thread(target=self._begin_early, name=name, daemon=True).start()

    def _begin_early(self) -> None:
        with self._using:
            if self._child is None and not self._is_over:
                self._start()
            if self._child is not None and self._is_over:
                self._child.kill()

    def _send_stretch(self, stretch: Stretch) -> None:
        if stretch.segment != self._segment:
            self._segment = stretch.segment
            self._do("segment", stretch.segment)
        self._do("stretch", stretch.start, stretch.end, self._lane.key)

    def _send_items(self) -> None:
        items, self._items = self._items, []
        if items:
            self._do("items", items)

    def _do(self, name: str, *told: Any) -> Any:
        """Have something done; None if the process has died, which the next `tend` finds."""
        if self._is_dead:
            return None
        with self._using:
            try:
                if self._hands is None and (self._child is not None or self._start()):
                    return self._ask(name, *told)
            except EOFError:
                self._is_dead = True
        return None if self._hands is None else self._do_here(name, *told)

    def _ask(self, name: str, *told: Any) -> Any:
        assert self._child is not None  # it was begun
        commands = self._child.commands
        if name == "late":
            uid, files, entries = told
            self._written_again = uid
            commands.send("late", uid, files)
            while part := list(islice(entries, _AT_ONCE)):
                commands.send(part)
            commands.send([])
        elif name == "segment":
            fd = self._opened(*told)
            try:
                commands.send("segment")
                commands.send_file(fd)
            finally:
                os.close(fd)
        else:
            commands.send(name, *told)
        answer, state = commands.receive()
        self._take(state)
        return answer

    def _do_here(self, name: str, *told: Any) -> Any:
        assert self._hands is not None  # it was made
        if name == "segment":
            told = (self._opened(*told),)
        answer = None
        try:
            answer = getattr(self._hands, name)(*told)
        except (OSError, BrokenSpoolError) as error:
            tell_of_unreadable(self._ledger.format_name, error)
        self._take(self._hands.state())
        return answer

    def _opened(self, number: int) -> int:
        """Open a segment of the log; what refuses that passes, and nothing is lost meanwhile."""
        while True:
            try:
                return self._lane.open_segment(number)
            except OSError as error:
                logger.debug("%s: the spool cannot be read: %s", self._ledger.format_name, error)
                time.sleep(_PAUSE_SECONDS)

    def _take(self, state: dict[str, Any]) -> None:
        self._state = state
        self.has_open_runs = state["has_open_runs"]

    def _start(self) -> bool:
        """Begin a process; return False if the session has to do the work itself."""
        try:
            self._child = Child(
                self._ledger.format_name, self._about, self._hear, self._lane.wake.set
            )
            self._child.wait_until_ready()
        except OSError as error:
            self._child = None
            self._starts += 1
            if self._starts < _MOST_STARTS:
                return self._start()
            self._give_in(error)
            return False
        self._starts = 0
        return True

    def _give_in(self, error: OSError) -> None:
        logger.warning(
            "%s: no process of its own can be begun, and it is written in this one: %s",
            self._ledger.format_name,
            error,
        )
        self._hands = self._make_hands()

    def _bury(self) -> None:
        """Enter which runs the process has left."""
        assert self._child is not None  # it died
        how, words = self._child.reap(), self._child.last_words
        left = {*self._state["unfinished"], *self._state["late"], *self._lane.begun()}
        self._orphans |= left.difference(self._reported)
        events = sum(self._state["events"].get(uid, 0) for uid in self._orphans)
        self._mirror.renew(events)
        logger.error(
            "%s: the process that writes it %s. The session goes on, and another one writes %s.%s",
            self._ledger.format_name,
            how,
            "again what was open" if self._orphans else "what comes",
            f" Its last words: {words}" if words else "",
        )
        self._child, self._is_dead, self._segment = None, False, 0
        self._take({"late": (), "unfinished": (), "events": {}, "has_open_runs": bool(left)})
        self._sort_out(how)

    def _sort_out(self, how: str) -> None:
        """Give up the runs at which one process after another died."""
        at_it = {self._written_again} & self._orphans  # others that are open have no part in it
        self._written_again = ""
        for uid in at_it or set(self._orphans):
            failure = self._failure(uid, f"the process that writes it {how}")
            if not self._ledger.postponed.add(uid, failure, may_pass=False):
                self._lose(uid, failure)

    def _write_orphans(self) -> None:
        """Have another process write what was left, and copy what was to be copied."""
        begun = dict(self._begun)  # what another process tells comes in between
        again = {path for uid in self._orphans for path in self._files.get(uid, ())}
        copying = [path for path in self._ledger.copying if path not in again]
        known = [uid for uid in begun if uid in self._orphans]
        if self._orphans:
            self._do("hush", sorted(self._orphans))
        for uid in [*known, *sorted(self._orphans.difference(known))]:
            entries = self._lane.story(uid)
            if entries is None:
                self._lose(uid, self._failure(uid, "its process died, and the spool lacks it"))
            else:
                self.write_late(uid, entries)
        for path in copying:
            start = next((start for start, files in begun.values() if path in files), None)
            self._do("owed", path.with_name(path.name + ENDING), start)

    def _failure(self, uid: str, cause: str) -> Failure:
        start, files = self._begun.get(uid, ({"uid": uid}, []))
        remedy = "please report this, and export the run from a catalog or a journal"
        return Failure(
            time.time(), Run(dict(start)).label, files[0] if files else None, cause, remedy
        )

    def _lose(self, uid: str, failure: Failure) -> None:
        self._orphans.discard(uid)
        self._ledger.postponed.remove(uid)
        start, files = self._begun.get(uid, ({"uid": uid}, []))
        name = self._ledger.format_name
        error = ChildProcessError(failure.cause)
        self._ledger.teller.tell(
            "lost", News(name, uid, failure.run, error, failure.path, failure.remedy)
        )
        self._mirror.fail(failure)
        self._report(RunReport(name, start, tuple(files), (failure,), is_given_up=True))

    def _hear(self, kind: str, *told: Any) -> Any:
        """Take what the process tells, and answer what it asks; on a thread that does that only."""
        return getattr(self, f"_hear_{kind}")(*told)

    def _hear_settle(self) -> None:
        """All before this was heard."""

    def _hear_state(self, state: Mapping[str, Any]) -> None:
        self._mirror.take(state)

    def _hear_raise(self, told: Sequence[Any]) -> None:
        self._ledger.unraised.append(Failure(*told))

    def _hear_tell(self, kind: Any, told: Mapping[str, Any]) -> None:
        self._ledger.teller.tell(kind, news_from(told))

    def _hear_is_new(self, key: object) -> bool:
        return self._ledger.told.is_new(key)

    def _hear_keeps(self, uid: str) -> bool:
        return self._lane.keeps(uid)

    def _hear_note(self, name: str, told: Mapping[str, Any]) -> None:
        files = self._files.setdefault(told["run_start"], [])
        if (path := Path(told["path"])) not in files:
            files.append(path)
        self._lane.note(name, told)

    def _hear_begin(self, start: Mapping[str, Any], paths: list[Path]) -> None:
        self._begun[start["uid"]] = start, paths
        if start["uid"] in self._reported:  # the run was sent twice
            self._reported.remove(start["uid"])
        self._ledger.tell_begun(start, paths)

    def _hear_report(self, told: Mapping[str, Any]) -> None:
        self._report(report_from(told))

    def _report(self, report: RunReport) -> None:
        self._reported.append(report.uid)
        self._begun.pop(report.uid, None)
        self._files.pop(report.uid, None)
        self._ledger.report(report)
