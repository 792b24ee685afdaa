"""TILED: runs go into a tiled server, live, whole and once."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ...contract.report import RunReport
from ...files import Place
from ...formats.jsonl import JsonlWriter
from ...recording.writer import Writer
from ..base import Delivery
from ..outbox import Entry
from ..settings import DeliverySettings
from ..trouble import Later, Refused
from .journal import Journal
from .sending import Restart, Sending, begin_sending
from .server import Server, check_extra, refusal
from .settings import TiledSettings

__all__ = ["DELIVERY", "TiledDelivery", "TiledSettings"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.1
"""Seconds until the start document of a new run is in its journal."""

_START_SECONDS = 60.0
"""Age in seconds of an empty journal that will not be written any more."""

_TRIES = 3
"""Failures of a run before others are sent first, or it is refused."""


_LOOK_AT_SERVER = (
    "look into the log of the server, and whether a proxy or a login page stands before it; it is "
    "refused when the server takes other runs, but not this"
)


@dataclass
class _Attempts:
    """How many tries to send a run have failed."""

    sending: Sending | None = None
    breaks: int = 0
    """How often the connection broke while it was sent."""
    faults: int = 0
    """How often the server failed at it."""
    since: float = field(default_factory=time.monotonic)


class TiledDelivery(Delivery):
    """Send every run to a tiled server by TiledWriter, from a journal in the outbox.

    Parameters
    ----------
    **settings
        The fields of `TiledSettings`.

    Raises
    ------
    ConfigError
        A setting is unknown or has a value that is not allowed.
    MissingExtraError
        tiled or bluesky-tiled-plugins is not installed.
    """

    name: ClassVar[str] = "tiled"
    settings_class: ClassVar[type[DeliverySettings]] = TiledSettings

    settings: TiledSettings

    def __init__(self, **settings: Any) -> None:
        check_extra()
        super().__init__(**settings)
        self._journals = self.outbox.folder / "runs"
        self._server = Server(self.settings)
        self._attempts: dict[str, _Attempts] = {}
        """Attempts, by journal."""
        self._open: set[Path] = set()
        """Journals that this process writes."""
        self._taken_at = 0.0
        """When the server last took a whole run."""
        self._writer = JsonlWriter(self._journals, file_name="{uid}", low_space=0)
        self._writer.tell_of_claims(self._spool)
        self._writer.on_complete(self._finish)

    @property
    def writer(self) -> Writer:
        """The writer of journals, from which runs are sent, now or later."""
        return self._writer

    def follow(self, writers: Sequence[Writer]) -> None:
        """Put the journals of killed sessions into the outbox; then begin."""
        known = {path.stem for path in self._known_journals()}
        for path in sorted(self._journals.glob("*.jsonl")):
            if path.stem not in known:
                self._put(path)
        super().follow(writers)

    def reach(self) -> str:
        """Look up the catalog that takes the runs."""
        self._server.catalog()
        return str(self._server)

    def deliver(self, entry: Entry) -> float | None:
        """Send the journal of a run, and return to it while it grows.

        Raises
        ------
        Later
            The server cannot be reached, or does not take this run now.
        Refused
            It cannot take this run.
        """
        if not entry.content.get("journal"):
            cause = "its entry names no journal: it was changed, or another version made it"
            raise Refused(cause, "mend it, or have it sent by that version of bluescribe")
        path = self._journals / str(entry.content["journal"])
        if not path.exists():
            return None  # it was delivered, and the process ended before it could say so
        catalog = self._server.catalog()
        attempts = self._attempts.setdefault(path.name, _Attempts())
        try:
            again = self._send(entry, path, attempts, catalog)
        except Restart:
            attempts.sending = None
            return 0.0
        except Exception as error:
            attempts.sending = None
            self._server.drop()
            judged = self._judged(error, attempts)
            if isinstance(judged, Refused):
                del self._attempts[path.name]
            raise judged from error
        if again is None:
            self._attempts.pop(path.name, None)
        return again

    def _send(self, entry: Entry, path: Path, attempts: _Attempts, catalog: Any) -> float | None:
        """Send a batch; return the seconds until the next, or None when the run is delivered."""
        # asked first: what comes after that is not missed
        is_growing = path in self._open or Journal(path).is_growing()
        if attempts.sending is None:
            sending = begin_sending(path)
            if sending is None:
                return self._wait_for_start(path, is_growing=is_growing)
            if sending.is_there(catalog, is_ours=bool(entry.content.get("begun"))):
                path.unlink(missing_ok=True)
                return None
            self._note_begin(entry, sending)
            sending.begin(catalog)
            attempts.sending = sending
        has_news = attempts.sending.go_on()
        if attempts.sending.has_stop:
            attempts.sending.check_taken(catalog)
            self._taken_at = time.monotonic()
            path.unlink(missing_ok=True)
            return None
        if has_news and (not is_growing or attempts.sending.is_behind):
            return 0.0
        if is_growing:
            return self.settings.interval
        self._keep_unfinished(entry, path)
        return None

    def _judged(self, error: Exception, attempts: _Attempts) -> Exception:
        """Return what to do about an error: retry, send others first, or give the run up."""
        if isinstance(error, OSError | Refused):  # of the outbox
            return error
        if isinstance(error, Later):
            attempts.breaks += 1
            if attempts.breaks >= _TRIES:  # it may be this run that the server breaks down at
                return Later(error.cause, error.remedy, only_this=True, after=error.after)
            return error
        logger.debug("tiled: what went wrong", exc_info=error)
        # Whatever it looks like, what stands before the server may have answered in its place, and
        # with status 200: it is the run only when the server takes others meanwhile.
        attempts.faults += 1
        refused = refusal(error)
        if attempts.faults < _TRIES or self._taken_at < attempts.since:
            return Later(refused.cause, _LOOK_AT_SERVER, only_this=True)
        return refused

    def _note_begin(self, entry: Entry, sending: Sending) -> None:
        """Record in the entry that this outbox has begun the run on the server."""
        if not entry.content.get("begun"):
            entry.run, entry.content["begun"] = sending.label, True
            self.outbox.save(entry)

    def _spool(self, path: Path) -> None:
        """Put a run into the outbox when its journal was made; called on the writer's thread."""
        self._open.add(path)
        self._put(path)

    def _finish(self, report: RunReport) -> None:
        """Have the end of a run sent at once; called on the writer's thread."""
        self._open.difference_update(report.files)
        self._courier.hasten()

    def _put(self, path: Path) -> None:
        self.put(f"run {path.stem[:7]}", {"journal": path.name})

    def _wait_for_start(self, path: Path, *, is_growing: bool) -> float | None:
        """Wait for the start document in a journal; a crash may have come before it."""
        if is_growing or time.time() - path.stat().st_mtime < _START_SECONDS:
            return _LOOK_SECONDS
        path.unlink(missing_ok=True)
        return None

    def _keep_unfinished(self, entry: Entry, path: Path) -> None:
        """Keep the journal of a run that never ended and is on the server as far as it went."""
        kept = self.outbox.folder / "unfinished" / path.name
        kept.parent.mkdir(exist_ok=True)
        Place.at(path).move(Place.at(kept))
        logger.warning(
            "tiled: %s has no stop document: its session, or its journal, ended before it did. All "
            "that the journal has is on the server, without a stop document; it is kept in %s.",
            entry.run,
            kept,
        )

    def _known_journals(self) -> list[Path]:
        """Return the journals of all entries in the outbox, those of refused runs included."""
        known = []
        for path in [*self.outbox.paths(), *self.outbox.refused()]:
            with suppress(OSError):
                entry = self.outbox.read(path)
                if entry is not None:
                    known.append(self._journals / str(entry.content.get("journal", "")))
        return known


DELIVERY = TiledDelivery
