"""The window of `silx view`, without a screen: a file is opened in it, and what it draws is read.

For a process of its own, see viewer.py.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import silx.gui.qt
from silx.gui.data.DataViewer import DataViewer
from silx.gui.data.NumpyAxesSelector import NumpyAxesSelector
from silx.gui.plot import PlotWidget
from silx.gui.plot.items.curve import Curve
from silx.gui.plot.items.image import ImageBase
from silx.gui.plot.items.scatter import Scatter
from silx.io.nxdata.parse import get_default
from silx.io.utils import open as silx_open

from tests.viewers.plot import Plot, fields_of
from tests.viewers.viewer import Drawn, Item

qt: Any = silx.gui.qt  # it gives what the binding has that is installed
_DELAY = 60
"""Milliseconds, after which silx draws: it does so 10 ms after it was given a file."""


def look(path: Path, picture: Path | None = None) -> Drawn:
    """Open a file in silx's DataViewer, let it choose its view, and return what it draws."""
    viewer = _viewer()
    with silx_open(str(path)) as root, _problems() as problems:
        viewer.setData(root)
        _wait(_DELAY)
        for plot in _plots(viewer):
            plot.replot()
        _wait(0)  # what is drawn is painted, and laid out
        if picture is not None:
            viewer.grab().save(str(picture))
        drawn = _drawn(viewer, root, problems)
        viewer.setData(None)  # it holds the file
        _wait(_DELAY)
    return drawn


@cache
def _viewer() -> Any:
    """Return the one window of the process."""
    _application()
    viewer = DataViewer()
    viewer.resize(640, 480)
    viewer.show()
    return viewer


@cache
def _application() -> Any:
    return qt.QApplication(["silx view"])


@contextmanager
def _problems() -> Iterator[list[str]]:
    """Collect what silx logs, and what it raises while Qt calls it."""
    found: list[str] = []
    handler = _Handler(found.append)
    hook, sys.excepthook = sys.excepthook, lambda kind, error, _: found.append(f"{error!r}")
    logging.getLogger().addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(handler)
        sys.excepthook = hook


class _Handler(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(
            "matplotlib"
        ):  # which fonts there are is not the file's fault
            self._tell(f"{record.levelname}: {record.getMessage()}")


def _wait(milliseconds: int) -> None:
    loop = qt.QEventLoop()
    qt.QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _plots(viewer: Any) -> list[Any]:
    return [plot for plot in viewer.findChildren(PlotWidget) if plot.isVisible()]


def _drawn(viewer: Any, root: Any, problems: list[str]) -> Drawn:
    plots = _plots(viewer)
    items = [item for plot in plots for item in plot.getItems() if _kind(item)]
    default = get_default(root, validate=False)
    return Drawn(
        viewer.displayedView().label(),
        [_read(item) for item in items],
        (plots[0].getGraphXLabel(), plots[0].getGraphYLabel()) if plots else ("", ""),
        _part(viewer),
        _plot(default) if default else None,
        not plots or _is_blank(plots[0], items),
        [*problems],
    )


def _part(viewer: Any) -> tuple[Any, ...]:
    """Return what is taken of a signal that has more dimensions than can be drawn."""
    for selector in viewer.findChildren(NumpyAxesSelector):
        if selector.isVisible():
            return tuple(selector.selection())
    return (Ellipsis,)


def _plot(default: Any) -> Plot:
    axes = zip(default.axes_dataset_names, default.axes, strict=True)
    return Plot(
        [default.signal_dataset_name, *default.auxiliary_signals_dataset_names],
        [(name, None if axis is None else np.asarray(axis)) for name, axis in axes],
        fields_of(default.group),
        default.signal.ndim == 1 and len(default.axes) == 2,
    )


def _kind(item: Any) -> str:
    kinds = {Curve: "curve", Scatter: "points", ImageBase: "image"}
    return next((name for kind, name in kinds.items() if isinstance(item, kind)), "")


def _read(item: Any) -> Item:
    kind = _kind(item)
    if kind == "image":
        values = np.asarray(item.getData())
        (x0, y0), (dx, dy) = item.getOrigin(), item.getScale()
        rows, columns = values.shape[:2]
        return Item(
            kind, item.getName(), x0 + dx * np.arange(columns), y0 + dy * np.arange(rows), values
        )
    x, y = np.asarray(item.getXData()), np.asarray(item.getYData())
    values = np.asarray(item.getValueData()) if kind == "points" else y
    return Item(kind, item.getName(), x, y, values)


def _is_blank(plot: Any, items: list[Any]) -> bool:
    """Tell whether the plot looks the same when its items are hidden."""
    with_items = plot.grab().toImage()
    for item in items:
        item.setVisible(False)
    plot.replot()
    return bool(plot.grab().toImage() == with_items)
