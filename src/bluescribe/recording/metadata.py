"""What the metadata of a run asks of its own files: ``bluescribe`` in its start document.

Whoever may start a run may write it, so that it leads nowhere by itself: a folder in it is a value
like others, which names folders below a root that the configuration names, and else a name.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..contract.settings import WriterSettings
from ..errors import ConfigError, shown
from ..log_once import LogOnce
from .changes import ENABLED

__all__ = ["KEY", "asked_in"]

logger = logging.getLogger(__name__)

KEY = "bluescribe"
_KNOWN = (ENABLED, "directory", "file_name")
_told = LogOnce()


def asked_in(start: Any, format_name: str, settings: WriterSettings) -> dict[str, Any]:
    """Return the settings that a start document asks for, for its own run.

    What it asks for and cannot have is told, and left.

    Parameters
    ----------
    start
        The document, damaged or not.
    format_name, settings
        What would be written, and how.
    """
    said = start.get(KEY) if isinstance(start, Mapping) else None
    if said is None:
        return {}
    try:
        return _checked(said, format_name, settings, start)
    except Exception as error:  # whatever somebody has put there, the scan goes on
        _tell(start, shown(error))
        return {}


def _checked(said: Any, format_name: str, settings: WriterSettings, start: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for steps, found in _asked(said, format_name, start):
        name = steps[-1]
        if name == ENABLED and isinstance(found, bool):
            asked[name] = found
        elif name == "directory" and isinstance(found, str):
            key = KEY + "".join(f"[{step}]" for step in steps)
            asked[name] = f"{settings.directory}/{{{key}:path}}"
        elif name == "file_name" and isinstance(found, str):
            try:
                asked[name] = settings.changed({name: found}).file_name
            except ConfigError as error:
                _tell(start, f"{'.'.join(steps)}: {error}")
        else:
            _tell(start, f"{'.'.join(steps)}: found {shown(found)}")
    return asked


def _asked(said: Any, format_name: str, start: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return what is asked for, of all formats and then of one, and where it stands."""
    if not isinstance(said, Mapping):
        _tell(start, f"found {shown(said)}")
        return []
    own = said.get(format_name, {})
    if not isinstance(own, Mapping):
        _tell(start, f"{format_name}: found {shown(own)}")
        own = {}
    unknown = [name for name, value in said.items() if not _is_known(name, value)]
    for name in [*unknown, *(name for name in own if name not in _KNOWN)]:
        _tell(start, f"{shown(name)} is not known")
    return [
        *(((name,), said[name]) for name in _KNOWN if name in said),
        *(((format_name, name), own[name]) for name in _KNOWN if name in own),
    ]


def _is_known(name: object, value: object) -> bool:
    return name in _KNOWN or isinstance(value, Mapping)  # of whatever format


def _tell(start: Any, what: str) -> None:
    uid = str(start.get("uid"))[:7]
    if _told.is_new((uid, what)):
        logger.warning(
            "run %s: its metadata has %s: %s; it is written without that. Allowed are directory, "
            "file_name (texts) and enabled (True, False), for all formats or below the name of one",
            uid,
            KEY,
            what,
        )
