"""Pictures of what NeXpy draws of a day at a beamline, in its main window and without a screen.

In an environment with ``nexpy``, ``PySide6-Essentials`` and ``pillow``, with files that
``python -m tests.viewers.files FILES`` made in that of the tests::

    QT_QPA_PLATFORM=offscreen python -m tests.viewers.nexpy_pictures FILES
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nexpy.gui.consoleapp import NXConsoleApp
from nexpy.gui.pyqt import QtCore

from tests.viewers.sheet import NAMES, make_sheet

_DELAY = 200
"""Milliseconds in which a plot is drawn."""


def main(files: Path) -> None:
    with TemporaryDirectory() as home:
        os.environ["HOME"] = home  # NeXpy keeps its settings there
        window = _main_window()
        for name in NAMES:
            _take(window, files / name / f"{name}.hdf", Path(home, f"{name}.png"))
        make_sheet("nexpy", Path(home))
    os._exit(0)  # NeXpy's kernel and its timers go on otherwise


def _main_window() -> Any:
    """Return the window that the command ``nexpy`` opens."""
    streams = sys.stdout, sys.stderr
    program = NXConsoleApp()
    program.initialize(Namespace(faulthandler=False, filenames=[], restore=False))
    sys.stdout, sys.stderr = streams  # NeXpy writes them to its log
    program.window.show()
    return program.window


def _take(window: Any, file: Path, picture: Path) -> None:
    """Open a file, select it in the tree, and plot it in a window of its own."""
    window.load_file(str(file))
    window.treeview.select_node(window.tree[file.stem])
    plot = window.new_plot_window()
    window.plot_data()
    _wait(_DELAY)
    plot.canvas.grab().save(str(picture))
    plot.close()


def _wait(milliseconds: int) -> None:
    loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
