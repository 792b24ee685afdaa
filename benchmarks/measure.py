"""One measurement in a process of its own: ``python -m benchmarks.measure JOB RESULT``."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .completeness import events_in, size_of
from .contenders import CONTENDERS, Contender, Sink
from .processes import at_rest, processor_seconds
from .workloads import EVENTS, LONG_RUN, WORKLOADS, Played, Workload, documents

__all__ = ["Job", "Outcome", "main", "quantile"]

Outcome: TypeAlias = "dict[str, Any]"
"""What was measured, by names that end in their unit; ``error`` where it could not be."""

_WARM_UP = 20
"""Events that are written to another folder first: imports and caches are measured apart."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process has to measure.

    Parameters
    ----------
    label
        What its figures are called in the row of the contender.
    kind
        ``play``: documents that are there already; ``memory``: peak of a run whose documents are
        made one by one; ``import``: seconds over bluesky's own; ``live``: a RunEngine;
        ``images``: a RunEngine with a simulated detector; ``signals``, ``runs`` and ``reading``:
        what costs.py measures.
    contender
        Its name.
    directory
        Where to write.
    workload
        Its letter.
    events
        Events at the most.
    rate
        Events a second; 0 for as fast as possible.
    """

    label: str
    kind: Literal["play", "memory", "import", "live", "images", "signals", "runs", "reading"]
    contender: str
    directory: str = ""
    workload: str = "a"
    events: int = sys.maxsize
    rate: float = 0.0

    @property
    def played(self) -> Workload:
        """The workload, as short as this job has it."""
        workload = LONG_RUN if self.kind == "memory" else WORKLOADS[self.workload]
        return workload.shortened(self.events)


def main(arguments: list[str]) -> None:
    """Measure what the first argument tells; write the outcome to the file that is the second."""
    job = Job(**json.loads(arguments[0]))
    try:
        outcome = _KINDS[job.kind](job)
    except Exception as error:
        traceback.print_exc()
        outcome = {"error": f"{type(error).__name__}: {error}"[:200]}
    Path(arguments[1]).write_text(json.dumps(outcome), encoding="utf-8")


def _measure_play(job: Job) -> Outcome:
    contender = CONTENDERS[job.contender]
    _warm_up(contender, job)
    made = documents(job.played)
    played = _at_pace(made, job.rate) if job.rate else list(made)
    folder = _folder(job, "files")
    sink = contender.make(folder)
    gc.collect()
    gc.freeze()  # the collector shall not look through documents that only wait for their turn
    cpu, began = at_rest(), time.perf_counter()
    costs = _play(sink, played)
    returned = time.perf_counter()
    sink.finish()
    ended = time.perf_counter()
    return {
        "total_s": ended - began,
        "after_stop_s": ended - returned,
        "cpu_s": processor_seconds() - cpu,
        **_statistics(costs),
        **_files(contender, job.played, folder),
    }


def _measure_memory(job: Job) -> Outcome:
    contender = CONTENDERS[job.contender]
    folder = _folder(job, "files")
    sink = contender.make(folder)
    for name, doc in documents(job.played):  # a list of what each costs would grow too
        sink.receive(name, doc)
    sink.finish()
    peak = _peak_bytes()
    return {"peak_bytes": peak, **_files(contender, job.played, folder)}


def _measure_import(job: Job) -> Outcome:
    began = time.perf_counter()
    import bluesky.run_engine  # noqa: F401  # what every session has imported anyway

    own, before = time.perf_counter() - began, set(sys.modules)
    began = time.perf_counter()
    exec(CONTENDERS[job.contender].imports, {})
    modules = len(set(sys.modules) - before)
    return {"import_s": time.perf_counter() - began, "bluesky_s": own, "modules": modules}


def _measure_live(job: Job) -> Outcome:
    from .live import measure_live

    return measure_live(job.contender, _folder(job, "files"), job.events, job.rate)


def _measure_images(job: Job) -> Outcome:
    from .images import measure_images

    return measure_images(job.contender, Path(job.directory), job.events)


def _measure_signals(job: Job) -> Outcome:
    from .costs import measure_signals

    return measure_signals(CONTENDERS[job.contender].family, Path(job.directory), job.events)


def _measure_runs(job: Job) -> Outcome:
    from .costs import measure_runs

    return measure_runs(CONTENDERS[job.contender].family, Path(job.directory), job.events)


def _measure_reading(job: Job) -> Outcome:
    from .costs import measure_reading

    return measure_reading(job.workload, Path(job.directory))


_KINDS: dict[str, Callable[[Job], Outcome]] = {
    "play": _measure_play,
    "memory": _measure_memory,
    "import": _measure_import,
    "live": _measure_live,
    "images": _measure_images,
    "signals": _measure_signals,
    "runs": _measure_runs,
    "reading": _measure_reading,
}


def _warm_up(contender: Contender, job: Job) -> None:
    sink = contender.make(_folder(job, "warm"))
    _play(sink, documents(job.played.shortened(_WARM_UP)))
    sink.finish()


def _folder(job: Job, name: str) -> Path:
    folder = Path(job.directory) / name
    folder.mkdir()
    return folder


def _play(sink: Sink, played: Iterable[Played]) -> list[int]:
    """Hand over documents; return the nanoseconds that each event or page took."""
    costs = []
    for name, doc in played:
        began = time.perf_counter_ns()
        sink.receive(name, doc)
        cost = time.perf_counter_ns() - began
        if name in EVENTS:
            costs.append(cost)
    return costs


def _at_pace(made: Iterator[Played], rate: float) -> Iterator[Played]:
    """Sleep as a plan does, then make the document: it is handed over while it is new."""
    due = time.perf_counter()
    while True:
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        document = next(made, None)
        if document is None:
            return
        yield document


def _statistics(costs: list[int]) -> Outcome:
    return {
        "documents": len(costs),
        "median_us": statistics.median(costs) / 1e3,
        "p99_us": quantile(costs, 0.99) / 1e3,
    }


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value that such a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _files(contender: Contender, workload: Workload, folder: Path) -> Outcome:
    """Tell what is in the files: fewer events than were sent are a failure."""
    if contender.family in ("copy", "none"):
        return {}
    events, size = events_in(contender.family, folder), size_of(folder)
    return {
        "events": events,
        "is_complete": events == workload.events,
        "file_bytes": size,
        "raw_bytes": workload.raw_bytes,
        "has_arrays": size >= workload.array_bytes,
    }


def _peak_bytes() -> int:
    """Return the peak of the resident memory of this program.

    Linux hands ``ru_maxrss`` of the parent on to a child, so the kernel's own mark comes first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main(sys.argv[1:])
