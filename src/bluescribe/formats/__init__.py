"""Finds formats: the modules of this folder, then the entry-point group ``bluescribe.formats``.

A module here is a format when it holds a `Writer` whose ``format`` is the module's name.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UnknownFormatError

if TYPE_CHECKING:
    from ..writer import Writer

__all__ = ["format_names", "load_format"]

_GROUP = "bluescribe.formats"


def format_names() -> list[str]:
    """Return the names of all formats, without importing any."""
    return [*_own_names(), *(name for name in _plugins() if name not in _own_names())]


def load_format(name: str) -> type[Writer]:
    """Import a format and return its writer.

    Raises
    ------
    UnknownFormatError
        There is no such format; it names those there are.
    """
    if name in _own_names():
        module = import_module(f"{__name__}.{name}")
        found = [w for w in vars(module).values() if getattr(w, "format", None) == name]
        return found[0]  # type: ignore[no-any-return]  # a module's attributes have no type
    if name in _plugins():
        return _plugins()[name].load()  # type: ignore[no-any-return]  # as does an entry point
    near = difflib.get_close_matches(name, format_names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownFormatError(
        f"unknown format {name!r}{hint} Installed are: {', '.join(format_names())}"
    )


def _own_names() -> list[str]:
    here = Path(__file__).parent
    modules = [p.stem for p in here.glob("*.py") if p.stem not in ("__init__", "base")]
    packages = [p.parent.name for p in here.glob("*/__init__.py")]
    return sorted(modules + packages)


def _plugins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_GROUP)}
