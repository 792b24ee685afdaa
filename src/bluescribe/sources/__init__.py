"""Where finished runs come from: documents, journals, packs, databroker, tiled.

`opening` makes a source of what a user gives; `base` says what all sources are: they find runs,
and give the documents of each. `chronology` puts the documents of a catalog into the order in
which they were taken. Nothing that is read here is ever run.

Knows: `model` and `files`.
"""

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
