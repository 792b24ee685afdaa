"""Keeper: writes batches into the log while the disk takes them, and removes old segments."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__, retry_policy
from ..contract.session import CONTROL
from ..files.space import size_text
from ..retry_policy import Retries
from .entries import Entry, one_by_one
from .event_columns import COLUMNS, EventColumns
from .event_rows import EventRows
from .home import spool_home
from .left import GAP
from .log import Cursor, Log
from .needs import Needs
from .problems import BrokenSpoolError
from .segment import Kept
from .settings import SpoolSettings
from .stretch import Stretch
from .window import Batch

if TYPE_CHECKING:
    from .follower import Follower

__all__ = ["Keeper"]

logger = logging.getLogger(__name__)

_LEAST_FREE = 200 << 20
"""Bytes that stay free on the disk: a full disk stops more than bluescribe."""
_LOOK_SECONDS = 1.0
_SEGMENT_BYTES = 64 << 20
"""Size at which the next segment is begun; segments that no run needs are removed whole."""
_EARLIER_RESOURCES = 100
_LEAST_SEGMENTS = 16
"""Number of segments that SPOOL_LIMIT has room for, at least."""


class Keeper:
    """Owns the log of a spool.

    Its methods are called on the spool's thread and with the lock of the window, except those that
    say otherwise.

    Parameters
    ----------
    settings
        Where the log is; None keeps no log.
    """

    def __init__(self, settings: SpoolSettings | None) -> None:
        self._settings = settings
        self._log: Log | None = None
        self.needs = Needs()
        self._resources: dict[str, dict[str, Any]] = {}
        """The latest resource documents, by uid."""
        self._was_asked = False
        """Whether a control came since the last run began: it may belong to the next run."""
        self._has_gap = False
        """Whether the log lacks documents right before the ones that come next."""
        self._refused = ""
        self._retries = Retries()
        self._next_look = 0.0

    @property
    def is_off(self) -> bool:
        """Whether there is no log at all."""
        return self._settings is None

    @property
    def uses_processes(self) -> bool:
        """Whether formats may be written by processes of their own."""
        return self._settings is not None and self._settings.process

    @property
    def refused(self) -> str:
        """Why the log cannot be written at the moment; empty when it can."""
        return self._refused

    @property
    def path(self) -> Path | None:
        """The folder of the log, if there is one."""
        return None if self._log is None else self._log.path

    def keep(
        self,
        batches: Sequence[Batch],
        lanes: Sequence[Follower],
        needed: Sequence[Cursor],
        *,
        is_last: bool = False,
    ) -> None:
        """Write batches into the log, in order; those that the disk refuses stay in memory."""
        is_time = bool(self.needs) if is_last else not self._retries.seconds
        if self._settings is None or not batches or not is_time:
            return
        try:
            for batch in batches:
                log = self._log or self._made(self._settings, lanes)
                begun = [b.start for b in batches[:1] if b.start is not None]
                self._make_room(log, batch, lanes, [*needed, *begun])
                batch.start, batch.end = log.append([*self._before(batch), *self._packed(batch)])
                self._has_gap = False
                self.needs.note_kept(batch)
                self._was_asked = not batch.begun and (self._was_asked or _has_control(batch))
        except OSError as error:
            self._refuse(error)
        except Exception as error:
            logger.exception("a fault inside bluescribe; please report it")
            self._refuse(OSError(errno.EINVAL, f"{type(error).__name__}: {error}"))
        else:
            self._accept()

    def lose(self, batch: Batch) -> None:
        """Note that a batch will never be in the log: no open run is whole there."""
        self._has_gap = True
        self.needs.lose(batch)

    def story(self, uid: str, end: Cursor | None) -> Iterator[Entry] | None:
        """Return the entries since a run began, up to a place; None if the log lacks some.

        Any thread may call it, without the lock.
        """
        first, log = self.needs.first_of(uid), self._log
        if first is None or log is None or end is None:
            return None
        return _read(log, first, end)

    def read(self, start: Cursor, end: Cursor) -> Iterator[tuple[Entry, Cursor]]:
        """Yield the entries between two places; any thread may call it, without the lock.

        Raises
        ------
        OSError
            It cannot be read.
        """
        assert self._log is not None  # a place in it is known
        return self._log.read(start, end)

    def stretch(self, start: Cursor, end: Cursor) -> tuple[Stretch, Cursor]:
        """Return the stretch from one place to another, or to the end of its segment."""
        assert self._log is not None  # a place in it is known
        return self._log.stretch(start, end)

    def open_segment(self, number: int) -> int:
        """Return a file descriptor of a segment; any thread may call it, without the lock."""
        assert self._log is not None  # a place in it is known
        return self._log.open_segment(number)

    def keeps(self, uid: str) -> bool:
        """Return whether all of a run is in the log; any thread may call it, without the lock."""
        return self.needs.first_of(uid) is not None and not self._refused

    def note(self, entry: Entry) -> None:
        """Write a note at once; any thread may call it, without the lock."""
        if self._log is not None and not self._refused:
            try:
                self._log.note(entry)
            except OSError as error:
                logger.debug("the spool did not take a note: %s", error)

    def sweep(self, read: Sequence[Cursor]) -> None:
        """Remove the segments that no run and no lane needs."""
        if self._log is not None and (self.needs or not self._was_asked):
            needed = [*self.needs.firsts(), *read]
            self._log.drop(min(needed) if needed else self._log.end if self.needs else None)

    def close(self) -> Path | None:
        """Close the log; return its folder if runs are left there for the next session."""
        log, self._log = self._log, None
        if log is None:
            return None
        log.close(is_kept=bool(self.needs))
        return log.path if self.needs else None

    def forget(self) -> None:
        """Release the log in a forked child."""
        if self._log is not None:
            self._log.forget()
        self._log = self._settings = None

    def _made(self, settings: SpoolSettings, lanes: Sequence[Follower]) -> Log:
        about = {"version": __version__, "lanes": {lane.key: lane.about() for lane in lanes}}
        segment_bytes = min(_SEGMENT_BYTES, settings.spool_limit // _LEAST_SEGMENTS)
        self._log = Log(spool_home(settings.spool), about, segment_bytes=segment_bytes)
        return self._log

    def _before(self, batch: Batch) -> Iterator[Kept]:
        """Yield the entries that a batch needs from before it, as older segments may be removed."""
        if self._has_gap:
            yield GAP, {}, ""
        if batch.begun:  # a detector that stays staged goes on filling the file of an earlier run
            yield from (("earlier", doc, "") for doc in self._resources.values())
        for name, doc, _, _ in batch.items:
            if name == "resource" and isinstance(doc, dict) and isinstance(doc.get("uid"), str):
                self._resources[doc["uid"]] = doc
                if len(self._resources) > _EARLIER_RESOURCES:
                    del self._resources[next(iter(self._resources))]

    @staticmethod
    def _packed(batch: Batch) -> Iterator[Kept]:
        for name, doc, _, lane in batch.items:
            if isinstance(doc, EventRows):
                yield doc.form, bytes(doc.packed)
            elif isinstance(doc, EventColumns):
                yield COLUMNS, doc.told(), ""
            elif not isinstance(doc, threading.Event):
                yield name, doc, "" if lane is None else lane.key

    def _make_room(
        self, log: Log, batch: Batch, lanes: Sequence[Follower], read: Sequence[Cursor]
    ) -> None:
        """Remove segments that all lanes have written, if the log would get too large.

        Raises
        ------
        OSError
            The log is too large all the same, or its disk is nearly full.
        """
        assert self._settings is not None  # or there were no log
        limit = self._settings.spool_limit
        if log.size + batch.weight > limit:
            self._let_go(log, lanes, read)
            if log.size + batch.weight > limit:
                words = f"the spool has reached its SPOOL_LIMIT of {size_text(limit)}"
                raise OSError(errno.EDQUOT, words, str(log.path))
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            if log.free < _LEAST_FREE + batch.weight:
                self._next_look = 0.0
                raise OSError(errno.ENOSPC, "the spool's disk is nearly full", str(log.path))

    def _let_go(self, log: Log, lanes: Sequence[Follower], read: Sequence[Cursor]) -> None:
        """Remove the segments that all lanes have written and no late run needs."""
        late = {uid for lane in lanes for uid in tuple(lane.recipient.late)}
        needed = [*self.needs.firsts(late), *read]
        least = min(needed) if needed else log.end
        if self.needs.cut(least):
            logger.warning(
                "the spool in %s has reached its SPOOL_LIMIT of %s. The beginning of the runs that "
                "are open goes from it: it is in their files. If one of these cannot be written "
                "later on, it is not written anew. Remedy: a larger SPOOL_LIMIT in DATA_FILES.",
                log.path,
                size_text(self._settings.spool_limit if self._settings else 0),
            )
        log.drop(least)

    def _refuse(self, error: OSError) -> None:
        is_first = not self._retries.is_failing
        self._retries.fail(retry_policy.FOR_SPOOL)
        if is_first:
            logger.warning(
                "the spool cannot be written: %s. What is received is in memory, up to 256 MB, and "
                "goes into the files as before; beyond that the RunEngine waits. A file that "
                "cannot be written for RETRY_SECONDS is given up. Remedy: free space there, or in "
                "DATA_FILES set SPOOL to a folder on a local disk, or a larger SPOOL_LIMIT.",
                error,
            )
        self._refused = str(error) or type(error).__name__

    def _accept(self) -> None:
        if self._retries.succeed():
            logger.warning("the spool is written again: %s", self.path)
        self._refused = ""


def _has_control(batch: Batch) -> bool:
    return any(name == CONTROL for name, _, _, _ in batch.items)


def _read(log: Log, start: Cursor, end: Cursor) -> Iterator[Entry]:
    try:
        yield from one_by_one(entry for entry, _ in log.read(start, end))
    except OSError as error:
        raise BrokenSpoolError(f"the spool cannot be read: {error}") from error
