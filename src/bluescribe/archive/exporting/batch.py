"""What a worker does: it exports a batch of runs, one after the other.

A batch is some seconds of work, so that a million runs are no million tasks of a scheduler. Runs
that share files are batches too, one after the other.
"""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ... import __version__
from ...config.configuration import WriterConfig
from ...sources import StoredRun
from .crew import LostError, WorkerError
from .part import PARTS, Part
from .report import ExportedRun
from .runexporter import RunExporter

__all__ = ["Batch", "Item", "export_batch", "order_for"]

_MOST_TRIES = 3
"""How many workers may die of a run."""


@dataclass(frozen=True)
class Item:
    """A run that is to be written."""

    index: int
    """Its place in the plan."""
    run: StoredRun
    names: tuple[str, ...]
    """The formats."""


@dataclass(frozen=True)
class Batch:
    """Runs for one worker, in order."""

    configs: tuple[WriterConfig, ...]
    items: tuple[Item, ...]
    shared: Mapping[str, Mapping[str, int]]
    """Of each format whose files take several runs, the files to continue and their bytes."""


def order_for(folder: Path, token: str, number: int) -> dict[str, Any]:
    """Return what a worker is told beside the batch: plain values, which any version can read."""
    return {
        "version": __version__,
        "zone": _zone(),
        "folder": str(folder),
        "token": token,
        "part": f"{token}-{number}",
    }


def export_batch(
    order: Mapping[str, Any], sent: bytes, stays: Callable[[], bool] = lambda: True
) -> None:
    """Export a batch; what becomes of its runs is noted in its part.

    Parameters
    ----------
    order
        As `order_for` makes it.
    sent
        The batch, pickled.
    stays
        Looked at between two runs: whether this worker goes on, or leaves the rest to another one.

    Raises
    ------
    WorkerError
        This worker cannot do that, or the export is over.
    LostError
        This worker ends.
    """
    began = time.monotonic()
    folder = Path(order["folder"])
    _check_like_minded(order)
    token = folder / PARTS / order["token"]
    _check_seen(token, folder)
    batch = _unpacked(sent)
    _check_sources(item.run for item in batch.items)
    part = Part(folder, order["part"], batch.shared)
    try:
        # only with the lock: from here on, the next export waits for this part to be let go
        _carry_out(batch, part, token, stays)
        part.end(time.monotonic() - began)
    finally:
        part.close()


def _carry_out(batch: Batch, part: Part, token: Path, stays: Callable[[], bool]) -> None:
    writers = {config.name: config.make() for config in batch.configs}
    exporter = RunExporter(writers, part, goes_on=True)
    try:
        for item in batch.items:
            if item.index in part.results:
                continue
            if not token.exists():
                raise WorkerError(f"{_here()} was told to stop, and wrote no further run")
            if not stays():
                raise LostError(f"{_here()} ends")
            part.give(item.index, _export(item, part, exporter))
    finally:
        exporter.close()


def _export(item: Item, part: Part, exporter: RunExporter) -> ExportedRun:
    """Export a run, or what is left of it by a worker that died."""
    run, tries = item.run, part.tries[item.index]
    done = [name for name in item.names if tries and (run.uid, name) in part.done]
    left = [name for name in item.names if name not in done]
    if tries:
        for name in left:
            part.clear_away(run.uid, name)
    if tries >= _MOST_TRIES:
        for name in left:
            part.fail(run.uid, name)
        cause = f"{tries} workers died as they wrote it. Remedy: export it alone, and report it"
        result = ExportedRun(run.uid, run.label, failures=dict.fromkeys(left, cause))
    else:
        part.try_run(item.index, run.uid)
        result = exporter.export(run, left)
    return replace(result, files={**{n: part.files(run.uid, n) for n in done}, **result.files})


def _check_like_minded(order: Mapping[str, Any]) -> None:
    if order["version"] != __version__:
        raise WorkerError(
            f"{_here()} has bluescribe {__version__}, and this is {order['version']}: install the "
            f"same on all: pip install 'bluescribe[dask]=={order['version']}'"
        )
    if tuple(order["zone"]) != _zone():
        raise WorkerError(
            f"{_here()} is in the time zone {_zone()}, and this process in {order['zone']}: files "
            "would get other names there. Start workers with the same TZ"
        )


def _check_seen(token: Path, folder: Path) -> None:
    if not token.exists():
        raise WorkerError(
            f"{_here()} does not see {folder} as it is here: all workers need the same folder by "
            "the same path, on a file system that they share"
        )


def _check_sources(runs: Iterable[StoredRun]) -> None:
    for folder in {run.source.folder for run in runs}:
        if folder is not None and not folder.exists():
            raise WorkerError(
                f"{_here()} does not see {folder}, where the runs are: all workers need it by the "
                "same path, on a file system that they share"
            )


def _unpacked(sent: bytes) -> Batch:
    try:
        batch: Batch = pickle.loads(sent)
    except Exception as error:  # of a source that cannot be opened, or a module that is missing
        raise WorkerError(
            f"{_here()} cannot read what it is to write: {type(error).__name__}: {error}. Workers "
            "need the packages, formats and catalogs that this process has"
        ) from error
    return batch


def _here() -> str:
    return f"the worker on {socket.gethostname()}"


def _zone() -> tuple[Any, ...]:
    """Return what local times, and so the names of files, go by."""
    return (*time.tzname, time.timezone)
