"""Documents whose numbers are as uneven as measured ones: those of ophyd.sim are not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

_NUMBERS = ("number", "integer")

Document = tuple[str, dict[str, Any]]

NOISE = 1e-3
"""The standard deviation of what is added to positions and to what detectors count."""


def jittered(documents: Iterable[Document], seed: int = 1) -> list[Document]:
    """Return documents whose numbers are a little off, as they are when they are measured.

    Positions are, integers among them, and ordinary floats of detectors: no two points have the
    same value then, so that a point in another's place is seen. Setpoints are as they were.
    """
    jitter = _Jitter(seed)
    return [jitter.turn(name, doc) for name, doc in documents]


class _Jitter:
    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._motors: set[str] = set()
        self._positions: set[str] = set()
        self._setpoints: set[str] = set()

    def turn(self, name: str, doc: dict[str, Any]) -> Document:
        if name == "start":
            self._motors |= {*(doc.get("motors") or ())}
        elif name == "descriptor":
            return name, self._described(doc)
        elif name == "event":
            return name, {**doc, "data": {k: self._off(k, v) for k, v in doc["data"].items()}}
        elif name == "event_page":
            pages = {k: [self._off(k, v) for v in column] for k, column in doc["data"].items()}
            return name, {**doc, "data": pages}
        return name, doc

    def _described(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Note which fields are positions, and say that they are floats."""
        keys, hints = doc["data_keys"], doc.get("hints") or {}
        for motor in self._motors:
            hinted = set((hints.get(motor) or {}).get("fields", [motor]))
            self._positions |= {k for k in hinted if keys.get(k, {}).get("dtype") in _NUMBERS}
            self._setpoints |= {*(doc.get("object_keys") or {}).get(motor, ())} - hinted
        floats = {k: {**key, "dtype": "number"} for k, key in keys.items() if k in self._positions}
        for key in floats.values():
            key.pop("dtype_numpy", None)
        return {**doc, "data_keys": {**keys, **floats}}

    def _off(self, field: str, value: Any) -> Any:
        is_position = field in self._positions and isinstance(value, int | np.integer)
        is_ordinary = isinstance(value, float) and math.isfinite(value) and abs(value) < 1e3
        if field not in self._setpoints and (is_position or is_ordinary):
            return float(value) + float(self._random.normal(0, NOISE))
        return value
