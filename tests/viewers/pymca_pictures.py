"""Pictures of what PyMca draws of a day at a beamline, in its main window and without a screen.

In the environment of the tests of viewers::

    python -m tests.viewers.files FILES
    python -m tests.viewers.pymca_pictures FILES

PyMca opens no default plot: columns are chosen in its tables, as a person chooses them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyMca5.PyMcaGui import PyMcaQt
from PyMca5.PyMcaGui.pymca.PyMcaMain import PyMcaMain

from tests.viewers.sheet import MASTER, NAMES, make_sheet

qt: Any = PyMcaQt
COUNTERS: dict[str, tuple[list[str], str]] = {
    "count": (["time"], "i0"),
    "scan_of_single_numbers": (["x"], "single"),
    **{name: (["x"], "diode") for name in ("scan", "uneven_scan", "monitors")},
    **{
        name: (["x", "y"], "diode")
        for name in ("snaked_grid", "broken_off_grid", "grid_of_two_lines", "spiral", MASTER)
    },
}
"""What is chosen in the table of counters, as axes and as signal."""
IMAGES = {"scan_of_images": "camera", "linked_images": "detector", "joined_images": "detector"}
"""What is chosen of `/entry/data` by a double click."""
_DELAY = 300
"""Milliseconds in which a plot is drawn."""


def main(files: Path) -> None:
    application = qt.QApplication(["pymca"])
    with TemporaryDirectory() as home:
        os.environ["HOME"] = home  # PyMca keeps its settings there
        for name in NAMES:
            _take(name, files / name / f"{name}.hdf", Path(home, f"{name}.png"))
        make_sheet("pymca", Path(home))
    application.processEvents()
    os._exit(0)  # its windows would ask what to do with what is open


def _take(name: str, file: Path, picture: Path) -> None:
    """Open a file in a new window, choose what is to be seen, and save the plot."""
    window = PyMcaMain(fresh=True)
    window.resize(1100, 750)
    window.show()
    window.sourceWidget.sourceSelector.openSource(str(file))
    _wait()
    browser = window.sourceWidget.selectorWidget["HDF5"]
    _click_last_entry(browser.hdf5Widget)
    _wait()
    if name in COUNTERS:
        _choose_counters(browser, *COUNTERS[name])
    elif name in IMAGES:
        _choose_image(browser, IMAGES[name])
    else:
        _choose_spectra(browser)
    _wait()
    if name in COUNTERS and len(COUNTERS[name][0]) == 1:
        window.mainTabWidget.setCurrentWidget(window.scanWindow)
    window.mainTabWidget.grab().save(str(picture))
    window.hide()


def _click_last_entry(tree: Any) -> None:
    model = tree.model()
    file = model.index(0, 0, qt.QModelIndex())
    tree.expand(file)
    entry = model.index(model.rowCount(file) - 1, 0, file)
    tree.setCurrentIndex(entry)
    tree.itemClicked(entry)


def _choose_counters(browser: Any, axes: list[str], signal: str) -> None:
    table = browser.autoTable
    table.set2DEnabled(len(axes) > 1, emit=False)
    names = table.aliasList
    chosen = {"x": [names.index(axis) for axis in axes], "y": [names.index(signal)]}
    table.setCounterSelection(chosen)


def _choose_image(browser: Any, field: str) -> None:
    browser.tableTab.setCurrentWidget(browser.cntTable)
    browser.cntTable.build([f"/data/{field}"], [field])
    browser.cntTable.setCounterSelection({"y": [0]})


def _choose_spectra(browser: Any) -> None:
    """Choose the average of the first spectra, those of the plot."""
    browser.tableTab.setCurrentWidget(browser.mcaTable)
    browser.mcaTable.setMcaSelection({"selectionindex": [0], "selectiontype": ["avg"]})
    browser.mcaAction("ADD")


def _wait() -> None:
    loop = qt.QEventLoop()
    qt.QTimer.singleShot(_DELAY, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
