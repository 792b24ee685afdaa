"""The default plot of a NeXus file as silx and nexusformat see it, and a picture of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from nexusformat.nexus import nxload
from silx.io.nxdata.parse import get_default
from silx.io.utils import open as silx_open

from tests.readers.nexus import text

mpl.use("Agg")


@dataclass
class Plot:
    """What a reader takes for the default plot."""

    signal: str
    values: Any
    axes: list[str | None]
    """What each dimension of the signal is shown over; None is the number of the row."""
    positions: list[Any]
    others: dict[str, Any]
    """Further curves or pictures of the same shape."""
    labels: list[str]
    """Of axes and signal, as they stand beside the plot."""


def seen_by_silx(path: Path) -> Plot:
    """Return what silx shows when the file is opened."""
    with silx_open(str(path)) as root:
        plot: Any = get_default(root)
        assert plot is not None, "silx finds no default plot"
        assert plot.is_valid, plot.issues
        return Plot(
            plot.signal_dataset_name,
            plot.signal[()],
            list(plot.axes_dataset_names),
            [None if axis is None else axis[()] for axis in plot.axes],
            dict(
                zip(
                    plot.auxiliary_signals_dataset_names,
                    (each[()] for each in plot.auxiliary_signals),
                    strict=True,
                )
            ),
            [name or "" for name in plot.axes_names] + [plot.signal_name],
        )


def seen_by_nexusformat(path: Path) -> Plot:
    """Return what nexusformat, and so NeXpy, shows when the file is opened."""
    with nxload(str(path)) as root:
        group = root.plottable_data
        assert group is not None, "nexusformat finds no plottable data"
        signal = group.nxsignal
        axes = group.nxaxes
        assert signal.valid_axes(group.plot_axes), "nexusformat finds that the axes do not fit"
        names = [axis.nxname if axis.nxname in group else None for axis in axes]
        others = [text(name) for name in np.atleast_1d(group.attrs.get("auxiliary_signals", []))]
        return Plot(
            signal.nxname,
            np.asarray(signal.nxvalue),
            names,
            [
                np.asarray(axis.nxvalue) if name else None
                for name, axis in zip(names, axes, strict=True)
            ],
            {name: np.asarray(group[name].nxvalue) for name in others},
            [],
        )


def differences(one: Plot, other: Plot) -> list[str]:
    """Return in what two readers disagree."""
    found = []
    if (one.signal, one.axes) != (other.signal, other.axes):
        found.append(f"{one.signal} over {one.axes}, {other.signal} over {other.axes}")
    pairs = [("signal", one.values, other.values)]
    pairs += [(f"axis {n}", *pair) for n, pair in enumerate(zip(one.positions, other.positions))]  # noqa: B905
    if list(one.others) != list(other.others):
        found.append(f"auxiliary signals {list(one.others)} and {list(other.others)}")
    pairs += [(name, values, other.others.get(name)) for name, values in one.others.items()]
    found += [f"values of {name}" for name, a, b in pairs if not is_same(a, b)]
    return found


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two arrays have the same shape and values, NaN where the other has NaN."""
    if one is None or other is None:
        return one is other
    one, other = np.squeeze(one), np.squeeze(other)  # nexusformat drops dimensions of one point
    is_float = "f" in (one.dtype.kind, other.dtype.kind)
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=is_float)


def draw(plot: Plot, png: Path, kind: str) -> None:
    """Draw a plot as a viewer does: as curve, scatter, image or stack of images."""
    assert plot.values.ndim == {"curve": 1, "scatter": 1, "image": 2, "stack": 3}[kind]
    figure = Figure(figsize=(5, 4), layout="constrained")
    {"curve": _curve, "scatter": _scatter, "image": _image, "stack": _stack}[kind](figure, plot)
    figure.savefig(png, dpi=80)


def _curve(figure: Figure, plot: Plot) -> None:
    axes = figure.subplots()
    for name, values in {plot.signal: plot.values, **plot.others}.items():
        axes.plot(plot.positions[0], values, "o-", label=name)
    axes.set(xlabel=plot.labels[0], ylabel=plot.labels[-1])
    axes.legend()


def _scatter(figure: Figure, plot: Plot) -> None:
    axes = figure.subplots()
    across, up = plot.positions
    points = axes.scatter(across, up, c=plot.values)
    axes.set(xlabel=plot.labels[0], ylabel=plot.labels[1])
    figure.colorbar(points, label=plot.labels[-1])


def _image(figure: Figure, plot: Plot) -> None:
    axes = figure.subplots()
    up, across = (
        np.arange(n) if p is None else p
        for n, p in zip(plot.values.shape, plot.positions, strict=True)
    )
    mesh = axes.pcolormesh(across, up, plot.values, shading="nearest")
    axes.set(xlabel=plot.labels[1], ylabel=plot.labels[0])
    figure.colorbar(mesh, label=plot.labels[-1])


def _stack(figure: Figure, plot: Plot) -> None:
    shown = sorted({0, len(plot.values) // 2, len(plot.values) - 1})
    low, high = plot.values.min(), plot.values.max()
    for number, axes in zip(shown, figure.subplots(1, len(shown), squeeze=False)[0], strict=True):
        axes.imshow(plot.values[number], vmin=low, vmax=high)
        at = number if plot.positions[0] is None else plot.positions[0][number]
        axes.set_title(f"{plot.labels[0] or 'frame'} {at}")
    figure.suptitle(plot.labels[-1])
