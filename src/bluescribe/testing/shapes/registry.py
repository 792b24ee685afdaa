"""Name every shape of run, and play it on request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import listening

Document = tuple[str, dict[str, Any]]
Documents = list[Document]
Play = Callable[[Path], Documents]
Listener = Callable[[str, dict[str, Any]], object]

SHAPES: dict[str, Shape] = {}


@dataclass(frozen=True)
class Shape:
    """Describe one shape of run and play it.

    Parameters
    ----------
    name : str
        The key in `SHAPES`, good for a test's id.
    play : callable
        Takes a scratch folder for external files, returns the documents in the order of emission.
    about : str
        What is particular about this shape, in one line.
    runs : int
        How many runs the documents hold.
    external : bool
        Whether data lie in files under the scratch folder.
    finished : bool
        Whether each run has its stop document.
    valid : bool
        Whether each document satisfies event-model's schema.
    altered : str
        Why the documents are not as the RunEngine emitted them; empty when they are.
    """

    name: str
    play: Play
    about: str
    runs: int = 1
    external: bool = False
    finished: bool = True
    valid: bool = True
    altered: str = ""


def shape(
    *,
    runs: int = 1,
    external: bool = False,
    finished: bool = True,
    valid: bool = True,
    altered: str = "",
) -> Callable[[Play], Play]:
    """Enter a function into `SHAPES` under its own name; its docstring is the shape's `about`."""

    def register(play: Play) -> Play:
        name = play.__name__
        if name in SHAPES:
            raise ValueError(f"two shapes of run are called {name!r}: rename one of the functions")
        about = (play.__doc__ or "").strip().partition("\n")[0]
        SHAPES[name] = Shape(name, play, about, runs, external, finished, valid, altered)
        return play

    return register


def documents(name: str, folder: Path, *listeners: Listener) -> Documents:
    """Play one shape of run and return its documents.

    Parameters
    ----------
    name : str
        A key of `SHAPES`.
    folder : Path
        Where the files of external data go.
    *listeners : callable
        Subscribed to the RunEngine while it plays, as a writer would be. They receive what the
        RunEngine emits, before any alteration that the shape makes afterwards (`Shape.altered`).

    Returns
    -------
    list of (str, dict)
        Copies made at the moment of emission.
    """
    try:
        chosen = SHAPES[name]
    except KeyError:
        known = ", ".join(SHAPES)
        raise KeyError(f"there is no shape of run called {name!r}; there are: {known}") from None
    with listening(*listeners):
        return chosen.play(folder)
