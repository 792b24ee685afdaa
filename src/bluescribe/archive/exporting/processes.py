"""An export in several processes: runs side by side, those that share a file in one process."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from ...config.configuration import WriterConfig
from ...sources import StoredRun
from .manifest import Manifest
from .plan import Plan, Progress, Task
from .report import ExportedRun
from .runexporter import RunExporter

__all__ = ["run_in_processes"]

_AHEAD = 2
"""Runs that are queued for each process: memory does not grow with the number of all runs."""

_PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that the kernel sends when the thread that began this process ends."""

Part: TypeAlias = "Future[ExportedRun]"


def run_in_processes(
    plan: Plan, shared: frozenset[str], jobs: int, progress: Progress
) -> list[ExportedRun]:
    """Carry out a plan in several processes.

    Parameters
    ----------
    plan
        What is to be written.
    shared
        Formats whose files take several runs: one process writes them all, in order.
    jobs
        Number of processes.
    progress
        Called when a run is finished, with its events; see `Progress`.
    """
    with ExitStack() as stack:
        pools = []
        for is_shared, workers in ((False, jobs), (True, 1)):
            configs = tuple(c for c in plan.configs if (c.name in shared) is is_shared)
            if configs:
                pool = _pool(workers, configs, plan)
                stack.callback(pool.shutdown, wait=True, cancel_futures=True)
                pools.append((pool, frozenset(c.name for c in configs)))
        tasks = iter(plan.tasks)
        waiting: deque[tuple[Task, list[Part]]] = deque()
        done = []
        for task in islice(tasks, _AHEAD * jobs):
            waiting.append((task, list(_submit(pools, task))))
        while waiting:
            task, parts = waiting.popleft()
            result = _merge(task, parts)
            progress(result.events, result)
            done.append(result)
            for task in islice(tasks, 1):
                waiting.append((task, list(_submit(pools, task))))
        return done


def _pool(workers: int, configs: tuple[WriterConfig, ...], plan: Plan) -> ProcessPoolExecutor:
    # spawned, not forked: this process may have threads, of writers for one
    context = multiprocessing.get_context("spawn")
    arguments = (configs, plan.folder, plan.resumes)
    return ProcessPoolExecutor(workers, context, _begin, arguments)


def _submit(pools: list[tuple[ProcessPoolExecutor, frozenset[str]]], task: Task) -> Iterator[Part]:
    for pool, formats in pools:
        names = [name for name in task.names if name in formats]
        if names:
            try:
                yield pool.submit(_export, task.run, names)
            except BrokenProcessPool as error:
                failed: Part = Future()
                failed.set_exception(error)
                yield failed


def _merge(task: Task, parts: list[Part]) -> ExportedRun:
    """Wait for a run, and join what the processes report of it."""
    merged = ExportedRun(task.run.uid, task.run.label)
    results = []
    for part in parts:
        try:
            results.append(part.result())
        except Exception as error:  # of a process that was killed, or a run that cannot be sent
            cause = f"{type(error).__name__}: {error}"
            results.append(
                ExportedRun(merged.uid, merged.label, failures=dict.fromkeys(task.names, cause))
            )
    for result in results:
        merged.files.update(result.files)
        merged.failures.update(result.failures)
    return ExportedRun(
        merged.uid,
        merged.label,
        merged.files,
        merged.failures,
        discrepancies=next((r.discrepancies for r in results if r.discrepancies), ()),
        events=max((result.events for result in results), default=0),
        bytes=sum(result.bytes for result in results),
    )


_exporter: RunExporter
"""The exporter of this process, if it is one of an export's processes."""


def _begin(configs: tuple[WriterConfig, ...], folder: Path, resumes: bool) -> None:
    """Make the writers of a process."""
    global _exporter  # noqa: PLW0603  # the only way from a pool's initializer to its work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked for this
    _end_with_parent()
    writers = {config.name: config.make() for config in configs}
    _exporter = RunExporter(writers, Manifest(folder), goes_on=resumes)


def _export(run: StoredRun, names: list[str]) -> ExportedRun:
    return _exporter.export(run, names)


def _end_with_parent() -> None:
    """Have this process end when its parent is killed: nothing else would end it."""
    if sys.platform == "linux":  # even while HDF5 waits for a dead mount, and no thread can run
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
