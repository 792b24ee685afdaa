"""Recipient: the interface of whatever writes the documents of a lane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Protocol

from .entries import Entry

__all__ = ["Recipient"]


class Recipient(Protocol):
    """Writes the documents that a lane passes on: the router, or a process of its own."""

    @property
    def late(self) -> Collection[str]:
        """Uids of late runs: not written so far, to be written from the log."""

    @property
    def unfinished(self) -> Collection[str]:
        """Uids of runs that are open or late."""

    @property
    def has_open_runs(self) -> bool:
        """Whether a run is open, so that more documents will come soon."""

    @property
    def reads_log(self) -> bool:
        """Whether it is given stretches of the log, and reads them itself, where possible."""

    def foresee(self, stops: Sequence[Any]) -> None:
        """Learn of the stop documents among those that `receive` gets next; never raise."""

    def receive(self, name: str, doc: Any) -> None:
        """Take one document; never raise."""

    def sync(self) -> None:
        """Write all documents so far to disk; never raise."""

    def tend(self) -> None:
        """Look after what may have happened meanwhile, such as a dead process; never raise."""

    def end(self, timeout: float | None) -> None:
        """Do the post-run jobs that remain, or give them up after some seconds."""

    def leave(self, then: Callable[[], object]) -> None:
        """Do the post-run jobs that remain, and then call `then`; nobody waits."""

    def close(self) -> None:
        """Finish every file; never raise."""

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a late run from the entries since it began; return whether that is done.

        It never raises. The run may still be open: then the next documents belong to it.
        """
