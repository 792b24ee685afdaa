"""Shapes of run, each played once a session, and numpified at most once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..shapes import SHAPES, Document, documents
from ..transform import numpified

__all__ = ["MANNERS", "NAMES", "played"]

NAMES = tuple(SHAPES)
MANNERS = ("plain", "numpified")


@cache
def played(name: str, manner: str, folder: Path) -> tuple[Document, ...]:
    """Return the documents of a shape; they are shared, so nobody may alter them.

    Parameters
    ----------
    name : str
        A key of `SHAPES`.
    manner : str
        One of `MANNERS`.
    folder : Path
        Where the external files of all shapes go, in a folder each.
    """
    if manner == "numpified":
        return tuple(numpified(played(name, "plain", folder)))
    scratch = folder / name
    scratch.mkdir(parents=True)
    return tuple(documents(name, scratch))
