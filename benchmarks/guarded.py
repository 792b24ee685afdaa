"""What one piece of work costs all processes: ``python -m benchmarks.guarded WORK FOLDER``.

It is measured with bluescribe as it is found: `guard` puts one commit or another one before it.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from .contenders import CONTENDERS, Sink
from .processes import at_rest, processor_seconds
from .workloads import WORKLOADS, Played, Workload, documents

__all__ = ["WORKS", "main"]


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
        before = at_rest()
        _play(sink, made)
        sink.finish()
        return processor_seconds() - before

    return work


def _imported(_folder: Path) -> float:
    import bluesky.run_engine  # noqa: F401  # what every session has imported anyway

    before = processor_seconds()
    exec("from bluescribe import subscribe_writers", {})
    return processor_seconds() - before


def _play(sink: Sink, played: Iterable[Played]) -> None:
    for name, doc in played:
        sink.receive(name, doc)


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
