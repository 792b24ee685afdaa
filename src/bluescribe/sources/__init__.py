"""Where finished runs come from: documents, journals, packs, databroker, tiled."""

from __future__ import annotations

from .base import MissingExtraError, Selection, Source, SourceError, StoredRun
from .opening import as_runs, check_source, open_source

__all__ = [
    "MissingExtraError",
    "Selection",
    "Source",
    "SourceError",
    "StoredRun",
    "as_runs",
    "check_source",
    "open_source",
]
