"""What silx's own viewer draws of a file, in a process of its own, as it is at home."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.viewers.plot import Plot

_FILES_A_PROCESS = 50
"""Qt for Python counts down to the end of True: after some 300 files Python 3.11 gives up."""


@dataclass(frozen=True)
class Item:
    """A curve, points in a plane or an image, as they stand in the plot."""

    kind: str
    name: str
    x: Any
    """Of each point; of each column of an image."""
    y: Any
    values: Any


@dataclass(frozen=True)
class Drawn:
    """What silx draws of a file."""

    view: str
    """What silx calls the view that it chose: Curve, Scatter, Image, or HDF5 for none of these."""
    items: list[Item]
    labels: tuple[str, str]
    """Beside the horizontal and the vertical axis."""
    part: tuple[Any, ...]
    """What is taken of the signal: a slice of a dimension that is drawn, an index of any other."""
    plot: Plot | None
    """The default plot that silx finds."""
    is_blank: bool
    """Whether the picture is the same without what is drawn."""
    problems: list[str]
    """What silx logged and raised."""


class SilxViewer:
    """A process in which files are opened as `silx view` opens them: not that of the writer."""

    def __init__(self) -> None:
        self._process = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), max_tasks_per_child=_FILES_A_PROCESS
        )

    def open(self, path: Path, picture: Path | None = None) -> Drawn:
        """Return what is drawn of a file; save it as a picture where one is wanted."""
        return self._process.submit(_look, path, picture).result()

    def close(self) -> None:
        self._process.shutdown()


def _look(path: Path, picture: Path | None) -> Drawn:
    # Qt is imported in that process only: a RunEngine that sees it runs its event loop too.
    from tests.viewers.silx_window import look

    return look(path, picture)
