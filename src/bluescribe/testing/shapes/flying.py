"""Fly scans, whose events come as pages."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import numpy as np
from ophyd.sim import MockFlyer, NullStatus, TrivialFlyer

from .devices import gauss, motor
from .engine import Plan, play
from .registry import Documents, shape

Page = Mapping[str, Any]


class PagesFlyer:
    """Hand out prepared pages, stream by stream.

    Parameters
    ----------
    name : str
        The device's name.
    streams : mapping
        For each stream its pages, each a mapping from field to list or array.
    """

    parent = None

    def __init__(self, name: str, streams: Mapping[str, Sequence[Page]]) -> None:
        self.name = name
        self._streams = streams

    def kickoff(self) -> NullStatus:
        """Start at once."""
        return NullStatus()

    def complete(self) -> NullStatus:
        """Be done at once."""
        return NullStatus()

    def describe_collect(self) -> dict[str, Any]:
        """Describe each stream by the first value of each column."""
        return {
            stream: {field: _described(field, column[0]) for field, column in pages[0].items()}
            for stream, pages in self._streams.items()
        }

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Yield all pages."""
        for pages in self._streams.values():
            for page in pages:
                now = time.time()
                rows = {field: [now + i / 100 for i in range(len(c))] for field, c in page.items()}
                yield {"data": dict(page), "timestamps": rows}


def _described(field: str, value: Any) -> dict[str, Any]:
    array = np.asarray(value)
    dtype = {"i": "integer", "u": "integer", "f": "number", "U": "string", "b": "boolean"}
    return {
        "source": f"SIM:{field}",
        "dtype": "array" if array.ndim else dtype[array.dtype.kind],
        "shape": list(array.shape),
        "dtype_numpy": array.dtype.str,
    }


@shape()
def fly(folder: Path) -> Documents:
    """Fly with a device that collects events, of which the RunEngine makes one page."""
    m1 = motor()
    return play(bp.fly([MockFlyer("flyer", gauss(m1), m1, -1, 1, 6)]))


@shape()
def fly_trivial(folder: Path) -> Documents:
    """Fly with a device whose events have no data: only seq_num tells how many rows there are."""
    return play(bp.fly([TrivialFlyer()]))


@shape()
def fly_pages(folder: Path) -> Documents:
    """Fly with a device that collects pages, several of them in each of two streams."""
    fast = [{"x": [0.1, 0.2, 0.3], "counts": [1, 2, 3]}, {"x": [0.4], "counts": [4]}]
    slow = [{"temperature": [293.1, 293.2], "state": ["warm", "größer"]}]
    return play(bp.fly([PagesFlyer("flyer", {"fast": fast, "slow": slow})]))


@shape()
def fly_pages_of_arrays(folder: Path) -> Documents:
    """Fly with pages whose columns are numpy arrays, of scalars, spectra and images."""
    pages = [
        {
            "x": np.linspace(0, 1, n),
            "mca": np.arange(n * 8, dtype="uint32").reshape(n, 8),
            "image": np.ones((n, 4, 5), dtype="uint16") * n,
            "trace": [list(range(i + 1)) for i in range(n)],
        }
        for n in (3, 2)
    ]
    return play(bp.fly([PagesFlyer("flyer", {"primary": pages})]))


@shape()
def fly_page_without_rows(folder: Path) -> Documents:
    """Fly with a device that hands out an empty page between two others."""
    pages: list[Page] = [{"x": [0.5]}, {"x": []}, {"x": [1.5]}]
    return play(bp.fly([PagesFlyer("flyer", {"primary": pages})]))


@shape()
def fly_with_bad_values(folder: Path) -> Documents:
    """Fly with pages of None, NaN, texts, big integers and changing types."""
    page = {
        "patchy": [1.5, None, float("nan")],
        "big": [2**53 + 1, 2**63 - 1, 2**64],
        "turning": [1, 2.5, "overflow"],
        "text": ["=1", "", "a\nb"],
    }
    return play(bp.fly([PagesFlyer("flyer", {"primary": [page]})]))


@shape()
def fly_many_rows(folder: Path) -> Documents:
    """Fly ten thousand rows in three pages."""
    sizes = (5000, 4999, 1)
    pages = [{"x": np.arange(n) / 7, "counts": np.arange(n)} for n in sizes]
    return play(bp.fly([PagesFlyer("flyer", {"primary": pages})]))


@shape()
def fly_during_scan(folder: Path) -> Documents:
    """Fly a device while a motor steps."""
    m1 = motor()
    flyer = PagesFlyer("flyer", {"fast": [{"encoder": [0, 100, 200, 300]}]})
    return play(bpp.fly_during_wrapper(bp.scan([gauss(m1)], m1, -1, 1, 3), [flyer]))


class StepAndFly(PagesFlyer):
    """Be read point by point as well as flown, with the same field."""

    def __init__(self, name: str, field: str) -> None:
        super().__init__(name, {"primary": [{field: [10, 20, 30]}]})
        self._field = field

    def describe_collect(self) -> dict[str, Any]:
        """Describe the one stream's fields, as newer devices do."""
        described: dict[str, Any] = super().describe_collect()["primary"]
        return described

    def describe(self) -> dict[str, Any]:
        """Describe the field for a single reading."""
        return self.describe_collect()

    def read(self) -> dict[str, Any]:
        """Read the field once."""
        return {self._field: {"value": 1, "timestamp": time.time()}}


@shape()
def events_and_pages(folder: Path) -> Documents:
    """Take events and pages into one stream, in turn."""
    device = StepAndFly("encoder_box", "encoder")

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "both"})
        yield from bps.declare_stream(device, name="primary", collect=True)
        for _ in range(2):
            yield from bps.trigger_and_read([device])
            yield from bps.collect(device, name="primary")
        yield from bps.close_run()

    return play(plan())
