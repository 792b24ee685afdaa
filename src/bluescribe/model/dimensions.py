"""How a run's plan laid out its points: independent fields, detectors, the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .run import Descriptor, Run, Stream

__all__ = ["Grid", "detector_fields", "dimensions", "grid", "positioner_fields"]


@dataclass(frozen=True, slots=True)
class Grid:
    """The rectangle of points that a grid scan set out to measure.

    ``axes``, ``shape``, ``extents`` and ``snaking`` go from the slowest motor to the fastest.
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    extents: tuple[tuple[float, float], ...]
    snaking: tuple[bool, ...]


def dimensions(run: Run, stream: Stream) -> tuple[tuple[str, ...], ...]:
    """Return the fields that the plan varied, one group a dimension.

    Motors that move together share a group. The start document's ``hints["dimensions"]`` tell,
    else its ``motors``, found in the descriptor by object_keys and hints: a readback need not be
    called like its motor. Empty when the points are only ordered in time.
    """
    descriptor = stream.descriptors[0]
    groups = [_fields(descriptor, names) for names in _hinted(run, stream)]
    if not any(groups):
        motors = run.start.get("motors")
        groups = [_fields(descriptor, [motor]) for motor in _names(motors)]
    return tuple(tuple(group) for group in groups if group)


def positioner_fields(run: Run, stream: Stream) -> list[str]:
    """Return the independent fields of all dimensions, slowest first, each once."""
    return list(dict.fromkeys(f for group in dimensions(run, stream) for f in group))


def detector_fields(run: Run, stream: Stream) -> list[str]:
    """Return the fields that the plan's detectors hint at, the first detector's first.

    Without ``detectors`` in the start document, every hinted field that is not a positioner;
    without hints, every field that is not one.
    """
    positioners = set(positioner_fields(run, stream))
    descriptor = stream.descriptors[0]
    named = [f for name in _names(run.start.get("detectors")) for f in _of(descriptor, name)]
    hinted = [f for fields in descriptor.hints.values() for f in fields]
    for candidates in (named, hinted, list(descriptor.fields)):
        fields = [f for f in dict.fromkeys(candidates) if f not in positioners]
        if fields:
            return fields
    return []


def grid(run: Run, stream: Stream) -> Grid | None:
    """Return the grid that the plan declared, or None where its points are not a grid.

    It takes ``shape`` and ``extents``, and one field a dimension.
    """
    start = run.start
    hints = start.get("hints")
    gridding = hints.get("gridding") if isinstance(hints, Mapping) else None
    shape = _numbers(start.get("shape"), int)
    axes = [group[0] for group in dimensions(run, stream) if len(group) == 1]
    is_shape = len(shape) >= 2 and min(shape) >= 1 and len(shape) == len(axes)
    if not is_shape or gridding == "rectilinear_nonsequential":
        return None
    extents = [tuple(_numbers(pair, float)) for pair in _items(start.get("extents"))]
    if len(extents) != len(shape) or any(len(pair) != 2 for pair in extents):
        return None
    snaking = [bool(s) for s in _items(start.get("snaking"))] or [False] * len(shape)
    if len(snaking) != len(shape):
        return None
    ends = tuple((pair[0], pair[1]) for pair in extents)
    return Grid(tuple(axes), tuple(shape), ends, tuple(snaking))


def _hinted(run: Run, stream: Stream) -> list[list[str]]:
    """Return the field names of the dimensions hint that belong to this stream."""
    hints = run.start.get("hints")
    entries = _items(hints.get("dimensions") if isinstance(hints, Mapping) else None)
    ours = [entry for entry in entries if len(_items(entry)) == 2 and entry[1] == stream.name]
    groups = [_names(entry[0]) for entry in ours]
    return [] if groups == [["time"]] else groups


def _fields(descriptor: Descriptor, names: Sequence[str]) -> list[str]:
    return [f for name in names for f in _of(descriptor, name)]


def _of(descriptor: Descriptor, name: str) -> list[str]:
    """Return the field of that name, else those that stand for the device of that name."""
    if name in descriptor.fields and name not in descriptor.object_keys:
        return [name]
    return descriptor.device_fields(name)


def _names(value: Any) -> list[str]:
    return [name for name in _items(value) if isinstance(name, str)]


def _numbers(value: Any, kind: type) -> list[Any]:
    try:
        return [kind(item) for item in _items(value)]
    except (TypeError, ValueError, OverflowError):
        return []


def _items(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else []
