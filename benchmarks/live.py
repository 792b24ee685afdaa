"""Workload (f): a real RunEngine, with writers subscribed and without."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .completeness import events_in
from .contenders import LIVE, Contender

__all__ = ["measure_live"]

_SIGNALS = 10
_WARM_UP = 5


def measure_live(name: str, directory: Path, events: int, rate: float) -> dict[str, Any]:
    """Count with ten signals in a RunEngine and measure the scan and the subscriber.

    Parameters
    ----------
    name
        Who is subscribed, one of `LIVE`.
    directory
        Folder for the files.
    events
        Points of the scan.
    rate
        Points a second; 0 for as fast as the RunEngine can.
    """
    contender = LIVE[name]
    warm, files = directory / "warm", directory / "files"
    warm.mkdir()
    files.mkdir()
    _count(contender, warm, _WARM_UP, 0.0)
    scan_s, costs = _count(contender, files, events, rate)
    outcome = {
        "scan_s": scan_s,
        "point_us": scan_s / events * 1e6,
        "median_us": statistics.median(costs) / 1e3,
        "p99_us": sorted(costs)[int(0.99 * len(costs))] / 1e3,
    }
    if contender.family == "all":
        written = events_in("all", files)
        outcome |= {"events": written, "is_complete": written == events}
    return outcome


def _count(
    contender: Contender, directory: Path, events: int, rate: float
) -> tuple[float, list[int]]:
    """Run one count; return its seconds until RE() returns, and nanoseconds an event."""
    from bluesky import RunEngine
    from bluesky.plans import count
    from ophyd import Signal

    RE = RunEngine({})
    sink = contender.make(directory)
    timed = _Timed(sink.receive)
    RE.subscribe(timed)  # type: ignore[no-untyped-call]  # bluesky
    signals = [Signal(name=f"s{number}", value=number / 7) for number in range(_SIGNALS)]
    plan = count(signals, num=events, delay=1 / rate if rate else 0.0)
    began = time.perf_counter()
    RE(plan)
    scan_s = time.perf_counter() - began
    sink.finish()
    return scan_s, timed.costs


class _Timed:
    """Notes what each event costs the RunEngine's thread."""

    def __init__(self, receive: Callable[[str, dict[str, Any]], object]) -> None:
        self._receive = receive
        self.costs: list[int] = []

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        began = time.perf_counter_ns()
        self._receive(name, doc)
        cost = time.perf_counter_ns() - began
        if name == "event":
            self.costs.append(cost)
