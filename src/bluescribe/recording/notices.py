"""What several formats meet of one cause is told once, with all formats, files and the remedy.

Formats are written by threads of their own, which meet a full disk one after the other: the first
that has something to tell waits a moment for the others.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ..files.remedies import errno_of

__all__ = ["AccountView", "Notice", "Notifier", "SilentNotifier"]

logger = logging.getLogger(__name__)

_GATHER_SECONDS = 0.5
"""How long the first of several formats waits for the others."""

_LONGEST_SECONDS = 3.0
"""How long it waits for those that still try: they give up one after the other."""


Kind = Literal["retry", "again", "late", "written", "lost", "hung"]


class AccountView(Protocol):
    """What is asked of the account of each format."""

    format_name: str
    retrying: str

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is received for the format."""

    def holds(self, uid: str) -> Path | None:
        """Return the main file of a run that is open or finished, and not given up."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one format has to tell of one run, or of the disk that it waits for in vain."""

    format: str
    uid: str
    """Of the run; of a disk its folder."""
    run: str
    """What messages call the run, or the disk."""
    error: BaseException | None = None
    path: Path | None = None
    remedy: str = ""
    seconds: float = 0.0
    """For how long it is tried again."""
    is_sent: bool = False
    """Whether the format makes no files, and sends runs."""

    @property
    def done(self) -> str:
        """What is done with a run."""
        return "sent" if self.is_sent else "written"


_Key = tuple[Kind, str, int | str | None]
"""What is told, of which run, and the number of the cause; of another cause the format."""


@dataclass(slots=True)
class _Gathered:
    notices: list[Notice] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class Notifier:
    """Logs once what formats that receive the same runs meet.

    Parameters
    ----------
    accounts
        The accounts of those formats; of a writer that knows no other, none: it tells at once.
    """

    def __init__(self, accounts: Sequence[AccountView] = ()) -> None:
        self._accounts = accounts
        self._lock = threading.Lock()
        self._gathered: dict[_Key, _Gathered] = {}

    def notify(self, kind: Kind, notice: Notice) -> None:
        """Log what one format met, at once or with others that meet the same in a moment.

        Formats are closed one after the other: of disks that hang `flush_when_closed` tells.
        """
        if len(self._accounts) < 2:
            self._log(kind, [notice])
            return
        number = errno_of(notice.error)
        is_shared = number is not None or notice.error is None
        key = kind, notice.uid, number if is_shared else notice.format
        with self._lock:
            is_first = key not in self._gathered
            self._gathered.setdefault(key, _Gathered()).notices.append(notice)
        if is_first and kind != "hung":
            self._later(key)

    def flush(self) -> None:
        """Log what was gathered so far: a run, or the session, is over."""
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        for (kind, _, _), found in gathered.items():
            self._log(kind, found.notices)

    def flush_when_closed(self) -> None:
        """Log what was gathered so far, unless a format is still to be closed."""
        if all(account.is_closed for account in self._accounts):
            self.flush()

    def _later(self, key: _Key) -> None:
        timer = threading.Timer(_GATHER_SECONDS, self._notify_gathered, [key])
        timer.name, timer.daemon = "bluescribe-tells", True
        try:
            timer.start()
        except RuntimeError:  # the interpreter ends
            self.flush()

    def _notify_gathered(self, key: _Key) -> None:
        with self._lock:
            found = self._gathered.get(key)
            if found is None:
                return
            is_late = time.monotonic() - found.since > _LONGEST_SECONDS
            waits = key[0] == "lost" and not is_late and self._is_tried(found.notices[0].run)
            if not waits:
                del self._gathered[key]
        if waits:
            self._later(key)
        else:
            self._log(key[0], found.notices)

    def _is_tried(self, run: str) -> bool:
        return any(account.retrying.startswith(f"{run}: ") for account in self._accounts)

    def _log(self, kind: Kind, notices: Sequence[Notice]) -> None:
        first = notices[0]
        words = f"{', '.join(each.format for each in notices)}: {first.run} {_WORDS[kind](notices)}"
        if kind in ("lost", "late"):
            error = first.error if errno_of(first.error) is None else None
            logger.error("%s %s", words, self._whereabouts(notices), exc_info=error)
        elif kind == "retry" and len(self._accounts) > 1:
            logger.warning("%s %s", words, self._whereabouts(notices))
        else:
            logger.warning("%s", words)

    def _whereabouts(self, notices: Sequence[Notice]) -> str:
        """Say where else the run is."""
        if len(self._accounts) < 2:
            return "Other writers and later runs go on."
        uid, run = notices[0].uid, notices[0].run
        names = {each.format for each in notices}
        found = {
            account.format_name: account.holds(uid)
            for account in self._accounts
            if account.format_name not in names and not account.retrying.startswith(f"{run}: ")
        }
        whole = ", ".join(f"{name} ({path})" for name, path in found.items() if path)
        if not whole:
            return "The run is complete in NO OTHER FORMAT."
        return f"So far the run is complete in {whole}."


class SilentNotifier(Notifier):
    """Logs nothing: who plays a run says so in own words."""

    def notify(self, kind: Kind, notice: Notice) -> None:
        """Log nothing."""


def _cause(notices: Sequence[Notice]) -> str:
    """Return what one format met as it says it, or what all met."""
    error = notices[0].error
    number = errno_of(error)
    if len(notices) == 1 or number is None:
        return str(error)
    places = {getattr(each.error, "filename", None) for each in notices}
    place = f": {places.pop()}" if len(places) == 1 and places != {None} else ""
    return f"{os.strerror(number)}{place}"


def _retry(notices: Sequence[Notice]) -> str:
    first, files = notices[0], _files(notices) if len(notices) > 1 else ""
    seconds = max(each.seconds for each in notices)
    return (
        f"cannot be {first.done}: {_cause(notices)}{f' ({files})' if files else ''}. Trying again "
        f"for {seconds:.0f} s; {first.remedy}. The scan goes on."
    )


def _late(notices: Sequence[Notice]) -> str:
    return (
        f"{_where(notices, 'so far')}: {_cause(notices)}. It is safe in the spool, and is "
        f"{notices[0].done} as soon as that can be done, by the next session if need be. "
        f"Remedy: {notices[0].remedy}."
    )


def _lost(notices: Sequence[Notice]) -> str:
    kind = f"{type(notices[0].error).__name__}: " if len(notices) == 1 else ""
    words = _where(notices, "at all")
    return f"{words}: {kind}{_cause(notices)}. Remedy: {notices[0].remedy}."


def _hung(notices: Sequence[Notice]) -> str:
    seconds = max(each.seconds for each in notices)
    return f"hangs: given up after {seconds:.0f} s. {notices[0].remedy}."


def _where(notices: Sequence[Notice], how_far: str) -> str:
    if notices[0].is_sent:
        return f"is NOT SENT {how_far}"
    parts = []
    if files := _files(notices):
        parts.append(f"is INCOMPLETE in {files}")
    if nowhere := [each.format for each in notices if each.path is None]:
        which = f" in {', '.join(nowhere)}" if len(notices) > 1 else ""
        parts.append(f"is NOT WRITTEN {how_far}{which}: no file could be made")
    return "; it ".join(parts)


def _files(notices: Sequence[Notice]) -> str:
    return ", ".join(str(each.path) for each in notices if each.path is not None)


_WORDS: Mapping[Kind, Callable[[Sequence[Notice]], str]] = {
    "retry": _retry,
    "again": lambda notices: f"is {notices[0].done} again",
    "late": _late,
    "written": lambda notices: f"is {notices[0].done} now: {_files(notices)}".removesuffix(": "),
    "lost": _lost,
    "hung": _hung,
}
