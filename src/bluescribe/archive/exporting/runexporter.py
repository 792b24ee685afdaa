"""Posts stored runs to writers, one after the other, as a RunEngine would."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ...contract.report import Failure, RunReport
from ...errors import DocumentError
from ...files.run_names import is_owed
from ...log_once import LogOnce
from ...model.grammar import check_name
from ...recording.snapshot import Snapshots
from ...recording.writer import Writer
from ...sources import StoredRun
from ...spool import Spool
from .manifest import Manifest
from .report import ExportedRun

__all__ = ["RunExporter"]

logger = logging.getLogger(__name__)

_MOST_TOLD = 10
_TELL_EVERY = 1_000
"""Events after which progress is reported."""


class RunExporter:
    """Posts runs to writers, and returns what became of each.

    Parameters
    ----------
    writers
        By format.
    manifest
        Records what is begun and what is complete.
    goes_on
        Whether to continue the shared files that the manifest knows.
    """

    def __init__(self, writers: Mapping[str, Writer], manifest: Manifest, *, goes_on: bool) -> None:
        self._writers = dict(writers)
        self._manifest = manifest
        self._reports: dict[str, SimpleQueue[RunReport]] = {}
        self._sizes: dict[Path, int] = {}
        """Bytes of each shared file when the latest run in it was complete."""
        self._spool = Spool()
        """What all writers follow: each document is posted once."""
        told = LogOnce()
        for name, writer in self._writers.items():
            writer.replay()
            writer.follow(self._spool)
            writer.tell_together(told)
            self._reports[name] = SimpleQueue()
            writer.on_complete(self._reports[name].put)
            if goes_on and writer.shares_files:
                for shared in manifest.shared_files(name):
                    self._sizes[shared] = _size(shared)
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
            Called with the number of events since the last call.
        """
        accounts = [_Account(n, self._writers[n], run.uid, self._manifest) for n in names]
        writers = [account.writer for account in accounts]
        is_for_all = len(writers) == len(self._writers)
        posts: list[Callable[[str, Any, int], object]] = (
            [self._spool.post] if is_for_all else [writer.post for writer in writers]
        )
        events, fault = _post(run, writers, posts, tell)
        for account in accounts:
            account.finish(fault, self._reports[account.name], self._sizes)
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


def _post(
    run: StoredRun,
    writers: list[Writer],
    posts: list[Callable[[str, Any, int], object]],
    tell: Callable[[int], None],
) -> tuple[int, str]:
    """Post the documents of a run; return the number of events, and why they broke off."""
    events = told = 0
    fault, snapshot = "", Snapshots()
    try:
        for name, doc in _documents(run):
            copy, size = snapshot(name, doc)
            for post in posts:
                post(name, copy, size)
            if name == "stop":  # as when it was live: who is over first is written first
                for writer in writers:
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
    """Yield the documents of a run, their names checked: a source may give any."""
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
    """What one writer makes of one run: its files and its report."""

    def __init__(self, name: str, writer: Writer, uid: str, manifest: Manifest) -> None:
        self.name = name
        self.writer = writer
        self.files: list[Path] = []
        self.failure = ""
        self.discrepancies: tuple[str, ...] = ()
        """How the run differs from its stop document."""
        self.bytes = 0
        self._uid = uid
        self._manifest = manifest
        self._claimed: list[Path] = []
        manifest.begin(uid, name)
        writer.tell_of_claims(self._claimed.append, before=self._note)

    def _note(self, path: Path) -> None:
        """Record a file before it is made: a kill may come in between."""
        self._manifest.claim(self._uid, self.name, path)

    def finish(self, fault: str, reports: SimpleQueue[RunReport], sizes: dict[Path, int]) -> None:
        """Wait until the run's files are complete, and record them."""
        report = self._report(reports)
        written = () if report.is_given_up else report.files[:1]
        made = [path for path in dict.fromkeys([*self._claimed, *written]) if path.exists()]
        self.files = [path for path in made if not is_owed(path.name)]
        for path in self.files:
            size = _size(path)
            self.bytes += size - sizes.get(path, 0)
            if self.writer.shares_files:
                sizes[path] = size
        self.failure = fault or "; ".join(f"{f.cause}. Remedy: {f.remedy}" for f in report.failures)
        self.discrepancies = report.discrepancies
        if report.refused:
            logger.warning("%s: %d damaged documents were refused", self.name, report.refused)
        if self.failure:
            self._manifest.fail(self._uid, self.name)
        else:
            self._manifest.finish(self._uid, self.name, self.files)

    def _report(self, reports: SimpleQueue[RunReport]) -> RunReport:
        """Wait for the writer's report of the run; until then images may be copied."""
        self.writer.request_finish().wait()
        while self.writer.awaits(self._uid) or not reports.empty():
            report = reports.get()
            if report.uid == self._uid:
                return report
        remedy = "look at its first document where it is stored, and mend that"
        cause = "its start document is damaged, so nothing of it is written"
        failure = Failure(time.time(), self._uid, None, cause, remedy)
        return RunReport(self.name, {"uid": self._uid}, failures=(failure,), is_given_up=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
