"""What a signal costs, what a run costs, and how well chunks of arrays are read.

Processor time, and ratios to a floor that is measured beside it: machines are shared.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .workloads import WORKLOADS, Played, documents

__all__ = ["measure_reading", "measure_runs", "measure_signals"]

_EVENTS = 10
_POINTS = 3
_WARM_UP = 3
_FRAMES = 100


def measure_signals(format_name: str, directory: Path, signals: int) -> dict[str, Any]:
    """Write a run of ten events of many signals; make its objects by the low-level interface."""
    from .objects_floor import objects_of, write_objects

    workload = replace(WORKLOADS["a"], events=_EVENTS)
    writer = _writer(format_name, directory)
    _play(writer, documents(replace(workload, fields=20)))
    played = list(documents(replace(workload, fields=signals)))
    before = _resident("VmRSS:")
    _forget_peak()
    cpu = _cpu_of(lambda: _play(writer, played))
    memory = _resident("VmHWM:") - before
    last = writer.status().last_file
    writer.close()
    objects = objects_of(last)
    floors = [_cpu_of(lambda: write_objects(objects, directory / "floor.h5")) for _ in range(3)]
    return {
        "signals": signals,
        "cpu_ms": cpu / signals * 1e3,
        "floor_ms": min(floors) / signals * 1e3,
        "over_floor": cpu / min(floors),
        "memory_kb": memory / signals / 1e3,
    }


def measure_runs(format_name: str, directory: Path, runs: int) -> dict[str, Any]:
    """Write runs of three points of two signals one after the other, each complete at once."""
    workload = replace(WORKLOADS["a"], events=_POINTS, fields=2)
    writer = _writer(format_name, directory)
    played = [list(documents(workload)) for _ in range(runs + _WARM_UP)]
    for run in played[:_WARM_UP]:
        _play(writer, run)

    def all_runs() -> None:
        for run in played[_WARM_UP:]:
            _play(writer, run)

    cpu = _cpu_of(all_runs)
    last = writer.status().last_file
    writer.close()
    found = {"runs": runs, "cpu_ms": cpu / runs * 1e3}
    if format_name in ("nexus", "hdf5"):
        found["floor_ms"] = floor = _floor_of(last, directory / "floor.h5", runs) / runs * 1e3
        found["over_floor"] = found["cpu_ms"] / floor
    return found


def _floor_of(file: Path, made: Path, times: int) -> float:
    """Return the CPU seconds of making a file's objects so often by the low-level interface."""
    from .objects_floor import objects_of, write_objects

    objects = objects_of(file)

    def make() -> None:
        for _ in range(times):
            write_objects(objects, made)

    return min(_cpu_of(make) for _ in range(3))


def measure_reading(key: str, directory: Path) -> dict[str, Any]:
    """Read what NexusWriter made of arrays: one frame, one element's history, all.

    Beside the same values in chunks of one array each, as detectors write them.
    """
    import h5py

    workload = WORKLOADS[key].shortened(_FRAMES)
    writer = _writer("nexus", directory)
    _play(writer, documents(workload))
    last = writer.status().last_file
    writer.close()
    plain, path = directory / "plain.h5", "entry/instrument/bluesky/streams/primary/det_0/value"
    with h5py.File(last) as file, h5py.File(plain, "w", libver="latest") as other:
        values = file[path][()]
        other.create_dataset(path, data=values, chunks=(1, *values.shape[1:]))
    inside = tuple(n // 2 for n in workload.shape)
    reads = {"frame": (50,), "history": (slice(None), *inside), "all": ()}
    found: dict[str, Any] = {}
    for what, where in reads.items():
        cpu = []
        for each in (last, plain) * 3:
            with h5py.File(each) as file:
                cpu.append(_cpu_of(partial(_read, file[path], where)))
        found[f"{what}_ms"], floor = min(cpu[::2]) * 1e3, min(cpu[1::2]) * 1e3
        found[f"{what}_over_plain"] = found[f"{what}_ms"] / floor
    return found


def _read(dataset: Any, where: Any) -> None:
    dataset[where]


def _writer(format_name: str, directory: Path) -> Any:
    """Return a writer that has no process of its own: what it takes is taken here."""
    os.environ["BLUESCRIBE_PROCESS"] = "false"
    from bluescribe.formats import load_format

    return load_format(format_name)(directory / "files", drain_timeout=600.0)


def _play(writer: Any, played: Iterator[Played] | list[Played]) -> None:
    for name, doc in played:
        writer.receiver(name, doc)
    writer.flush(600.0)


def _cpu_of(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _resident(key: str) -> int:
    """Return the memory of this process, now or at its peak, in bytes; Linux tells."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(key))
