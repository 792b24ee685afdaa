"""Pages of a flyer, beside the same events one by one: ``python -m benchmarks.pages``.

CPU time of all processes, without what it takes to make the documents and to begin a session, and
the growth of memory. Each figure has a process of its own; the ways take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .completeness import events_in, size_of
from .floors import HdfBlocks
from .workloads import Played, Workload, documents

__all__ = ["WAYS", "main"]

_TOP = Path(__file__).resolve().parent.parent
_PAGE_ROWS = 10_000
_FIELDS = 4
WAYS = ("floor", "arrays", "lists", "events")
"""h5py in blocks with pages of arrays; pages of arrays, and of lists; single events."""
_FORMATS = ("nexus", "hdf5", "csv", "jsonl", "spec", "json")
_WAIT_SECONDS = 600.0
_SAMPLE_SECONDS = 0.2


def main(arguments: list[str]) -> int:
    """Measure, print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.pages", description=__doc__)
    parser.add_argument("--formats", default=",".join(_FORMATS), help="several with commas")
    parser.add_argument("--ways", default=",".join(WAYS), help="several with commas")
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--max-file-size", default="0", help="of the HDF5 formats")
    parser.add_argument("--together", action="store_true", help="all formats in one session")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FORMATS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(_measured(*options.one, options.events, options.max_file_size)))
        return 0
    chosen = [options.formats] if options.together else options.formats.split(",")
    samples: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(options.repeat):
        for formats in chosen:
            for way in options.ways.split(","):
                if way != "floor" or formats in ("nexus", "hdf5"):
                    found = _of_a_process(way, formats, options)
                    samples.setdefault((formats, way), []).append(found)
    _show(samples, options.events)
    return 0


def _of_a_process(way: str, formats: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.pages", "--one", way, formats]
    command += ["--events", str(options.events), "--max-file-size", options.max_file_size]
    done = subprocess.run(command, cwd=_TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _show(samples: dict[tuple[str, str], list[dict[str, Any]]], events: int) -> None:
    names = ("callback", "session", "children", "all", "wall")
    print(f"{events} events of {_FIELDS} float64; medians, µs an event; memory in MB")
    print(f"{'':14}{'':8}" + "".join(f"{name:>10}" for name in (*names, "session", "children")))
    for (formats, way), found in samples.items():
        medians = [statistics.median(s[name] for s in found) / events * 1e6 for name in names]
        memory = [statistics.median(s[name] for s in found) for name in ("peak", "peak_children")]
        is_complete = all(s["is_complete"] for s in found)
        print(
            f"{formats[:13]:14}{way:8}"
            + "".join(f"{value:10.3f}" for value in medians)
            + "".join(f"{value:10.0f}" for value in memory)
            + ("" if is_complete else "  INCOMPLETE")
        )


def _measured(way: str, formats: str, events: int, max_file_size: str) -> dict[str, Any]:
    rows = 0 if way == "events" else _PAGE_ROWS
    workload = Workload("p", "pages", events, _FIELDS, page_rows=rows)
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as name:
        folder = Path(name)
        receive, finish = (
            _floor(folder) if way == "floor" else _session(folder, formats, max_file_size)
        )
        begun = {pid: _cpu_of(pid) for pid in _children()}
        peaks = [0.0, 0.0]
        next_sample, callback, ours = time.monotonic(), 0.0, 0.0
        session, began, mark = time.process_time(), time.monotonic(), time.thread_time()
        for kind, doc in _as(way, documents(workload)):
            now = time.thread_time()
            ours += now - mark
            receive(kind, doc)
            mark = time.thread_time()
            callback += mark - now
            if time.monotonic() > next_sample:
                next_sample = time.monotonic() + _SAMPLE_SECONDS
                _sample(peaks)
        finish_at = resource.getrusage(resource.RUSAGE_CHILDREN)
        _sample(peaks)
        finish()
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        children = ended.ru_utime + ended.ru_stime - finish_at.ru_utime - finish_at.ru_stime
        session = time.process_time() - session - ours
        children -= sum(begun.values())
        return {
            "callback": callback,
            "session": session,
            "children": max(0.0, children),
            "all": session + max(0.0, children),
            "wall": time.monotonic() - began,
            "peak": peaks[0],
            "peak_children": max(peaks[1], ended.ru_maxrss / 1e3 if begun else 0.0),
            "bytes": size_of(folder / "data"),
            "is_complete": _is_complete(folder / "data", way, formats, events),
        }


def _is_complete(folder: Path, way: str, formats: str, events: int) -> bool:
    """Tell whether all events are in the files that can be counted: of parts, in the main file."""
    if way == "floor":
        return True
    counted = [f for f in formats.split(",") if f in ("nexus", "csv", "jsonl", "spec")]
    if "nexus" in counted and any("-part" in path.name for path in folder.iterdir()):
        counted.remove("nexus")
    return all(events_in(each, folder) == events for each in counted)


def _as(way: str, played: Iterator[Played]) -> Iterator[Played]:
    """Yield documents, with arrays as the columns of pages if that is the way."""
    for name, doc in played:
        is_page = name == "event_page" and way in ("arrays", "floor")
        yield name, _with_arrays(doc) if is_page else doc


def _with_arrays(page: dict[str, Any]) -> dict[str, Any]:
    parts = {
        part: {key: np.array(column) for key, column in page[part].items()}
        for part in ("data", "timestamps")
    }
    return {**page, **parts}


def _floor(folder: Path) -> tuple[Any, Any]:
    (folder / "data").mkdir()
    floor = HdfBlocks(folder / "data")
    return floor, floor.close


def _session(folder: Path, formats: str, max_file_size: str) -> tuple[Any, Any]:
    from bluesky.run_engine import DocumentNames, RunEngine

    from bluescribe import subscribe_writers

    blocks = {f"{each.upper()}_DATA_FILES": {"ENABLE": True} for each in formats.split(",")}
    for name in {"NEXUS_DATA_FILES", "HDF5_DATA_FILES"} & {*blocks}:
        blocks[name]["MAX_FILE_SIZE"] = max_file_size
    common = {"DIRECTORY": str(folder / "data"), "SPOOL": str(folder), "DRAIN_TIMEOUT": 3600}
    engine = RunEngine({})
    writers = subscribe_writers(engine, {"DATA_FILES": common, **blocks})

    def receive(name: str, doc: dict[str, Any]) -> None:
        engine.dispatcher.process(DocumentNames[name], doc)

    nothing = {"uid": "0" * 36, "time": 1.0}
    receive("start", nothing)  # processes begin, and everything is imported
    receive("stop", {"uid": "1" * 36, "run_start": "0" * 36, "time": 2.0, "exit_status": "success"})
    writers.flush(_WAIT_SECONDS)
    return receive, writers.close


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _sample(peaks: list[float]) -> None:
    """Note the largest resident memory of the session, and of its largest child, in MB."""
    for place, pids in enumerate(([os.getpid()], _children())):
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
        if pages:
            peaks[place] = max(peaks[place], max(pages) * resource.getpagesize() / 1e6)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
