"""The runs that a listener has: their documents on the way into files, and what became of those."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contract.report import RunReport
from ..errors import DocumentError
from ..files.run_paths import fixed_part
from ..log_once import LogOnce
from ..model.run import working_directory
from ..recording.snapshot import Snapshots
from ..recording.writer import Writer
from ..sources.brokers import Broker, Job
from ..sources.brokers.wire import UNSTOPPED, Assembly
from .ledger import Ledger

__all__ = ["Jobs"]

logger = logging.getLogger(__name__)

_MOST_TRIES = 5
"""Listeners that may die of a run before it is put aside."""


@dataclass(slots=True)
class _Run:
    """A run on its way into files."""

    uid: str
    writers: dict[str, Writer]
    """Those whose files are not closed, by format."""
    assembly: Assembly = field(default_factory=Assembly)
    flushed: dict[str, threading.Event] = field(default_factory=dict)
    """When the run is over: set when a writer has taken all of it."""


class Jobs:
    """The runs that a listener has.

    Parameters
    ----------
    broker
        Gives the runs, and is told when one is done.
    writers
        Write them. They keep nothing in a spool: the broker keeps the runs.
    """

    def __init__(self, broker: Broker, writers: Sequence[Writer]) -> None:
        self._broker = broker
        self._runs: dict[str, _Run] = {}
        self._reports: queue.SimpleQueue[RunReport] = queue.SimpleQueue()
        self._lost: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._snapshot = Snapshots()
        self._told = LogOnce()
        self._writers = {writer.format: writer for writer in writers}
        ledgers: dict[Path, Ledger] = {}
        self._ledgers: dict[str, Ledger] = {}
        for name, writer in self._writers.items():
            folder = working_directory() / fixed_part(str(writer.settings.directory))
            if folder not in ledgers:
                ledgers[folder] = Ledger(folder)
            ledger = self._ledgers[name] = ledgers[folder]
            writer.keep_no_spool()
            writer.on_complete(self._reports.put)
            writer.before_claims(_claiming(ledger, name))

    def take(self, most: int) -> None:
        """Take runs from the broker, up to a number at the same time."""
        if len(self._runs) >= most:
            return
        for job in self._broker.take(most - len(self._runs)):
            if job.uid not in self._runs:
                self._begin(job)

    def receive(self, seconds: float) -> None:
        """Hand on what came, or wait for it."""
        for incoming in self._broker.poll(seconds):
            run = self._runs.get(incoming.uid)
            if run is None:
                continue
            try:
                found = run.assembly.add(incoming.frame)
                if found is not None:
                    self._post(run, *found)
            except DocumentError as error:
                if self._told.is_new(f"{run.uid} {error}"):
                    logger.warning("run %s: a document is refused: %s", run.uid[:7], error)

    def settle(self) -> None:
        """Note whose files are closed, and tell the broker of runs that are done."""
        while not self._lost.empty():
            self._give_up(self._lost.get())
        while not self._reports.empty():
            self._note(self._reports.get())
        for run in list(self._runs.values()):
            for name, flushed in run.flushed.items():
                is_over = flushed.is_set() and name in run.writers
                if is_over and not run.writers[name].awaits(run.uid) and self._reports.empty():
                    self._note(RunReport(name, {"uid": run.uid}, is_given_up=True))
            if not run.writers and self._lost.empty():
                self._broker.done(run.uid)
                del self._runs[run.uid]

    def lose(self, uids: Iterable[str]) -> None:
        """Take runs that another listener has by now for lost; called on any thread."""
        for uid in uids:
            self._lost.put(uid)

    def _begin(self, job: Job) -> None:
        missing = {}
        for name, writer in self._writers.items():
            with self._ledgers[name].alone():
                if self._is_done(job.uid, name, writer):
                    continue
                missing[name] = writer
                if job.tries <= _MOST_TRIES:
                    self._ledgers[name].clear_away(job.uid, name)
        if missing and job.tries > _MOST_TRIES:
            logger.error(
                "run %s is put aside: %d listeners ended while they wrote it. Remedy: look for "
                "what ends them, and have it sent again; the broker keeps it among the refused",
                job.uid,
                job.tries - 1,
            )
            self._broker.refuse(job.uid)
            return
        self._runs[job.uid] = _Run(job.uid, missing)

    def _is_done(self, uid: str, name: str, writer: Writer) -> bool:
        return self._ledgers[name].is_done(uid, name, shares=writer.shares_files)

    def _post(self, run: _Run, name: str, doc: dict[str, Any]) -> None:
        if name == UNSTOPPED:
            for writer in run.writers.values():
                writer.end_unstopped(run.uid)
        else:
            copy, size = self._snapshot(name, doc)
            for format_name, writer in run.writers.items():
                if name == "start":
                    self._ledgers[format_name].begin(run.uid, format_name)
                    writer.begin(copy, size, working_directory())
                else:
                    writer.post(name, copy, size)
                if name == "stop":
                    writer.end(copy)
        if name in (UNSTOPPED, "stop"):
            run.flushed = {n: writer.request_flush() for n, writer in run.writers.items()}

    def _note(self, report: RunReport) -> None:
        run = self._runs.get(report.uid)
        if run is None or report.format not in run.writers or not run.flushed:
            return
        ledger = self._ledgers[report.format]
        with ledger.alone():
            if not all(path.exists() for path in report.files):  # whoever has it by now began anew
                self._lost.put(run.uid)
                return
            if report.is_given_up:
                ledger.fail(run.uid, report.format)
            else:
                ledger.finish(run.uid, report.format, report.files)
        del run.writers[report.format]

    def _give_up(self, uid: str) -> None:
        run = self._runs.pop(uid, None)
        if run is not None:
            self._broker.lose(uid)
            logger.warning(
                "run %s was given to another listener: this one gave no sign of life for too long",
                uid[:7],
            )
            for writer in run.writers.values():
                writer.end_unstopped(uid)


def _claiming(ledger: Ledger, name: str) -> Any:
    def claim(uid: str, path: Path) -> None:
        ledger.claim(uid, name, path)

    return claim
