"""What is played: the same documents for everybody, made by event_model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from event_model import ComposeDescriptorBundle, compose_run

__all__ = ["EVENTS", "LONG_RUN", "WORKLOADS", "Played", "Workload", "documents"]

Played: TypeAlias = "tuple[str, dict[str, Any]]"

EVENTS = ("event", "event_page")

_BEGAN = 1_700_000_000.25
_PERIOD = 0.01
_BLOCK = 1000
_DISTINCT_PAGES = 10
"""Pages whose values are made; later pages repeat them with other uids, numbers and times."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One run to be written.

    Parameters
    ----------
    key
        Its letter.
    events
        Events of the run, those inside pages included.
    fields
        Fields of each event.
    shape, dtype
        Of each value.
    page_rows
        Events a page; 0 for single events.
    """

    key: str
    title: str
    events: int
    fields: int
    shape: tuple[int, ...] = ()
    dtype: str = "<f8"
    page_rows: int = 0

    @property
    def raw_bytes(self) -> int:
        """Bytes of all values and of a double for the timestamp of each."""
        value = int(np.dtype(self.dtype).itemsize * np.prod(self.shape, dtype=np.int64))
        return self.events * self.fields * (value + 8)

    @property
    def array_bytes(self) -> int:
        """Bytes of the arrays; 0 when all values are scalars."""
        return self.raw_bytes - self.events * self.fields * 8 if self.shape else 0

    @property
    def names(self) -> list[str]:
        """Names of the fields."""
        return [f"det_{number}" for number in range(self.fields)]

    def shortened(self, events: int) -> Workload:
        """Return the same with at most so many events, or whole pages."""
        rows = max(1, self.page_rows)
        return replace(self, events=min(self.events, max(rows, events // rows * rows)))


_ALL = {
    workload.key: workload
    for workload in (
        Workload("a", "10,000 events of 10 scalars", 10_000, 10),
        Workload("b", "1,000 events of 200 scalars", 1_000, 200),
        Workload("c", "500 events of 4096 float64", 500, 1, (4096,)),
        Workload("d", "100 events of 512 x 512 uint16", 100, 1, (512, 512), "<u2"),
        Workload("e", "1,000 pages of 1,000 events of 5 scalars", 1_000_000, 5, page_rows=1000),
        Workload("memory", "events of 10 scalars, made one by one", 1_000_000, 10),
    )
}
WORKLOADS = {key: workload for key, workload in _ALL.items() if len(key) == 1}
"""The runs whose writing is timed."""

LONG_RUN = _ALL["memory"]
"""The run whose memory is measured."""


def documents(workload: Workload) -> Iterator[Played]:
    """Make the documents of a run one by one, each with values and arrays of its own."""
    metadata = {
        "plan_name": "count",
        "plan_type": "generator",
        "plan_args": {"detectors": ["det"], "num": workload.events},
        "detectors": ["det"],
        "motors": [],
        "num_points": workload.events,
        "scan_id": 1,
        "hints": {"dimensions": [[["time"], "primary"]]},
    }
    run = compose_run(time=_BEGAN, metadata=metadata)
    yield "start", dict(run.start_doc)
    descriptor = run.compose_descriptor(
        name="primary",
        data_keys={name: _data_key(workload, name) for name in workload.names},
        hints={"det": {"fields": workload.names[:1]}},
        object_keys={"det": workload.names},
        time=_BEGAN,
    )
    yield "descriptor", dict(descriptor.descriptor_doc)
    yield from (_pages if workload.page_rows else _events)(workload, descriptor)
    yield "stop", dict(run.compose_stop(time=_BEGAN + _PERIOD * (workload.events + 1)))


def _data_key(workload: Workload, name: str) -> dict[str, Any]:
    return {
        "source": f"SIM:{name}",
        "dtype": "array" if workload.shape else "number",
        "dtype_numpy": workload.dtype,
        "shape": list(workload.shape),
        "units": "counts",
        "precision": 4,
        "object_name": "det",
    }


def _events(workload: Workload, descriptor: ComposeDescriptorBundle) -> Iterator[Played]:
    random = np.random.default_rng(1)
    for first in range(0, workload.events, _BLOCK):
        rows = min(_BLOCK, workload.events - first)
        times = _times(first, rows)
        stamps = (times[:, None] - random.random((rows, workload.fields)) * 1e-3).tolist()
        for row, values in enumerate(_rows(workload, rows, random)):
            event = descriptor.compose_event(
                data=dict(zip(workload.names, values, strict=True)),
                timestamps=dict(zip(workload.names, stamps[row], strict=True)),
                time=float(times[row]),
                validate=False,
            )
            yield "event", dict(event)


def _rows(workload: Workload, rows: int, random: np.random.Generator) -> Iterator[list[Any]]:
    """Yield the values of each event."""
    if not workload.shape:
        yield from random.random((rows, workload.fields)).tolist()
        return
    for _ in range(rows):
        yield [_array(workload, random) for _ in range(workload.fields)]


def _array(workload: Workload, random: np.random.Generator) -> np.ndarray[Any, Any]:
    if np.dtype(workload.dtype).kind == "f":
        return random.random(workload.shape)
    return random.integers(0, 4096, workload.shape, dtype=workload.dtype)


def _pages(workload: Workload, descriptor: ComposeDescriptorBundle) -> Iterator[Played]:
    random = np.random.default_rng(1)
    rows = workload.page_rows
    made = [_columns(workload, random) for _ in range(_DISTINCT_PAGES)]
    for number, first in enumerate(range(0, workload.events, rows)):
        times = _times(first, rows)
        page = descriptor.compose_event_page(
            data=made[number % _DISTINCT_PAGES],
            timestamps=dict.fromkeys(workload.names, times.tolist()),
            seq_num=list(range(first + 1, first + rows + 1)),
            time=times.tolist(),
            validate=False,
        )
        yield "event_page", dict(page)


def _columns(workload: Workload, random: np.random.Generator) -> dict[str, list[float]]:
    return {name: random.random(workload.page_rows).tolist() for name in workload.names}


def _times(first: int, rows: int) -> np.ndarray[Any, Any]:
    return _BEGAN + _PERIOD * np.arange(first + 1, first + rows + 1)
