"""What one piece of work costs all processes: ``python -m benchmarks.guarded WORK FOLDER``.

It is measured with bluescribe as it is found: `guard` puts one commit or another one before it.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from .contenders import CONTENDERS, Sink
from .workloads import WORKLOADS, Played, Workload, documents

__all__ = ["WORKS", "main"]

_QUIET_SECONDS = 0.3
"""How long processes that have just begun are let come to rest."""
_PATIENCE = 60.0


def main(arguments: list[str]) -> None:
    """Do the work that the first argument names; print what it cost, as JSON."""
    name, folder = arguments
    print(json.dumps({"cpu_s": WORKS[name](Path(folder))}))


def _played(contender: str, workload: Workload, runs: int = 1) -> Callable[[Path], float]:
    def work(folder: Path) -> float:
        sink = CONTENDERS[contender].make(folder)
        _play(sink, documents(workload.shortened(20)))  # what is done once is no part of it
        made = [document for _ in range(runs) for document in documents(workload)]
        gc.collect()
        gc.freeze()
        before = _at_rest()
        _play(sink, made)
        sink.finish()
        return _processor_seconds() - before

    return work


def _imported(_folder: Path) -> float:
    import bluesky.run_engine  # noqa: F401  # what every session has imported anyway

    before = _processor_seconds()
    exec("from bluescribe import subscribe_writers", {})
    return _processor_seconds() - before


def _play(sink: Sink, played: Iterable[Played]) -> None:
    for name, doc in played:
        sink.receive(name, doc)


def _at_rest() -> float:
    """Wait until no process of this one does anything; return what all have taken."""
    deadline, before = time.monotonic() + _PATIENCE, -1.0
    while before != (now := _processor_seconds(own=False)) and time.monotonic() < deadline:
        before = now
        time.sleep(_QUIET_SECONDS)
    return _processor_seconds()


def _processor_seconds(*, own: bool = True) -> float:
    """Return what this process and all below it have taken, those that have ended too."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime + own * time.process_time()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            taken = process.cpu_times()
            total += taken.user + taken.system
    return total


_FEW = Workload("few", "3 events of 10 scalars", 3, 10)

WORKS: dict[str, Callable[[Path], float]] = {
    "events": _played("bluescribe, all four", WORKLOADS["a"], runs=3),
    "signals": _played("NexusWriter", WORKLOADS["b"].shortened(200)),
    "arrays": _played("NexusWriter", WORKLOADS["c"]),
    "pages": _played("NexusWriter", WORKLOADS["e"].shortened(200_000)),
    "runs": _played("bluescribe, all four", _FEW, runs=30),
    "import": _imported,
}
"""What is compared, by name."""

if __name__ == "__main__":
    main(sys.argv[1:])
