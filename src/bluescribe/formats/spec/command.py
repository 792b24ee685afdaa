"""The command on the ``#S`` line: the SPEC macro where the plan has one, else ``plan(args)``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ...model.numbers import is_one_number
from ...model.run import COUNT_TIMES, Descriptor, Document, Run
from ...model.told import mapping_of
from .digits import digits
from .lines import label, literal, one_line

__all__ = ["Preset", "command", "preset"]

_LONGEST_ARGUMENT = 200
_LONGEST_COMMAND = 1_000
_LONGEST_ESCAPED = 4_900

_MONITOR_COUNTS = ("monitor_counts", "preset_counts", "preset_monitor")

_NAME_IN_REPR = re.compile(r"^\w+\(.*?\bname=(['\"])(.+?)\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Preset:
    """What each point is counted for."""

    value: float
    is_monitor: bool = False
    """Whether it is counts of a monitor, not seconds."""

    @property
    def line(self) -> bytes:
        """``#T`` or ``#M``."""
        if self.is_monitor:
            return f"#M {digits(self.value)}  (Counts)\n".encode()
        return f"#T {digits(self.value)}  (Seconds)\n".encode()


def command(run: Run, preset: Preset | None, *, style: str = "spec") -> str:
    """Return what stands after the scan number, on one line.

    Parameters
    ----------
    run
        Its start document names the plan, the motors and the arguments.
    preset
        The count time where it is known. The macros have a place for it that readers count on:
        it holds 0 where the time is not known, and counts of a monitor are negative.
    style
        ``"spec"``, or ``"apstools"`` for the words of its SpecWriterCallback2.
    """
    if style == "apstools":
        return _as_apstools(run)
    start = run.start
    words = _MACROS.get(run.plan_name, _no_macro)(start, _arguments(start))
    value = 0 if preset is None else -preset.value if preset.is_monitor else preset.value
    text = " ".join([*words, _number(value)]) if words else ""
    return text if 0 < len(text) <= _LONGEST_COMMAND else _call(run)


def preset(
    run: Run,
    descriptor: Descriptor | None,
    count_time: float | None = None,
    monitor_counts: float | None = None,
) -> Preset | None:
    """Return the count time or the counts of a monitor that each point is taken for.

    Parameters
    ----------
    run
        Its start document comes first.
    descriptor
        The configuration of the first detector that has a count time comes next.
    count_time, monitor_counts
        What to take when neither tells.
    """
    told: list[Any] = [run.start.get(key) for key in _MONITOR_COUNTS]
    counts = next((float(v) for v in told if _is_number(v) and v > 0), None)
    if counts is not None:
        return Preset(counts, is_monitor=True)
    found: list[Any] = [run.start.get(key) for key in COUNT_TIMES]
    if descriptor is not None:
        for configuration in descriptor.configuration.values():
            values = mapping_of(configuration.get("data"))
            found += [v for k, v in values.items() if str(k).endswith(COUNT_TIMES)]
    seconds = next((float(v) for v in found if _is_number(v) and v > 0), count_time)
    if seconds is None and monitor_counts is not None:
        return Preset(monitor_counts, is_monitor=True)
    return None if seconds is None else Preset(seconds)


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


def _as_apstools(run: Run) -> str:
    """Return ``plan(key=value, ...)`` as apstools words it."""
    args = dict(_arguments(run.start))
    for key, value in args.items():
        told = run.start.get("motors" if str(key).startswith("motor") else str(key))
        if told is not None and str(key).startswith(("motor", "detectors")):
            args[key] = told
        elif key == "args" and isinstance(value, list | tuple):
            args[key] = f"[{', '.join(map(_name_with_quotes, value))}]"
    words = ", ".join(f"{key}={_python_like(value)}" for key, value in args.items())
    text = one_line(f"{run.plan_name}({words})")
    text = text if len(text) <= _LONGEST_COMMAND else f"{text[:_LONGEST_COMMAND]}...)"
    return text.encode("ascii", "backslashreplace").decode()[:_LONGEST_ESCAPED]


def _python_like(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_python_like, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k}={_python_like(v)}' for k, v in value.items())}}}"
    if isinstance(value, np.ndarray):
        return _python_like(value.tolist())
    return f"'{value}'" if isinstance(value, str) else str(value)


def _named(value: Any) -> Any:
    """Put names in place of devices, which metadata hold as their repr."""
    if isinstance(value, str):
        found = _NAME_IN_REPR.match(value)
        return found[2] if found else value
    return [_named(item) for item in value] if isinstance(value, list | tuple) else value


def _name_with_quotes(value: Any) -> str:
    """Return the name of a device as its repr has it, quotes included: apstools does."""
    found = _NAME_IN_REPR.match(value) if isinstance(value, str) else None
    return f"{found[1]}{found[2]}{found[1]}" if found else str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ARGUMENT else f"{text[:_LONGEST_ARGUMENT]}..."


def _arguments(start: Document) -> Mapping[str, Any]:
    return mapping_of(start.get("plan_args"))


def _names(value: Any) -> list[str]:
    """Return motors' names, each as one word."""
    names = value if isinstance(value, list | tuple) else ()
    return [label(name).replace(" ", "_") for name in names if isinstance(name, str)]


def _both(low: Any, high: Any) -> tuple[str, str]:
    return _number(low), _number(high)


def _number(value: Any) -> str:
    return repr(int(value) if value == int(value) and abs(value) < 2**53 else float(value))


def _is_number(value: Any) -> bool:
    return is_one_number(value) and bool(-1e300 < value < 1e300)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 1 and value == int(value)


def _pair(value: Any) -> list[Any]:
    """Return two items, or none where there are not two."""
    return list(value) if isinstance(value, list | tuple) and len(value) == 2 else []
