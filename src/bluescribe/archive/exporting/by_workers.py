"""Shares the runs of a plan out to workers, and puts together what they tell."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from .batch import Batch, order_for
from .crew import Crew, LostError, Outcome
from .manifest import BusyError, Manifest
from .parts import Parts, gather
from .plan import Plan, Progress
from .queues import Queue, queues_of
from .report import ExportedRun

__all__ = ["run_by_workers"]

_MOST_LOSSES = 10
"""How many workers may die with one batch; a run of which they die is given up before that."""


def run_by_workers(
    plan: Plan, manifest: Manifest, crew: Crew, progress: Progress
) -> list[ExportedRun]:
    """Have workers carry out a plan.

    Parameters
    ----------
    plan
        What is to be written.
    manifest
        Of the folder; it is locked.
    crew
        The workers; they are let go.
    progress
        Called when a run is finished, with its events; see `Progress`.

    Raises
    ------
    WorkerError
        A worker cannot do its part.
    SchedulerError
        The scheduler is gone.
    """
    parts = Parts(manifest)
    try:
        return _Sharing(plan, manifest, parts, crew, progress).run()
    finally:
        parts.end()
        crew.close()
        with suppress(BusyError):  # a worker finishes a run: the next export waits for it
            gather(manifest, patience=0)


class _Sharing:
    """An export by workers, while it goes on."""

    def __init__(
        self, plan: Plan, manifest: Manifest, parts: Parts, crew: Crew, progress: Progress
    ) -> None:
        self._plan, self._folder = plan, manifest.folder
        self._parts, self._crew, self._progress = parts, crew, progress
        self._queues = queues_of(plan, manifest)
        self._out: dict[int, tuple[Queue, Batch, bytes]] = {}
        """Batches that workers have, by their numbers."""
        self._sent = 0
        self._losses: Counter[int] = Counter()
        self._results: dict[int, ExportedRun] = {}
        self._missing: dict[int, int] = {}
        """From how many queues each run is still to come."""

    def run(self) -> list[ExportedRun]:
        """Carry out the plan; return what became of each run."""
        for index, task in enumerate(self._plan.tasks):
            wanted = sum(not queue.names.isdisjoint(task.names) for queue in self._queues)
            self._results[index] = ExportedRun(task.run.uid, task.run.label)
            self._missing[index] = wanted
            if not wanted:
                self._progress(0, self._results[index])
        self._fill()
        while self._out:
            self._take(self._crew.receive())
            self._fill()
        return [self._results[index] for index in range(len(self._plan.tasks))]

    def _fill(self) -> None:
        """Give workers what they can take."""
        for queue in self._queues:
            while len(self._out) < self._crew.room and queue.may_give():
                batch = queue.next()
                if batch is None:
                    break
                self._give(queue, batch)

    def _give(self, queue: Queue, batch: Batch) -> None:
        try:
            data = pickle.dumps(batch)
        except Exception as error:  # of a run that cannot be sent
            queue.put_back(batch) if len(batch.items) > 1 else self._fail(queue, batch, error)
            return
        self._sent += 1
        self._out[self._sent] = queue, batch, data
        self._parts.begin(self._sent)
        self._send(self._sent)

    def _send(self, number: int) -> None:
        order = order_for(self._folder, self._parts.token, number)
        self._crew.send(number, order, self._out[number][2])

    def _take(self, outcome: Outcome) -> None:
        if isinstance(outcome.error, LostError):
            self._losses[outcome.number] += 1
            if self._losses[outcome.number] < _MOST_LOSSES:
                self._send(outcome.number)  # another worker goes on from where that one was
                return
        elif outcome.error is not None:
            raise outcome.error
        queue, batch, _ = self._out.pop(outcome.number)
        results, seconds = self._parts.take(outcome.number)
        self._note(results)
        if outcome.error is not None:
            left = tuple(item for item in batch.items if item.index not in results)
            self._fail(queue, replace(batch, items=left), outcome.error)
        queue.note(batch, seconds)

    def _fail(self, queue: Queue, batch: Batch, error: Exception) -> None:
        cause = f"{type(error).__name__}: {error}"
        self._note(
            {
                item.index: ExportedRun("", "", failures=dict.fromkeys(item.names, cause))
                for item in batch.items
            }
        )
        queue.note(batch, 0.0)

    def _note(self, results: Mapping[int, ExportedRun]) -> None:
        """Take note of runs that are over in the formats of a queue, and tell of those that are."""
        for index, result in results.items():
            whole = self._results[index] = _joined(self._results[index], result)
            self._missing[index] -= 1
            if not self._missing[index]:
                self._progress(whole.events, whole)


def _joined(one: ExportedRun, other: ExportedRun) -> ExportedRun:
    """Return what became of a run in all formats, of what became of it in some."""
    return replace(
        one,
        files={**one.files, **other.files},
        failures={**one.failures, **other.failures},
        discrepancies=one.discrepancies or other.discrepancies,
        events=max(one.events, other.events),
        bytes=one.bytes + other.bytes,
    )
