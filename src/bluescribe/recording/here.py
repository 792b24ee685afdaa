"""Here: has a format written in this process; what that takes is imported when it is needed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .. import retry_policy
from ..retry_policy import Retries

if TYPE_CHECKING:
    from ..spool.entries import Entry
    from .recorder import Recorder

__all__ = ["KEPT", "Here"]

logger = logging.getLogger(__name__)

KEPT = (
    "What comes for it is kept in the spool, and is written when that is mended, or by the next "
    "session"
)
"""What becomes of runs whose format cannot be imported."""


class Here:
    """The recipient of a lane that makes its recorder when there is something to be written.

    Parameters
    ----------
    name
        Of the format, for messages.
    make
        Imports and makes the recorder.
    """

    reads_log = False

    def __init__(self, name: str, make: Callable[[], Recorder]) -> None:
        self._name = name
        self._make = make
        self._made: Recorder | None = None
        self._making = threading.Lock()
        self._is_told = False

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""
        return self._made is not None and self._made.has_open_runs

    @property
    def late(self) -> Collection[str]:
        """Uids of runs that could not be written, and will be from the log."""
        return () if self._made is None else self._made.late

    @property
    def unfinished(self) -> Collection[str]:
        """Uids of runs that are open or late."""
        return () if self._made is None else self._made.unfinished

    def load(self) -> Recorder:
        """Return the recorder, and import what it takes if that was not done.

        Raises
        ------
        ImportError
            That cannot be imported.
        """
        with self._making:
            if self._made is None:
                self._made = self._make()
        return self._made

    def load_early(self) -> None:
        """Import it before it is needed; tell where that cannot be done."""
        try:
            self.load()
        except Exception as error:
            self._tell(error)

    def foresee(self, stops: Sequence[Any]) -> None:
        """Learn of the stop documents among those that come next."""
        self._loaded().foresee(stops)

    def receive(self, name: str, doc: Any) -> None:
        """Take one document."""
        self._loaded().receive(name, doc)

    def sync(self) -> None:
        """Bring to disk what came."""
        if self._made is not None:
            self._made.sync()

    def tend(self) -> None:
        """Nothing happens in this process of which it does not know."""

    def close(self) -> None:
        """Finish every file."""
        if self._made is not None:
            self._made.close()

    def end(self, timeout: float | None) -> None:
        """Do what remains to be done for finished runs, or give it up after a time."""
        if self._made is not None:
            self._made.end(timeout)

    def leave(self, then: Callable[[], object]) -> None:
        """Do what remains, and then call `then`; nobody waits."""
        if self._made is not None:
            self._made.leave(then)
        else:
            then()

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether it is done."""
        return self._loaded().write_late(uid, entries)

    def _loaded(self) -> Recorder:
        """Return the recorder; where it cannot be imported, the lane waits and the spool keeps."""
        retries = Retries()
        while True:
            try:
                return self.load()
            except Exception as error:
                self._tell(error)
                time.sleep(retries.fail(retry_policy.FOR_PROCESSES))

    def _tell(self, error: Exception) -> None:
        if not self._is_told:
            self._is_told = True
            kind = type(error).__name__
            logger.error("%s: cannot be imported: %s: %s. %s.", self._name, kind, error, KEPT)
