"""Which writer of this session writes a run, where several would write the same file."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from ..contract.settings import WriterSettings

__all__ = ["ends", "is_first", "uid_in"]

_Key = tuple[str, ...]

_open: dict[_Key, weakref.finalize[..., Any]] = {}
"""Runs that are open, and the end of the writer that has begun them."""


def uid_in(doc: Any, key: str) -> str | None:
    """Return the uid of a run that a document tells; None where it is damaged."""
    uid = doc.get(key) if isinstance(doc, Mapping) else None
    return uid if isinstance(uid, str) else None


def is_first(start: Any, format_name: str, settings: WriterSettings, end: Any) -> bool:
    """Tell whether a run that begins is not begun by another writer already, and note it.

    Parameters
    ----------
    start
        The start document of the run.
    format_name, settings
        What would be written, and where.
    end
        The finalizer of the writer: a writer that is closed or gone writes nothing any more.
    """
    if (uid := uid_in(start, "uid")) is None:
        return True
    key = _key(uid, format_name, settings)
    if not (owner := _open.setdefault(key, end)).alive:
        owner = _open[key] = end
    return owner is end


def ends(stop: Any, end: Any) -> None:
    """Note that a run of a writer is over, from its stop document."""
    uid = uid_in(stop, "run_start")
    for key in [key for key, owner in list(_open.items()) if key[0] == uid and owner is end]:
        _open.pop(key, None)


def _key(uid: str, format_name: str, settings: WriterSettings) -> _Key:
    return (uid, format_name, *settings.target)
