"""What a session pays before its first run, and in it: ``python -m benchmarks.start``.

Each sample has a process of its own, in which a RunEngine is there before bluescribe is imported;
two trees take turns. The first run begins at once after `subscribe_writers`, as in a script, or
when the processes of the formats have begun, as at a beamline.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .guard import sources_of
from .runner import environment

__all__ = ["BARS", "main"]

_TOP = Path(__file__).resolve().parent.parent
_FORMATS = "SPEC,NEXUS"
"""Those that iconfig.yml of an APS instrument switches on."""
_BEGUN_SECONDS = 60.0
_RUNS = 4
BARS = {"start_cpu_ms": 40.0, "slower_ms": 100.0}
"""Import and subscription, CPU of the thread; the first run over the second, processes begun."""


def main(arguments: list[str]) -> int:
    """Measure, print a table of medians; return 1 where this tree is over a bar."""
    parser = argparse.ArgumentParser(prog="benchmarks.start", description=__doc__)
    parser.add_argument("--formats", default=_FORMATS, help="several with commas")
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--beside", metavar="COMMIT", help="measure a commit, too")
    parser.add_argument("--one", choices=("at once", "begun"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(_measured(options.formats.split(","), options.one == "begun")))
        return 0
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
        trees: dict[str, Path | None] = {"this tree": None}
        if options.beside:
            trees[options.beside] = sources_of(options.beside, Path(folder))
        samples: dict[tuple[str, str], list[dict[str, float]]] = {}
        for _ in range(options.repeat):
            for name, tree in trees.items():
                for when in ("at once", "begun"):
                    found = _of_a_process(when, options.formats, tree)
                    samples.setdefault((name, when), []).append(found)
    medians = {
        key: {what: statistics.median(one[what] for one in many) for what in many[0]}
        for key, many in samples.items()
    }
    for (name, when), found in medians.items():
        words = ", ".join(f"{what} {value:,.1f}" for what, value in found.items())
        print(f"{name}, first run {when}: {words}")
    here = medians["this tree", "begun"]
    return int(any(here[what] > limit for what, limit in BARS.items()))


def _of_a_process(when: str, formats: str, tree: Path | None) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.start", "--one", when, "--formats", formats]
    done = subprocess.run(
        command, cwd=_TOP, env=environment(tree), capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(formats: list[str], has_begun: bool) -> dict[str, float]:
    from bluesky import RunEngine
    from bluesky.plans import count
    from ophyd import Signal

    RE = RunEngine({}, context_managers=[])
    plan: Callable[[], Any] = lambda: count([Signal(name="s", value=0.5)], num=3)  # noqa: E731
    RE(plan())  # what bluesky does once is no part of it
    collections = _Collections()
    before = set(sys.modules)
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
        wall, cpu = time.perf_counter(), time.thread_time()
        exec("from bluescribe import subscribe_writers", names := {})
        switches = {f"{name}_DATA_FILES": {"ENABLE": True} for name in formats}
        shared = {"DIRECTORY": folder, "SHOW_FILES": False}
        writers = names["subscribe_writers"](RE, {"DATA_FILES": shared, **switches})
        found = {
            "start_ms": (time.perf_counter() - wall) * 1e3,
            "start_cpu_ms": (time.thread_time() - cpu) * 1e3,
            "gc_ms": collections.seconds * 1e3,
            "modules": len(set(sys.modules) - before),
        }
        if has_begun:
            _wait_for_processes(writers)
        runs = [_seconds(RE, plan) for _ in range(_RUNS)]
        writers.close()
    second = statistics.median(runs[1:])
    return found | {
        "first_ms": runs[0] * 1e3,
        "second_ms": second * 1e3,
        "slower_ms": (runs[0] - second) * 1e3,
    }


def _seconds(RE: Any, plan: Callable[[], Any]) -> float:
    began = time.perf_counter()
    RE(plan())
    return time.perf_counter() - began


def _wait_for_processes(writers: Any) -> None:
    """Wait until nothing goes on in the background, in the session and in its processes."""
    limit, before = time.monotonic() + _BEGUN_SECONDS, -1.0
    while (now := _cpu_of_all()) != before and time.monotonic() < limit:
        before = now
        time.sleep(0.5)


def _cpu_of_all() -> float:
    children = [
        int(pid)
        for listed in Path("/proc/self/task").glob("*/children")
        for pid in listed.read_text().split()
    ]
    times = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in children]
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in times)
    return len(children) + ticks / os.sysconf("SC_CLK_TCK")


class _Collections:
    """How long Python looks for garbage, of which bluesky's own objects are the most."""

    def __init__(self) -> None:
        self.seconds = self._began = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self._began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
