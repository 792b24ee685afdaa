"""Sends one run from its journal, from the beginning, and goes on as the journal grows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...model.run import Document, Run
from ..trouble import Later
from .columns import Columns
from .journal import Journal, journal_start
from .names import Names

if TYPE_CHECKING:
    from .batches import BatchWriter

__all__ = ["NotTakenError", "Restart", "Sending", "begin_sending"]

logger = logging.getLogger(__name__)

_BATCH = 4 * 2**20
"""Bytes of the journal that are sent at once, and what a run takes of memory, many times over."""


class Sending:
    """A run on its way to the server.

    Parameters
    ----------
    path
        Its journal.
    start
        Its start document.
    """

    def __init__(self, path: Path, start: Document) -> None:
        self.uid = str(start["uid"])
        self.label = Run(start).label
        self.has_stop = False
        self._path = path
        self._columns, self._names = Columns(), Names()
        self._journal = Journal(path)
        self._writer: BatchWriter | None = None

    def is_there(self, catalog: Any, *, is_ours: bool) -> bool:
        """Return whether the run stands on the server already; what we left half done is removed.

        Parameters
        ----------
        catalog
            Client of the catalog.
        is_ours
            Whether we have begun to send the run.

        Raises
        ------
        Later
            Somebody else is sending it.
        """
        try:
            node = catalog[self.uid]
        except KeyError:
            return False
        metadata = node.metadata
        if metadata.get("start", {}).get("uid") != self.uid:
            return False  # a catalog of runs finds them by the beginning of their uids, too
        if metadata.get("stop"):
            return True
        if not is_ours:
            raise Later(
                f"{node.uri} is there without a stop document, and was not begun by us",
                "if another TiledWriter sends there, leave it to that one or unsubscribe it; "
                "if what is there is of no use, delete it on the server",
                only_this=True,
            )
        node.delete(recursive=True, external_only=False)
        return False

    def begin(self, catalog: Any) -> None:
        """Begin at the beginning, with all that is known of the run by now."""
        from .batches import BatchWriter

        self._learn_all()
        self._columns.forget_sent()
        self._journal = Journal(self._path)
        columns, names = self._columns, self._names
        patches = {
            "descriptor": lambda doc: names.fit_descriptor(columns.fit_descriptor(doc)),
            "event": lambda doc: names.fit_event(columns.fit_event(doc)),
            "stream_resource": names.fit_stream_resource,
        }
        self._writer = BatchWriter(catalog, patches)

    def go_on(self) -> bool:
        """Send what comes next; return whether there was something.

        Raises
        ------
        Later
            It has to be sent again from the beginning, or the server cannot be reached.
        Exception
            What went wrong otherwise. In any case the sending is at its end.
        """
        documents = self._journal.read(_BATCH)
        if self._writer is None or not documents:
            return False
        if self._columns.learn(documents):
            logger.debug("%s: a column changed its type: sent again", self.uid)
            raise Restart
        self._writer.write(documents, self._notes())
        self.has_stop = any(name == "stop" for name, _ in documents)
        return True

    def check_taken(self, catalog: Any) -> None:
        """Look whether the run is there to its end, before its journal goes.

        Raises
        ------
        NotTakenError
            It is not: somebody else has answered in the server's place.
        """
        stop = catalog[self.uid].metadata.get("stop") if self.has_stop else None
        if not stop:
            raise NotTakenError(f"all was sent, but {self.uid[:7]} has no stop on the server")

    @property
    def is_behind(self) -> bool:
        """Whether there is more than one batch takes."""
        return self._journal.is_behind

    def _notes(self) -> Iterator[str]:
        """Tell what is not on the server as it was measured; asked at the stop document."""
        yield from self._columns.notes()
        yield from self._names.notes()

    def _learn_all(self) -> None:
        journal = Journal(self._path)
        while documents := journal.read(_BATCH):
            self._columns.learn(documents)


class NotTakenError(Exception):
    """The server does not have what it is said to have taken."""


class Restart(Exception):  # noqa: N818  # what is to be done
    """What was sent is of no use any more: the run begins anew."""


def begin_sending(path: Path) -> Sending | None:
    """Return the sending of a run; None while its journal has no start document.

    Raises
    ------
    OSError
        The journal cannot be read.
    Refused
        It is no journal.
    """
    start = journal_start(path)
    return None if start is None else Sending(path, start)
