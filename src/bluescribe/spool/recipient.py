"""What a lane asks of those to whom it hands over what came."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Protocol

from .segment import Entry

__all__ = ["Recipient"]


class Recipient(Protocol):
    """Who takes what came: the router, in production."""

    @property
    def late(self) -> Collection[str]:
        """Uids of runs that could not be written, and will be from the log."""

    @property
    def unfinished(self) -> Collection[str]:
        """Uids of runs that are open or late."""

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""

    @property
    def reads_log(self) -> bool:
        """Whether it gets parts of the log, and reads them itself, where that is possible."""

    def receive(self, name: str, doc: Any) -> None:
        """Take one document; never raise."""

    def sync(self) -> None:
        """Bring to disk what was taken; never raise."""

    def tend(self) -> None:
        """See to what may have happened since the last time; never raise."""

    def end(self, timeout: float | None) -> None:
        """Do what remains to be done for finished runs, or give it up after a time."""

    def leave(self, then: Callable[[], object]) -> None:
        """Do what remains, and then call `then`; nobody waits."""

    def close(self) -> None:
        """Finish every file; never raise."""

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether that is done.

        It never raises. The run may be open still: what comes next belongs to it.
        """
