"""Courier: the thread that works through an outbox."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..files.system import after_fork
from .outbox import Entry, Outbox
from .schedule import OUTBOX, Schedule
from .status import DeliveryStatus
from .trouble import Later, Refused

__all__ = ["Courier", "hasten_all"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
"""Seconds between two looks into the outbox for entries of other processes."""

_DISK_REMEDY = "look whether that folder can be written, or set another OUTBOX"

_Deliver = Callable[[Entry], float | None]
_Look = Callable[[], None]


class Courier:
    """Deliver the entries of an outbox, on a thread that the first entry starts.

    Parameters
    ----------
    name
        Of the delivery, for messages and the thread.
    outbox
        The entries to deliver.
    deliver, look
        As `Delivery.deliver` and `Delivery.look_for_more`.
    """

    def __init__(self, name: str, outbox: Outbox, deliver: _Deliver, look: _Look) -> None:
        self._name = name
        self._outbox = outbox
        self._deliver = deliver
        self._look = look
        self._delivered = 0
        self._schedule = Schedule(name)
        self._unsaved: deque[tuple[str, dict[str, Any]]] = deque()
        """Entries that the disk of the outbox refused."""
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closing = self._is_over = self._is_child = False
        _COURIERS.add(self)

    def begin(self, *, is_more: bool = False) -> None:
        """Start if an earlier session left something in the outbox, or there is more."""
        if is_more or self._outbox.paths():
            self._start()

    def put(self, run: str, content: dict[str, Any]) -> None:
        """Put an entry into the outbox before this returns, and have it delivered. Never raise."""
        if self._is_child:
            return
        try:
            self._outbox.put(run, content)
        except OSError as error:
            self._unsaved.append((run, content))
            logger.error(  # noqa: TRY400  # an error of the system needs no traceback
                "%s: %s cannot be put into %s: %s. Remedy: %s. It is tried again by itself, and "
                "lost if this process ends before that.",
                *(self._name, run, self._outbox.folder, error, _DISK_REMEDY),
            )
        self._start()
        self._wake.set()

    def hasten(self) -> None:
        """Look at entries under way now, before their time has come."""
        self._schedule.hasten()
        self._wake.set()

    def begin_to_close(self) -> None:
        """Accept no more entries, and try those that were not tried yet."""
        if not self._is_child:
            self._is_closing = True
            self.hasten()

    def close(self, timeout: float) -> None:
        """Try once the entries that were not tried yet, end the thread, and log what remains."""
        if self._is_child or self._is_over or self._thread is threading.current_thread():
            return
        self.begin_to_close()
        if self._thread is not None:
            self._thread.join(timeout)
        self._is_over = True
        self._log_rest()

    def status(self) -> DeliveryStatus:
        """Return the state as it is."""
        names = {path.name for path in self._outbox.paths()}
        under_way = sum(map(self._schedule.is_under_way, names))
        return DeliveryStatus(
            name=self._name,
            outbox=self._outbox.folder,
            delivered=self._delivered,
            under_way=under_way,
            waiting=len(names) - under_way + len(self._unsaved),
            trouble=self._schedule.cause,
            refused=len(self._outbox.refused()),
        )

    def forget(self) -> None:
        """Do nothing in a forked child: the parent delivers."""
        self._is_child = True
        self._outbox.unlock()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._is_closing:
                return
            name = f"bluescribe-{self._name}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends: the next session delivers it
                return
            self._thread = thread

    def _work(self) -> None:
        while True:
            is_last = self._is_closing  # read before: what was put until then has its turn
            try:
                pause = self._handle_all()
            except OSError as error:  # of the outbox
                self._schedule.put_off(OUTBOX, "what waits", Later(str(error), _DISK_REMEDY))
                pause = self._schedule.pause(_LOOK_SECONDS)
            except Exception:
                logger.exception("%s: a fault inside bluescribe; please report it", self._name)
                pause = _LOOK_SECONDS
            if self._is_over or (is_last and pause > 0):  # 0: there is more to send at once
                self._outbox.unlock()
                return
            self._wake.wait(pause)
            self._wake.clear()

    def _handle_all(self) -> float:
        """Handle every entry whose time has come; return the seconds until the next one."""
        while self._unsaved:  # whoever sends
            self._outbox.put(*self._unsaved[0])
            self._unsaved.popleft()
        is_ours = self._outbox.lock()
        self._schedule.end_trouble_of(OUTBOX)
        if not is_ours:
            return _LOOK_SECONDS
        self._look()
        paths = self._outbox.paths()
        self._schedule.forget_others({path.name for path in paths})
        if self._is_closing:  # there is little time: what is new goes first
            paths.sort(key=lambda path: self._schedule.is_under_way(path.name))
        for path in paths:
            if self._is_over or self._schedule.is_held:
                break
            if self._schedule.is_due(path.name):
                self._handle(path)
        return self._schedule.pause(_LOOK_SECONDS)

    def _handle(self, path: Path) -> None:
        """Deliver one entry, or record why it waits."""
        run, entry, began = path.name, None, time.monotonic()
        try:
            entry = self._outbox.read(path)
            if entry is None:
                self._schedule.forget(path.name)
                return
            run = entry.run
            again = self._deliver(entry)
            if again is None:
                self._outbox.remove(entry)
        except (Later, OSError) as error:
            self._put_off(path.name, run, error)
        except Refused as problem:
            self._schedule.end_trouble_of(path.name)
            self._set_aside(Entry(path, run, entry.content if entry else {}), problem)
        except Exception as error:
            logger.exception("%s: a fault inside bluescribe", self._name)
            remedy = "please report this with the traceback in the log"
            fault = Refused(f"{type(error).__name__}: {error}", remedy)
            self._set_aside(Entry(path, run, entry.content if entry else {}), fault)
        else:
            self._schedule.succeed(path.name)
            if again is None:
                self._delivered += 1
            else:
                self._schedule.look_again(path.name, began, again)

    def _put_off(self, name: str, run: str, problem: Later | OSError) -> None:
        if isinstance(problem, OSError):  # of the outbox
            problem = Later(str(problem), _DISK_REMEDY, only_this=True)
        self._schedule.put_off(name, run, problem)

    def _set_aside(self, entry: Entry, problem: Refused) -> None:
        """Move an entry aside that cannot be delivered, and log that."""
        try:
            kept = self._outbox.refuse(entry, problem.cause)
        except OSError as error:
            self._put_off(entry.path.name, entry.run, error)
            return
        self._schedule.forget(entry.path.name)
        logger.error(
            "%s: %s cannot be delivered: %s. Remedy: %s; then move %s back to %s. Other runs are "
            "delivered.",
            *(self._name, entry.run, problem.cause, problem.remedy, kept, self._outbox.folder),
        )

    def _log_rest(self) -> None:
        """Log at the end what is left for the next session."""
        status = self.status()
        if status.waiting:
            cause = f" ({status.trouble})" if status.trouble else ""
            logger.warning(
                "%s: %d runs were not delivered%s. They wait in %s: the next session, or another "
                "process with this outbox, delivers them.",
                *(self._name, status.waiting, cause, status.outbox),
            )
        elif status.under_way:
            logger.info("%s: %d runs are under way", self._name, status.under_way)


_COURIERS: weakref.WeakSet[Courier] = weakref.WeakSet()


def hasten_all() -> None:
    """Have all couriers of this process look at their entries under way."""
    for courier in _COURIERS:
        courier.hasten()


def _forget_all() -> None:
    for courier in _COURIERS:
        courier.forget()


after_fork(_forget_all)
