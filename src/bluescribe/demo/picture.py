"""The default plots of NeXus files, found as NeXus readers find them, drawn side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["draw"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class _Line:
    """One named array with its units."""

    name: str
    values: Array
    units: str

    @property
    def label(self) -> str:
        return f"{self.name} ({self.units})" if self.units else self.name


@dataclass(frozen=True, slots=True)
class _Plot:
    """What the default plot of a file shows."""

    title: str
    signal: _Line
    axes: list[_Line]
    """The slowest first."""


def draw(files: Sequence[Path], png: Path) -> None:
    """Draw the default plot of each NeXus file into one picture.

    Parameters
    ----------
    files
        The NeXus files, of one-dimensional scans or grids.
    png
        The picture to write.
    """
    figure = Figure(figsize=(3.9 * len(files), 3.2), dpi=120, layout="constrained")
    for axes, path in zip(np.atleast_1d(figure.subplots(1, len(files))), files, strict=True):
        plot = _read(path)
        if len(plot.axes) > 1:
            _draw_grid(figure, axes, plot)
        else:
            _draw_line(axes, plot)
        axes.set_title(plot.title, fontsize=9)
    figure.savefig(png)  # a bare Figure draws with Agg: no display, no state of pyplot's


def _draw_line(axes: Axes, plot: _Plot) -> None:
    axes.plot(plot.axes[0].values, plot.signal.values, ".-", linewidth=1, markersize=4)
    axes.set_xlabel(plot.axes[0].label)
    axes.set_ylabel(plot.signal.label)


def _draw_grid(figure: Figure, axes: Axes, plot: _Plot) -> None:
    slow, fast = plot.axes[:2]
    if plot.signal.values.ndim == 2:
        rows, columns, image = slow.values, fast.values, plot.signal.values
    else:
        rows, columns, image = _as_image(slow.values, fast.values, plot.signal.values)
    mesh = axes.pcolormesh(columns, rows, image, shading="nearest")
    figure.colorbar(mesh, ax=axes, label=plot.signal.label)
    axes.set_xlabel(fast.label)
    axes.set_ylabel(slow.label)


def _as_image(slow: Array, fast: Array, signal: Array) -> tuple[Array, Array, Array]:
    """Put points where they were measured, whichever way each row went."""
    rows, row = np.unique(slow.round(6), return_inverse=True)
    columns, column = np.unique(fast.round(6), return_inverse=True)
    image = np.full((len(rows), len(columns)), np.nan)
    image[row, column] = signal
    return rows, columns, image


def _read(path: Path) -> _Plot:
    """Follow @default from the root to the NXdata group, then @signal and @axes inside it."""
    with h5py.File(path, "r") as file:
        entry = file[file.attrs["default"]]
        data = entry[entry.attrs["default"]]
        main = [_text(name) for name in np.atleast_1d(data.attrs["axes"])]
        others = [key.removesuffix("_indices") for key in data.attrs if key.endswith("_indices")]
        names = [name for name in dict.fromkeys([*main, *others]) if name != "."]
        return _Plot(
            title=_text(entry["title"][()]),
            signal=_line(data, _text(data.attrs["signal"])),
            axes=[_line(data, name) for name in names],
        )


def _line(data: h5py.Group, name: str) -> _Line:
    dataset = data[name]
    return _Line(name, dataset[()], _text(dataset.attrs.get("units", "")))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
