"""One run after the other into writers, as a RunEngine would send it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import DocumentError
from ..grammar import check_name
from ..owed import ENDING as NOTE
from ..snapshot import Snapshots
from ..sources import StoredRun
from ..status import Told
from ..writer import Writer
from .manifest import Manifest
from .report import ExportedRun

__all__ = ["RunExporter"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.02
_MOST_TOLD = 10
_TELL_EVERY = 1_000
"""Events after which progress is told."""


class RunExporter:
    """Writers, and what they have made of each run.

    Parameters
    ----------
    writers
        By format.
    manifest
        Is told what is begun and what is complete.
    goes_on
        Whether to go on in the files for several runs that the manifest knows.
    """

    def __init__(self, writers: Mapping[str, Writer], manifest: Manifest, *, goes_on: bool) -> None:
        self._writers = dict(writers)
        self._manifest = manifest
        told = Told()
        for name, writer in self._writers.items():
            writer.replay()
            writer.tell_together(told)
            if goes_on and writer.shares_files:
                for shared in manifest.shared_files(name):
                    writer.go_on(shared)

    def export(
        self, run: StoredRun, names: Iterable[str], tell: Callable[[int], None] = lambda _: None
    ) -> ExportedRun:
        """Write a run.

        Parameters
        ----------
        run
            Where its documents are.
        names
            The formats to write it in.
        tell
            Is called with the number of events that have passed since the last call.
        """
        accounts = [_Account(n, self._writers[n], run.uid, self._manifest) for n in names]
        events, fault = _post(run, [account.writer for account in accounts], tell)
        for account in accounts:
            account.finish(fault)
        return ExportedRun(
            run.uid,
            run.label,
            files={a.name: a.files for a in accounts if a.files},
            failures={a.name: a.failure for a in accounts if a.failure},
            discrepancies=next((a.discrepancies for a in accounts if a.discrepancies), ()),
            events=events,
            bytes=sum(account.bytes for account in accounts),
        )

    def close(self) -> None:
        """End the writers."""
        for writer in self._writers.values():
            writer.close()


def _post(run: StoredRun, writers: list[Writer], tell: Callable[[int], None]) -> tuple[int, str]:
    """Send the documents of a run; return the number of events, and why they broke off."""
    events = told = 0
    fault, snapshot = "", Snapshots()
    try:
        for name, doc in _documents(run):
            copy, size = snapshot(name, doc)
            for writer in writers:
                writer.post(name, copy, size)
                if name == "stop":  # as when it was live: who is over first is written first
                    writer.request_flush()
            events += _events(name, doc)
            if events - told >= _TELL_EVERY:
                tell(events - told)
                told = events
        if not writers:
            fault = "no format"
    except Exception as error:  # a source of others: whatever it raises, the next run goes on
        logger.debug("%s cannot be read", run.label, exc_info=True)
        fault = f"its documents cannot be read: {type(error).__name__}: {error}"
    tell(events - told)
    return events, fault


def _documents(run: StoredRun) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the documents of a run; a source of anybody's may call them what it likes."""
    told: set[str] = set()
    for name, doc in run.documents():
        try:
            check_name(name)
        except DocumentError as error:
            if name not in told and len(told) < _MOST_TOLD:
                told.add(name)
                logger.warning("%s: refused, and all of that name: %s", run.label, error)
            continue
        yield name, doc


def _events(name: str, doc: Mapping[str, Any]) -> int:
    if name == "event":
        return 1
    if name == "event_page":
        return len(doc.get("seq_num", ()))
    return 0


class _Account:
    """What one writer makes of one run."""

    def __init__(self, name: str, writer: Writer, uid: str, manifest: Manifest) -> None:
        self.name = name
        self.writer = writer
        self.files: list[Path] = []
        self.failure = ""
        self.discrepancies: tuple[str, ...] = ()
        """In what the run differs from what its stop document says."""
        self.bytes = 0
        self._uid = uid
        self._manifest = manifest
        self._claimed: list[Path] = []
        before = writer.status()
        self._before = before
        self._failures = before.failures
        self._refused = before.documents_refused
        self._runs = before.runs_written
        self._size = _size(before.last_file) if writer.shares_files else 0
        self._old = before.last_file
        manifest.begin(uid, name)
        writer.tell_of_claims(self._claimed.append, before=self._note)

    def _note(self, path: Path) -> None:
        """Note a file before it is made: a kill may come in between."""
        self._manifest.claim(self._uid, self.name, path)

    def finish(self, fault: str) -> None:
        """Wait until the run's files are complete, and look what they are."""
        self.writer.request_finish().wait()
        self._wait_for_copies()
        status = self.writer.status()
        last = [status.last_file] if status.runs_written > self._runs and status.last_file else []
        made = [path for path in dict.fromkeys([*self._claimed, *last]) if path.exists()]
        self.files = [path for path in made if path.suffix != NOTE]  # of what was still to be done
        self.bytes = sum(map(_size, self.files))
        if self._old in self.files:
            self.bytes -= self._size
        failures = [f for f in status.failures if f not in self._failures]
        self.failure = fault or "; ".join(f"{f.cause}. Remedy: {f.remedy}" for f in failures)
        new = [d for d in status.discrepancies if d not in self._before.discrepancies]
        self.discrepancies = tuple(text for d in new if d.uid == self._uid for text in d.what)
        refused = status.documents_refused - self._refused
        if refused:
            logger.warning("%s: %d damaged documents were refused", self.name, refused)
        if self.failure:
            self._manifest.fail(self._uid, self.name)
        else:
            self._manifest.finish(self._uid, self.name, self.files)

    def _wait_for_copies(self) -> None:
        """Wait until images that are copied when a run is over are there."""
        done = threading.Event()
        while any(path in self.writer.status().copying for path in self._claimed):
            done.wait(_LOOK_SECONDS)


def _size(path: Path | None) -> int:
    try:
        return 0 if path is None else path.stat().st_size
    except OSError:
        return 0
