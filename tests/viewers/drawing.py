"""Whether what a viewer draws is what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.viewers.measured import STEP, Primary, in_grid, in_rows, steps
from tests.viewers.viewer import Drawn, Item


def differences(drawn: Drawn, primary: Primary | None) -> Iterator[str]:
    """Yield in what a picture of a run differs from what was measured."""
    yield from drawn.problems
    numbers = primary.numbers if primary is not None else []
    if not drawn.signals:
        if numbers or drawn.view != "HDF5":
            yield f"there is no plot of {numbers} but the view {drawn.view}"
        return
    if primary is None or not drawn.items:
        yield f"{drawn.signals} cannot be drawn"
        return
    if drawn.is_blank and any(_is_visible(item) for item in drawn.items):
        yield "the plot is blank"
    view = _view(drawn, primary)
    if drawn.view not in view:
        yield f"it is shown as {drawn.view}, and not as {view}"
    for name, item in zip(drawn.signals, drawn.items, strict=False):  # of images, one is shown
        yield from _of_item(item, drawn, primary, drawn.fields[name])


def _is_visible(item: Item) -> bool:
    """Tell whether there is something to be seen: silx draws no points on a line, only the line."""
    finite = np.isfinite(item.values)
    return bool((finite[1:] & finite[:-1]).any() if item.kind == "curve" else finite.any())


def _view(drawn: Drawn, primary: Primary) -> tuple[str, ...]:
    """Return as what a signal should be shown."""
    rows = _rows(primary, drawn.fields[drawn.signals[0]])
    if rows.ndim > 1:
        return ("Image", "Curve") if rows.ndim == 2 else ("Image",)
    if primary.shape and not primary.is_over:
        return ("Curve", "Image", "Scatter")
    if not primary.shape:
        return ("Scatter",) if len(primary.dimensions) > 1 else ("Curve",)
    is_begun = len(primary.times) > math.prod(primary.shape[1:])  # else it is a line as yet
    return ("Image",) if is_begun and sum(n > 1 for n in primary.shape) > 1 else ("Curve",)


def _rows(primary: Primary, field: str) -> Any:
    """Return a row an event; a row of one number is that number."""
    rows = in_rows(primary, field)
    return rows.reshape(len(rows)) if rows[0].size == 1 else rows


def _of_item(item: Item, drawn: Drawn, primary: Primary, field: str) -> Iterator[str]:
    for what, expected in _expected(item, drawn, primary, field).items():
        yield from _unlike(item.name, what, getattr(item, what), expected)


def _expected(item: Item, drawn: Drawn, primary: Primary, field: str) -> dict[str, Any]:
    """Return what should be drawn of a field: x, y and values."""
    rows = _rows(primary, field)
    if drawn.view == "Scatter":
        x, y = (_positions(drawn, primary, n, len(rows)) for n in range(2))
        return {"x": x, "y": y, "values": rows}
    where, rows = _as_shown(drawn, primary, rows)
    axes = [n for n, part in enumerate(_whole(drawn.part, rows.ndim)) if isinstance(part, slice)]
    values = rows[drawn.part]
    if item.kind == "curve":
        return {"x": where[axes[0]], "values": values}
    x, y = where[axes[1]], where[axes[0]]
    if item.kind == "points":
        x, y, values = (each.ravel() for each in (*np.meshgrid(x, y), values))
    return {"x": x, "y": y, "values": values}


def _as_shown(drawn: Drawn, primary: Primary, rows: Any) -> tuple[list[Any], Any]:
    """Return the positions along each dimension of the plot, and the values in its shape."""
    if rows.ndim > len(drawn.axes):  # several frames an event
        rows = rows.reshape(-1, *rows.shape[2:])
    lead = len(drawn.axes) - rows.ndim + 1
    measured = [_positions(drawn, primary, n, len(rows)) for n in range(lead)]
    if lead > 1:
        shown = [values for _, values in drawn.axes[:lead]]
        where = [_nearest(steps(m), s) for m, s in zip(measured, shown, strict=True)]
        rows = in_grid(rows, measured, where)
    else:
        where = measured
    return [*where, *(np.arange(length) for length in rows.shape[lead:])], rows


def _whole(part: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    return (slice(None),) * rank if part == (Ellipsis,) else part


def _positions(drawn: Drawn, primary: Primary, dimension: int, events: int) -> Any:
    """Return where the events were along a dimension of the plot."""
    name = drawn.axes[dimension][0]
    if name is None:
        return np.arange(events)
    return np.asarray(primary.times) if name == "time" else _rows(primary, drawn.fields[name])


def _nearest(centres: Any, shown: Any) -> Any:
    """Return where the motor was along an axis of a grid, in the order in which it is shown."""
    return centres[np.abs(np.subtract.outer(shown, centres)).argmin(axis=1)]


def _unlike(name: str, what: str, shown: Any, expected: Any) -> Iterator[str]:
    tolerance = 0 if what == "values" else STEP / 2
    if shown.shape != expected.shape:
        yield f"{what} of {name}: {shown.shape} are shown of {expected.shape}"
    elif not np.allclose(shown, expected, rtol=1e-6, atol=tolerance, equal_nan=True):
        yield f"{what} of {name}: shown {shown.ravel()[:6]}, measured {expected.ravel()[:6]}"
