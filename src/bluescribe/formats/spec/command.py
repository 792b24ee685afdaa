"""The command on the ``#S`` line: the SPEC macro where the plan has one, else ``plan(args)``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from ...run import Descriptor, Document, Run
from .lines import label, literal

__all__ = ["command", "count_time"]

_LONGEST_ARGUMENT = 200
_LONGEST_COMMAND = 1_000

_NAME_IN_REPR = re.compile(r"^\w+\(.*?\bname=(['\"])(.+?)\1", re.DOTALL)
_COUNT_TIMES = ("preset_time", "count_time", "acquire_time", "exposure_time")


def command(run: Run, seconds: float | None) -> str:
    """Return what stands after the scan number, on one line.

    Parameters
    ----------
    run
        Its start document names the plan, the motors and the arguments.
    seconds
        The count time where it is known. The macros have a place for it that readers count on:
        it holds 0 where the time is not known.
    """
    start = run.start
    words = _MACROS.get(run.plan_name, _no_macro)(start, _arguments(start))
    text = " ".join([*words, _number(seconds or 0)]) if words else ""
    return text if 0 < len(text) <= _LONGEST_COMMAND else _call(run)


def count_time(run: Run, descriptor: Descriptor | None) -> float | None:
    """Return the count time in seconds, from metadata or the first detector that has one."""
    found: list[Any] = [run.start.get(key) for key in _COUNT_TIMES]
    if descriptor is not None:
        for configuration in descriptor.configuration.values():
            values = _mapping(configuration.get("data"))
            found += [v for k, v in values.items() if str(k).endswith(_COUNT_TIMES)]
    return next((float(v) for v in found if _is_number(v) and v > 0), None)


def _scan(start: Document, args: Mapping[str, Any]) -> list[str] | None:
    """Return ``ascan``, ``a2scan``... or, relative, ``dscan``: motor, start, end; intervals."""
    motors, values, points = _names(start.get("motors")), args.get("args"), args.get("num")
    if not motors or not _is_count(points) or not isinstance(values, list | tuple):
        return None
    ranges = [values[i + 1 : i + 3] for i in range(0, len(values), 3)]
    if len(values) != 3 * len(motors) or not all(_is_number(v) for pair in ranges for v in pair):
        return None
    kind = "d" if str(start.get("plan_name")).startswith("rel_") else "a"
    macro = f"{kind}{len(motors) if len(motors) > 1 else ''}scan"
    words = [
        w for m, (low, high) in zip(motors, ranges, strict=True) for w in (m, *_both(low, high))
    ]
    return [macro, *words, str(int(cast("Any", points)) - 1)]


def _grid_scan(start: Document, args: Mapping[str, Any]) -> list[str] | None:
    """Return ``mesh``, whose first motor is the fastest; SPEC has no grid that is snaked."""
    motors = _names(start.get("motors"))
    shape, extents, snaking = (_pair(start.get(k)) for k in ("shape", "extents", "snaking"))
    if len(motors) != 2 or not (shape and extents and snaking) or any(snaking):
        return None
    ends = [value for pair in extents for value in _pair(pair) or [None]]
    if not all(map(_is_count, shape)) or not all(map(_is_number, ends)):
        return None
    words = [
        word
        for motor, count, pair in reversed(list(zip(motors, shape, extents, strict=True)))
        for word in (motor, *_both(*pair), str(int(count) - 1))
    ]
    return ["dmesh" if str(start.get("plan_name")).startswith("rel_") else "mesh", *words]


def _count(start: Document, args: Mapping[str, Any]) -> list[str] | None:
    points = args.get("num", 1)
    if points is None:
        return ["timescan"]
    return ["loopscan", str(int(points))] if _is_count(points) else None


def _no_macro(start: Document, args: Mapping[str, Any]) -> None:
    """Return nothing: SPEC knows no such plan."""


_MACROS = {
    "scan": _scan,
    "rel_scan": _scan,
    "grid_scan": _grid_scan,
    "rel_grid_scan": _grid_scan,
    "count": _count,
}


def _call(run: Run) -> str:
    """Return ``plan(key=value, ...)``; what is too long is cut, for ``#MD`` has it whole."""
    args = _arguments(run.start)
    words = [f"{label(str(key))}={_shortened(literal(_named(args[key])))}" for key in args]
    text = f"{label(run.plan_name or 'run')}({', '.join(words)})"
    return text if len(text) <= _LONGEST_COMMAND else f"{text[:_LONGEST_COMMAND]}...)"


def _named(value: Any) -> Any:
    """Put names in place of devices, which metadata hold as their repr."""
    if isinstance(value, str):
        found = _NAME_IN_REPR.match(value)
        return found[2] if found else value
    return [_named(item) for item in value] if isinstance(value, list | tuple) else value


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ARGUMENT else f"{text[:_LONGEST_ARGUMENT]}..."


def _arguments(start: Document) -> Mapping[str, Any]:
    return _mapping(start.get("plan_args"))


def _names(value: Any) -> list[str]:
    """Return motors' names, each as one word."""
    names = value if isinstance(value, list | tuple) else ()
    return [label(name).replace(" ", "_") for name in names if isinstance(name, str)]


def _both(low: Any, high: Any) -> tuple[str, str]:
    return _number(low), _number(high)


def _number(value: Any) -> str:
    return repr(int(value) if value == int(value) and abs(value) < 2**53 else float(value))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return bool(-1e300 < value < 1e300)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 1 and value == int(value)


def _pair(value: Any) -> list[Any]:
    """Return two items, or none where there are not two."""
    return list(value) if isinstance(value, list | tuple) and len(value) == 2 else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
