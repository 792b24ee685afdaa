"""In which order tests come: those that wait come first, so that no worker waits at the end.

Each of the workers begins with an equal part of the list, and takes from others what is left of
theirs when it is done. Tests of servers, of killed processes and of disks that are away wait for
seconds, without using a core: some of them begin the part of each worker, and the many quick ones
go on beside them. A module's tests stay together, and so do those of one server.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WAITING = (
    "brokers",
    "compat",
    "process",
    "system",
    "export/test_tiled.py",
    "export/test_workers.py",
)
TOGETHER = ("system/delivery/tiled", "system/delivery/globus")
"""Each worker that plays one of these begins a server for it."""


def in_turns(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests in an order for so many workers."""
    groups = [(place, list(group)) for place, group in groupby(items, _place)]
    waiting = [group for place, group in groups if place.startswith(WAITING)]
    quick = [item for place, group in groups if not place.startswith(WAITING) for item in group]
    ordered: list[pytest.Item] = []
    for number in range(workers):
        ordered += [item for group in waiting[number::workers] for item in group]
        share = len(items) * (number + 1) // workers - len(ordered)
        ordered += quick[: max(share, 0)]
        quick = quick[max(share, 0) :]
    return ordered


def _place(item: pytest.Item) -> str:
    """Return the module that a test is in, or the folder of modules that use one server."""
    place = item.path.relative_to(HERE).as_posix() if item.path.is_relative_to(HERE) else ""
    return next((folder for folder in TOGETHER if place.startswith(folder)), place)
