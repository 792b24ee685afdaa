"""An instrument with our callback and that of apstools, which get the same documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import spec2nexus.spec
from bluesky import RunEngine

__all__ = ["instrument", "unequal_scans"]

PATIENCE = 60.0

_COUNTED_OTHERWISE = {
    "Epoch": "seconds from #E with their fraction, not whole ones from the start of the run",
    "Epoch_float": "Epoch has the fraction",
}
"""Columns of apstools that are others here, and why."""
_DIGITS = 1e-12
"""apstools rounds to so many."""


class Instrument(RunEngine):
    """A RunEngine whose calls return when callbacks have written, on a busy machine too."""

    def __init__(self, callbacks: Iterable[Any]) -> None:
        super().__init__({}, call_returns_result=False)
        self._callbacks = list(callbacks)
        for callback in self._callbacks:
            self.subscribe(callback.receiver)

    def __call__(self, *plans: Any, **metadata: Any) -> Any:
        """Play a plan, and wait."""
        uids = super().__call__(*plans, **metadata)
        for callback in self._callbacks:
            if hasattr(callback, "flush"):
                callback.flush(PATIENCE)
            if hasattr(callback, "wait_writer"):
                callback.wait_writer()
        return uids


def instrument(*callbacks: Any) -> Any:
    """Return a RunEngine that sends its documents to callbacks."""
    return Instrument(callbacks)


def unequal_scans(theirs: Path, ours: Path) -> Iterator[str]:
    """Yield what of apstools' scans is otherwise in our file."""
    expected, found = (spec2nexus.spec.SpecDataFile(str(path)) for path in (theirs, ours))
    if expected.getScanNumbers() != found.getScanNumbers():
        yield f"scans {expected.getScanNumbers()} are {found.getScanNumbers()}"
    for number in expected.getScanNumbers():
        yield from _unequal(expected.getScan(number), found.getScan(number), number)


def _unequal(expected: Any, found: Any, number: str) -> Iterator[str]:
    if expected.scanCmd != found.scanCmd:
        yield f"#S {number} {expected.scanCmd!r} is {found.scanCmd!r}"
    columns = {k: v for k, v in expected.data.items() if k not in _COUNTED_OTHERWISE}
    for kind, values, ours in (
        ("column", columns, found.data),
        ("position", expected.positioner, found.positioner),
    ):
        for name, value in values.items():
            if name not in ours or not np.allclose(ours[name], value, rtol=_DIGITS, atol=0):
                yield f"{kind} {name} of scan {number}: {value} is {ours.get(name)}"
