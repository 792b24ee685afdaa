"""The runs that a listener has: their documents on the way into files, and what became of those."""

from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..contract.report import RunReport
from ..files.working_directory import working_directory
from ..log_once import LogOnce
from ..recording.snapshot import Snapshots
from ..recording.writer import Writer
from ..sources.brokers import Broker, BrokerOptions, Job
from ..sources.brokers.wire import UNSTOPPED
from .health import Health
from .ledgers import Ledgers
from .open_run import SUSPECT, OpenRun

__all__ = ["Jobs"]

logger = logging.getLogger(__name__)

_MOST_DEATHS = 5
"""Of how many listeners a run may have been the death, as the ledger has it, until it is put aside.
How often a broker has given it away says less: a slow listener loses it as well."""
_SILENT_SECONDS = 3600.0
"""After how long without a document it is told that a run is open."""
_LEAVING_SECONDS = 20.0
"""How long is waited until files are closed that go to another listener, or come back."""
_MOST_CLOSING = 20
"""Runs whose stops have come and whose files are not closed, at which no more are taken."""
_PAUSE_SECONDS = 0.02
_ONE_MORE_SECONDS = 1.0
"""After how long a listener may have one more run at the same time, besides one for each that is
done: a run that ends it is charged with that, and so are all that it has."""


class Jobs:
    """The runs that a listener has.

    Parameters
    ----------
    broker
        Gives the runs, and is told when one is done.
    writers
        Write them. They keep nothing in a spool: the broker keeps the runs.
    options
        Who this listener is, and how long it waits for a stop.
    health
        Is told what comes.
    """

    def __init__(
        self,
        broker: Broker,
        writers: Sequence[Writer],
        options: BrokerOptions,
        health: Health | None = None,
    ) -> None:
        self._broker, self._health = broker, health or Health("a broker")
        self._unstopped_seconds = options.unstopped_seconds
        self._runs: dict[str, OpenRun] = {}
        self._reports: queue.SimpleQueue[RunReport] = queue.SimpleQueue()
        self._lost: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._leaving: dict[str, list[threading.Event]] = {}
        """Runs that were given up: set when their writers have let go of them."""
        self._snapshot = Snapshots()
        self._told = LogOnce()
        self._since, self._done = time.monotonic(), 0
        self._writers = {writer.format: writer for writer in writers}
        broker.hand_over = self._hand_over
        self._ledgers = Ledgers(self._writers, options.name)
        for writer in self._writers.values():
            writer.keep_no_spool()
            writer.on_complete(self._reports.put)
            writer.before_claims(self._claiming(writer))

    def take(self, most: int) -> None:
        """Take runs from the broker, up to a number at the same time, and few at the beginning."""
        by_now = 1 + self._done + int((time.monotonic() - self._since) / _ONE_MORE_SECONDS)
        for job in self._broker.take(max(0, min(most, by_now) - len(self._runs))):
            if job.is_headless:
                self._tell_of_headless(job.uid)
            elif job.uid not in self._runs:
                self._begin(job)

    def receive(self, seconds: float) -> None:
        """Hand on what came, or wait for it."""
        if sum(bool(run.flushed) for run in self._runs.values()) >= _MOST_CLOSING:
            time.sleep(_PAUSE_SECONDS)  # or the writers fall behind, who may lose runs to others
            return
        for incoming in self._broker.poll(seconds):
            self._health.receive(incoming.size)
            run = self._runs.get(incoming.uid)
            if run is None:
                continue
            run.take(incoming)
            if incoming.document is not None:
                self._post(run, *incoming.document)
            self._post_whole(run)

    def settle(self) -> None:
        """Note whose files are closed, and tell the broker of runs that are done."""
        self.lose(self._broker.lost())
        while not self._lost.empty():
            self._give_up(self._lost.get())
        self._note_reports()
        for run in list(self._runs.values()):
            self._settle(run)
            if run.writers and not run.flushed:
                self._look_at_silence(run)
        self._health.open_runs = len(self._runs)

    def lag(self) -> int | None:
        """Return how much waits at the broker; None where it is not known."""
        return self._broker.lag()

    def _settle(self, run: OpenRun) -> None:
        for name, flushed in run.flushed.items():
            is_over = flushed.is_set() and name in run.writers
            if is_over and not run.writers[name].awaits(run.uid) and self._reports.empty():
                self._note(RunReport(name, {"uid": run.uid}, is_given_up=True))
        if not run.writers and self._lost.empty():
            self._broker.done(run.uid)
            del self._runs[run.uid]
            self._done += 1

    def _hand_over(self, uids: set[str]) -> None:
        """Finish the runs whose stops have come, and let go of the others, before they go."""
        runs = [self._runs[uid] for uid in uids if uid in self._runs]
        deadline = time.monotonic() + _LEAVING_SECONDS
        for run in runs:
            while run.flushed and run.uid in self._runs and time.monotonic() < deadline:
                self._note_reports()
                self._settle(run)
                if run.uid in self._runs:
                    time.sleep(_PAUSE_SECONDS)
        for run in runs:
            self._give_up(run.uid)
        for run in runs:
            self._await_leaving(run.uid, deadline - time.monotonic())

    def leave(self) -> list[str]:
        """Leave what is open to other listeners; return the uids."""
        for run in self._runs.values():
            self._ledgers.leave(run.uid, run.writers)
        left, self._runs = list(self._runs), {}
        return left

    def lose(self, uids: Iterable[str]) -> None:
        """Take runs that another listener has by now for lost; called on any thread."""
        for uid in uids:
            self._lost.put(uid)

    def _begin(self, job: Job) -> None:
        self._await_leaving(job.uid, _LEAVING_SECONDS)
        if self._is_beside_suspect(job.uid):
            self._broker.lose(job.uid)  # it comes again, and is charged with no end but its own
            return
        missing, deaths = self._ledgers.begin(job.uid, most_deaths=_MOST_DEATHS)
        if missing and deaths >= _MOST_DEATHS:
            where = self._broker.refuse(job.uid)
            logger.error(
                "run %s is put aside: %d listeners ended while they wrote it. Remedy: look for "
                "what ends them, and have it sent again; %s",
                *(job.uid, deaths, where),
            )
            return
        self._runs[job.uid] = OpenRun(job.uid, missing, deaths)

    def _is_beside_suspect(self, uid: str) -> bool:
        """Tell whether a run may be what ends listeners, as another one may that is open here."""
        if not (self._broker.puts_off and any(run.is_suspect for run in self._runs.values())):
            return False
        return self._ledgers.deaths(uid) >= SUSPECT

    def _await_leaving(self, uid: str, seconds: float) -> None:
        """Wait until writers have let go of a run."""
        for left in self._leaving.pop(uid, ()):
            left.wait(max(0.0, seconds))
        self._note_reports()

    def _tell_of_headless(self, uid: str) -> None:
        """Tell of documents without a start, unless their run was written by anybody."""
        if uid in self._runs:
            logger.warning(
                "run %s: some of its documents come in another partition, without order: they are "
                "left out. Remedy: give its Publisher a key, or the topic one partition",
                uid,
            )
            return
        if self._ledgers.is_done(uid):
            return
        logger.warning(
            "run %s: its start is not where its documents are, they are left out. The broker has "
            "deleted it, or its sender has no key (bluesky-kafka's Publisher: key=...), or another "
            "listener has written it into another folder",
            uid,
        )

    def _look_at_silence(self, run: OpenRun) -> None:
        """Tell of a run of which nothing comes any more, and close it where that is wanted."""
        if self._unstopped_seconds is not None and run.silent > self._unstopped_seconds:
            run.tell_of_closing()
            self._post_whole(run, skips=True)
            if not run.flushed:
                self._post(run, UNSTOPPED, {})
        elif run.silent > _SILENT_SECONDS and self._told.is_new(f"{run.uid} is silent"):
            run.tell_of_silence()

    def _post_whole(self, run: OpenRun, *, skips: bool = False) -> None:
        """Hand on the documents that are whole and in turn."""
        for name, doc in run.whole(self._told, skips=skips):
            self._post(run, name, doc)

    def _post(self, run: OpenRun, name: str, doc: dict[str, Any]) -> None:
        if name == UNSTOPPED:
            for writer in run.writers.values():
                writer.end_unstopped(run.uid)
        else:
            copy, size = self._snapshot(name, doc)
            for writer in run.writers.values():
                if name == "start":
                    writer.take_back(run.uid)
                    writer.begin(copy, size, working_directory())
                else:
                    writer.post(name, copy, size)
                if name == "stop":
                    writer.end(copy)
        if name in (UNSTOPPED, "stop"):
            run.flushed = {n: writer.request_flush() for n, writer in run.writers.items()}

    def _note_reports(self) -> None:
        while not self._reports.empty():
            self._note(self._reports.get())

    def _note(self, report: RunReport) -> None:
        run = self._runs.get(report.uid)
        if run is None or report.format not in run.writers or not run.flushed:
            return
        if self._ledgers.end(report):
            del run.writers[report.format]
        else:
            self._lost.put(run.uid)  # whoever has it by now began anew

    def _give_up(self, uid: str) -> None:
        run = self._runs.pop(uid, None)
        if run is None:
            return
        self._broker.lose(uid)
        logger.warning("run %s goes on at another listener: %s", uid[:7], self._broker.loss)
        for name, writer in run.writers.items():
            self._ledgers.leave(uid, [name])
            writer.leave(uid)
        self._leaving[uid] = [writer.request_flush() for writer in run.writers.values()]

    def _claiming(self, writer: Writer) -> Callable[[str, Path], None]:
        """Return what notes a file before it is made, unless another listener has its run."""

        def claim(uid: str, path: Path) -> None:
            if self._ledgers.claim(uid, writer.format, path):
                return
            self._lost.put(uid)
            writer.leave(uid)
            raise OSError(errno.ESTALE, "another listener writes its run", str(path))

        return claim
