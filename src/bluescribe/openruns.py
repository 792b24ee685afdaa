"""Which writer of this session writes a run, where several would write the same file."""

from __future__ import annotations

import weakref
from typing import Any

from .settings import WriterSettings

__all__ = ["ends", "is_first"]

_Key = tuple[str, str, str, str, str]

_open: dict[_Key, weakref.finalize[..., Any]] = {}
"""Runs that are open, and the end of the writer that has begun them."""


def is_first(uid: Any, format_name: str, settings: WriterSettings, end: Any) -> bool:
    """Tell whether a run that begins is not begun by another writer already, and note it.

    Parameters
    ----------
    uid
        Of the run.
    format_name, settings
        What would be written, and where.
    end
        The finalizer of the writer: a writer that is closed or gone writes nothing any more.
    """
    key = _key(uid, format_name, settings)
    if not (owner := _open.setdefault(key, end)).alive:
        owner = _open[key] = end
    return owner is end


def ends(uid: Any, format_name: str, settings: WriterSettings, end: Any) -> None:
    """Note that a run is over."""
    key = _key(uid, format_name, settings)
    if _open.get(key) is end:
        del _open[key]


def _key(uid: Any, format_name: str, settings: WriterSettings) -> _Key:
    name = (settings.file_name, settings.file_extension)
    return (str(uid), format_name, str(settings.directory), *name)
