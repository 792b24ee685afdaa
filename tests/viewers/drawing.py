"""Whether what a viewer draws is what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.viewers.measured import STEP, Primary
from tests.viewers.plot import Plot, as_shown, field_of_axis, rows_of
from tests.viewers.viewer import Drawn, Item


def differences(drawn: Drawn, primary: Primary | None) -> Iterator[str]:
    """Yield in what a picture of a run differs from what was measured."""
    yield from drawn.problems
    numbers = primary.numbers if primary is not None else []
    plot = drawn.plot
    if plot is None:
        if numbers or drawn.view != "HDF5":
            yield f"there is no plot of {numbers} but the view {drawn.view}"
    elif primary is None or not drawn.items:
        yield f"{plot.signals} cannot be drawn"
    else:
        yield from _of_picture(drawn, plot, primary)
        for signal, item in zip(plot.signals, drawn.items, strict=False):  # of images, one is shown
            for what, expected in _expected(item, drawn, plot, primary, signal).items():
                yield from unlike(f"{what} of {item.name}", getattr(item, what), expected)


def unlike(what: str, shown: Any, expected: Any) -> Iterator[str]:
    """Yield in what numbers differ; positions along a grid's line are a little off."""
    tolerance = 0 if what.startswith("values") else STEP / 2
    if shown.shape != expected.shape:
        yield f"{what}: {shown.shape} are shown of {expected.shape}"
    elif not np.allclose(shown, expected, rtol=1e-6, atol=tolerance, equal_nan=True):
        yield f"{what}: shown {shown.ravel()[:6]}, measured {expected.ravel()[:6]}"


def _of_picture(drawn: Drawn, plot: Plot, primary: Primary) -> Iterator[str]:
    if drawn.is_blank and any(_is_visible(item) for item in drawn.items):
        yield "the plot is blank"
    views = _views(plot, primary)
    if drawn.view not in views:
        yield f"it is shown as {drawn.view}, and not as {views}"
    axes = [0, 1] if plot.is_plane else list(reversed(_dimensions(drawn, plot)))
    for label, dimension in zip(drawn.labels, axes, strict=False):  # a curve has one
        name, field = plot.axes[dimension][0], field_of_axis(plot, primary, dimension)
        if name is not None and name not in label and str(field) not in label:
            yield f"the axis of {field} is labelled {label!r}"


def _is_visible(item: Item) -> bool:
    """Tell whether there is something to be seen: silx draws no points on a line, only the line."""
    finite = np.isfinite(item.values)
    return bool((finite[1:] & finite[:-1]).any() if item.kind == "curve" else finite.any())


def _views(plot: Plot, primary: Primary) -> tuple[str, ...]:
    """Return as what a signal may be shown."""
    rank = rows_of(plot, primary, plot.signals[0]).ndim - 1
    if rank:
        return ("Image", "Curve") if rank == 1 else ("Image",)
    motors = [length > 1 for length in primary.shape] or [True] * len(primary.dimensions)
    if sum(motors) < 2:
        return ("Curve",)
    is_line = bool(primary.shape) and len(primary.times) <= math.prod(primary.shape[1:])
    if is_line or not primary.is_over:
        return ("Curve", "Image", "Scatter")
    if not primary.shape:
        return ("Scatter",)
    return ("Image", "Scatter") if sum(motors) == 2 else ("Image", "Scatter", "Curve")


def _expected(
    item: Item, drawn: Drawn, plot: Plot, primary: Primary, signal: str
) -> dict[str, Any]:
    """Return what should be drawn of a signal: x, y and values."""
    where, rows = as_shown(plot, primary, signal)
    if plot.is_plane:
        return {"x": where[0], "y": where[1], "values": rows}
    values = rows[drawn.part]
    *down, across = _dimensions(drawn, plot)
    if item.kind == "curve":
        return {"x": where[across], "values": values}
    x, y = where[across], where[down[0]]
    if item.kind == "points":
        x, y, values = (each.ravel() for each in (*np.meshgrid(x, y), values))
    return {"x": x, "y": y, "values": values}


def _dimensions(drawn: Drawn, plot: Plot) -> list[int]:
    """Return which dimensions of the signal are drawn; the last of them goes across."""
    if drawn.part == (Ellipsis,):
        return list(range(len(plot.axes)))
    return [n for n, part in enumerate(drawn.part) if isinstance(part, slice)]
