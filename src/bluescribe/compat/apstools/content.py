"""What the files of NXWriter and NXWriterAPS have beside what every NeXus file of ours has."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

__all__ = ["APS", "GENERAL", "merged", "template_of"]

logger = logging.getLogger(__name__)

GENERAL: dict[str, Any] = {
    "/entry/instrument/source:NXsource": {
        "name": {"value": "Bluesky framework", "short_name": "bluesky"},
        "type": {"value": "Synchrotron X-ray Source"},
        "probe": {"value": "x-ray"},
        "energy": None,
        "current": None,
    },
    "/entry/instrument/undulator": None,
}
APS: dict[str, Any] = {}
"""The mapping that ships with bluescribe has what NXWriterAPS writes."""


def merged(*contents: Mapping[str, Any]) -> dict[str, Any]:
    """Return several mappings as one; of two that have the same field the later one counts."""
    found: dict[str, Any] = {}
    for content in contents:
        for group, fields in content.items():
            known = found.get(group)
            if isinstance(known, Mapping) and isinstance(fields, Mapping):
                found[group] = {**known, **fields}
            else:
                found[group] = fields
    return found


def template_of(said: Any, key: str) -> list[Any]:
    """Return the pairs that metadata hold under a key of their own, as JSON text or as a list."""
    try:
        pairs = json.loads(said) if isinstance(said, str | bytes) else said or []
    except ValueError as error:
        logger.warning("nexus: %s in the metadata is left aside, it is not JSON: %s", key, error)
        return []
    return list(pairs)
