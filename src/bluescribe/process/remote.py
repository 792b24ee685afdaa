"""Remote: takes what came for a format, and has a process of its own write it.

What the process has not finished when it dies is written again by another one, from the spool.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
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
from .child import Child
from .hands import Hands
from .hearing import Hearing

if TYPE_CHECKING:
    from ..spool import Lane

__all__ = ["Remote"]

logger = logging.getLogger(__name__)

_AT_ONCE = 500
"""Entries of a story that are sent in one message."""
_END_SECONDS = 15.0
"""How much longer than it was given the end of a process is waited for."""
_PAUSE_SECONDS = 0.5
"""Between two tries of what the system refused."""
_MOMENT_SECONDS = 1.0
_MOST_STARTS = 3
"""How often a process may fail to begin before the session does the work itself."""
_MOST_PATIENT_STARTS = 120
"""How often, where it fails as the system has no room at the moment."""
_PASSES = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
_REMEDY = "please report this, and export the run from a catalog or a journal"
_MOST_DEATHS = 3
"""How often images are tried again at which a process died."""


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
        Makes what does the work in the session if no process can be begun.
    """

    def __init__(
        self, about: Mapping[str, Any], lane: Lane, ledger: Ledger, here: Callable[[], Hands]
    ) -> None:
        self._about = dict(about)
        self._lane = lane
        self._ledger = ledger
        self._hearing = Hearing(lane, ledger)
        self._make_hands = here
        self._hands: Hands | None = None
        """Does the work here, where no process can be begun."""
        self._child: Child | None = None
        self._is_dead = False
        self._is_over = False
        self._items: list[tuple[str, Any]] = []
        self._segment = 0
        """In which one of the log the process reads; they are counted from 1."""
        self._state: dict[str, Any] = {"late": (), "unfinished": ()}
        self._orphans: set[str] = set()
        """Uids of runs that a process has left, which are not written again yet."""
        self._written_again = ""
        """The run that is written again at this moment."""
        self._left: set[str] = set()
        """Uids of runs of which the next process may get what follows, without their beginning."""
        self._copying: list[Path] = []
        """Files that a process has left before their images were copied."""
        self._deaths: Counter[Path] = Counter()
        """At images that were copied, by their files."""
        self._using = threading.Lock()
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
        if not isinstance(doc, Stretch):
            self._items.append((name, doc))
            return
        self._send_items()
        if doc.segment != self._segment:
            self._segment = doc.segment
            self._do("segment", doc.segment)
        self._do("stretch", doc.start, doc.end, self._lane.key)

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
        if not (self._is_dead or (self._child is not None and self._child.has_ended)):
            return
        with self._using:
            if self._child is None:  # it died while it began, and another one did
                self._is_dead = False
                return
            self._bury(self._child)
        self._write_orphans()
        self._copy_again()

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether that is done."""
        files = self._hearing.made(uid) if uid in self._orphans else None
        answer = self._do("late", uid, files, entries)
        if self._is_dead:
            return False
        self._written_again = ""
        if uid in self._orphans and (answer or uid in self._state["late"]):
            self._orphans.discard(uid)  # the living process has it
            self._hearing.mirror.settle(uid)
        return bool(answer)

    def end(self, timeout: float | None) -> None:
        """Have what remains done, such as the copying of images, and end the process.

        Parameters
        ----------
        timeout
            Seconds after which that is given up; None waits for all.
        """
        if os.getpid() != self._process:  # a forked child: the process is its parent's
            return None
        if threading.current_thread() in self._lane.threads:  # which has to hear the end
            threading.Thread(target=self._end_behind, args=(timeout,), daemon=True).start()
            return None
        for _ in range(_MOST_DEATHS):
            if self._hands is not None:
                return self._hands.end(timeout)
            if self._has_ended(timeout):
                return None
            self.tend()  # it died: another one copies the images
        return self._leave_copying("its processes died")

    def _end_behind(self, timeout: float | None) -> None:
        self._lane.close(timeout)
        self.end(timeout)

    def leave(self, then: Callable[[], object]) -> None:
        """Have what remains done, end the process, and call `then`; nobody waits.

        The account may be another one's from now on. Images that are still being copied when the
        interpreter ends are left to the next session.
        """
        self._hearing.leave()

        def end() -> None:
            self.end(None)
            then()

        name = f"bluescribe-{self._ledger.format_name}-ends"
        if self._child is None and self._hands is None and not self._using.locked():
            self._is_over = True
            then()
        else:
            with suppress(RuntimeError):  # the interpreter ends, and the process with it
                threading.Thread(target=end, name=name, daemon=True).start()

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

    def _has_ended(self, timeout: float | None) -> bool:
        """End the process; return False if it died before."""
        self._is_over = True
        child = self._child
        if child is None:
            return True
        if not self._using.acquire(timeout=0 if not self._lane.has_begun else _MOMENT_SECONDS):
            if not self._lane.has_begun:
                child.kill_soon()  # it begins: whoever waits for that reaps it
            return True
        try:
            child.commands.send("end", timeout)
            child.commands.receive(None if timeout is None else timeout + _END_SECONDS)
            child.reap()
            self._child = None
        except EOFError:
            self._is_dead = self._child is child and bool(self._ledger.copying or self.unfinished)
            if not self._is_dead:
                child.reap()
            return not self._is_dead
        except TimeoutError:
            self._leave_copying("its process hangs")
        finally:
            self._using.release()
        return True

    def _leave_copying(self, why: str) -> None:
        """Leave images to the next session, and report their runs."""
        left, self._ledger.copying = self._ledger.copying, []
        if not left:
            return
        self._ledger.owed = [*self._ledger.owed, *left]
        logger.warning(
            "%s: %s, and not all images were copied into %s. Keep the files that these link: the "
            "next session copies them, or bluescribe recover does.",
            self._ledger.format_name,
            why,
            ", ".join(map(str, left)),
        )
        for start, files in self._hearing.begun().values():
            if set(files) & set(left):
                name = self._ledger.format_name
                self._hearing.report(RunReport(name, start, tuple(files), is_owed=True))

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
            self._send_story(*told)
        elif name == "segment":
            fd = self._opened(*told)
            try:
                commands.send("segment")
                commands.send_file(fd)
            finally:
                with suppress(OSError):  # the answer is to be heard all the same
                    os.close(fd)
        else:
            commands.send(name, *told)
        answer, state = commands.receive()
        self._take(state)
        return answer

    def _send_story(self, uid: str, files: list[Path] | None, entries: Iterator[Entry]) -> None:
        assert self._child is not None  # it was begun
        commands = self._child.commands
        self._written_again = uid
        commands.send("late", uid, files)
        try:
            while part := list(islice(entries, _AT_ONCE)):
                commands.send("part", part)
        except (OSError, BrokenSpoolError) as error:
            commands.send("broken", str(error))
        else:
            commands.send("whole")

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
        tries = 0
        while not self._is_over or self._lane.has_begun:
            try:
                name, wake = self._ledger.format_name, self._lane.wake.set
                self._child = Child(name, self._about, self._hearing, wake)
                self._lane.threads.add(self._child.thread)
                self._child.wait_until_ready()
            except Exception as error:  # whatever the session has made of Python
                self._child = None
                tries += 1
                passes = isinstance(error, OSError) and error.errno in _PASSES
                if tries >= (_MOST_PATIENT_STARTS if passes else _MOST_STARTS):
                    self._give_in(error)
                    break
                if passes:
                    time.sleep(_PAUSE_SECONDS)
            else:
                return True
        return False

    def _give_in(self, error: Exception) -> None:
        logger.warning(
            "%s: no process of its own can be begun, and it is written in this one: %s",
            self._ledger.format_name,
            error,
        )
        self._hearing.leave()
        self._hands = self._make_hands()

    def _bury(self, child: Child) -> None:
        """Enter what the process has left."""
        how, words = child.reap(), child.last_words
        whole = dict(self._ledger.finished.copy())
        self._left = {*self._state["unfinished"], *self._state["late"], *self._lane.begun()}
        left = {uid for uid in self._left if not self._hearing.is_reported(uid)}
        self._orphans |= left.difference(whole)
        self._copying = [*self._ledger.copying]
        self._deaths.update(self._copying)
        self._hearing.mirror.renew(self._orphans)
        logger.error(
            "%s: the process that writes it %s. The session goes on, and another one writes %s.%s",
            self._ledger.format_name,
            how,
            "again what was open" if self._orphans else "what comes",
            f" Its last words: {words}" if words else "",
        )
        self._child, self._is_dead, self._segment = None, False, 0
        self._take({"late": (), "unfinished": (), "has_open_runs": bool(left)})
        self._charge(how)
        for uid in left.intersection(whole):  # its file was closed, which was not reported yet
            start, files = self._hearing.begun().get(uid, ({"uid": uid}, [whole[uid]]))
            if not set(files) & set(self._copying):
                name = self._ledger.format_name
                self._hearing.report(RunReport(name, start, tuple(files)))

    def _charge(self, how: str) -> None:
        """Give up the runs at which one process after another died."""
        at_it = {self._written_again} & self._orphans  # others that are open have no part in it
        self._written_again = ""
        is_copying = any(self._deaths[path] > 1 for path in self._copying)
        for uid in at_it or (set() if is_copying else set(self._orphans)):
            cause = f"the process that writes it {how}"
            late = self._failure(uid, cause, "it is written again, as soon as that can be done")
            if not self._hearing.mirror.postpone(uid, late):
                self._lose(uid, self._failure(uid, cause))

    def _write_orphans(self) -> None:
        """Have another process write what was left."""
        again = {path for uid in self._orphans for path in self._hearing.made(uid)}
        self._copying = [path for path in self._copying if path not in again]
        known = [uid for uid in self._hearing.begun() if uid in self._orphans]
        if self._left:
            self._do("hush", sorted(self._left))
        for uid in [*known, *sorted(self._orphans.difference(known))]:
            entries = self._lane.story(uid)
            if entries is None:
                self._lose(uid, self._failure(uid, "its process died, and the spool lacks it"))
            else:
                self.write_late(uid, entries)

    def _copy_again(self) -> None:
        """Have another process copy the images that were left."""
        files = {path: start for start, paths in self._hearing.begun().values() for path in paths}
        for path in self._copying:
            if self._deaths[path] <= _MOST_DEATHS:
                self._do("owed", path.with_name(path.name + ENDING), files.get(path))
        poisoned = [path for path in self._copying if self._deaths[path] > _MOST_DEATHS]
        if poisoned:
            self._ledger.copying = [*self._ledger.copying, *poisoned]
            self._give_up_copying(poisoned)

    def _give_up_copying(self, poisoned: list[Path]) -> None:
        others = [path for path in self._ledger.copying if path not in poisoned]
        self._ledger.copying = poisoned
        self._leave_copying("one process after another died at it")
        self._ledger.copying = others

    def _failure(self, uid: str, cause: str, remedy: str = _REMEDY) -> Failure:
        start, files = self._hearing.begun().get(uid, ({"uid": uid}, []))
        label, path = Run(dict(start)).label, files[0] if files else None
        return Failure(time.time(), label, path, cause, remedy)

    def _lose(self, uid: str, failure: Failure) -> None:
        self._orphans.discard(uid)
        self._hearing.mirror.settle(uid)
        start, files = self._hearing.begun().get(uid, ({"uid": uid}, []))
        name, error = self._ledger.format_name, ChildProcessError(failure.cause)
        news = News(name, uid, failure.run, error, failure.path, failure.remedy)
        self._ledger.teller.tell("lost", news)
        self._hearing.mirror.fail(failure)
        report = RunReport(name, start, tuple(files), (failure,), is_given_up=True)
        self._hearing.report(report)
