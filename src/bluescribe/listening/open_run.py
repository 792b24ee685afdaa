"""One run that a listener has: what came of it, and who writes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import DocumentError
from ..log_once import LogOnce
from ..recording.writer import Writer
from ..sources.brokers import Incoming
from ..sources.brokers.wire import Assembly

__all__ = ["SUSPECT", "OpenRun"]

logger = logging.getLogger(__name__)

SUSPECT = 2
"""Deaths of listeners from which on a run is not begun beside others of that kind."""
_PROBATION_SECONDS = 60.0


@dataclass(slots=True)
class OpenRun:
    """A run on its way into files."""

    uid: str
    writers: dict[str, Writer]
    """Those whose files are not closed, by format."""
    deaths: int = 0
    """How many listeners have ended while they had it."""
    flushed: dict[str, threading.Event] = field(default_factory=dict)
    """When the run is over: set when a writer has taken all of it."""
    _assembly: Assembly = field(default_factory=Assembly)
    _heard: float = field(default_factory=time.monotonic)
    """When its last document came."""
    _begun: float = field(default_factory=time.monotonic)

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what ended them: another one did, if it does not do it for a minute."""
        return self.deaths >= SUSPECT and time.monotonic() - self._begun < _PROBATION_SECONDS

    @property
    def silent(self) -> float:
        """For how many seconds nothing came."""
        return time.monotonic() - self._heard

    def take(self, incoming: Incoming) -> None:
        """Take what came."""
        self._heard = time.monotonic()
        if incoming.frame is not None:
            self._assembly.add(incoming.frame)

    def whole(self, told: LogOnce, *, skips: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the documents that are whole and in turn; tell of those that cannot be read.

        Parameters
        ----------
        told
            What was told already.
        skips
            Go on behind what did not arrive.
        """
        while True:
            try:
                found = self._assembly.take(skips=skips)
            except DocumentError as error:
                if told.is_new(f"{self.uid} {error}"):
                    logger.warning("run %s: a document is refused: %s", self.uid[:7], error)
                continue
            if found is None:
                return
            yield found

    def tell_of_silence(self) -> None:
        """Tell that nothing has come for long."""
        waits = "; documents before those that wait did not arrive"
        logger.warning(
            "run %s has had no document for %.0f minutes, and no stop%s. The broker keeps it, and "
            "all that came behind it in a partition of Kafka is read again by a listener that is "
            "started. Remedy, if its RunEngine has ended: start listeners with "
            "--unstopped-seconds, which closes such runs",
            *(self.uid, self.silent / 60, waits if self._assembly.is_waiting else ""),
        )

    def tell_of_closing(self) -> None:
        """Tell that it is taken for a run that gets no stop any more."""
        logger.warning(
            "run %s has had no document for %.0f s: its files are closed without a stop, as "
            "--unstopped-seconds has it; what may come of it later is left out",
            *(self.uid, self.silent),
        )
