"""Which fields of a run are written; the documents without the others.

What is left out is gone before anything else looks at a document: streams, pages, dimensions and
hints are those of the fields that are left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .run import Document
from .told import mapping_of

__all__ = ["LEFT_OUT", "Selection"]

LEFT_OUT = "bluescribe_left_out"
"""Key of a descriptor document that names the fields of it that are left out."""

_BY_FIELD = ("data", "timestamps", "filled")
"""Parts of an event, or of a page of them, that have an item for each field."""


class Selection:
    """Names of fields that are written and not written.

    Parameters
    ----------
    fields
        Those that are written, by their names or by patterns such as ``det*``; none for all.
    exclude
        Those of them that are not written after all.
    """

    def __init__(self, fields: Sequence[str], exclude: Sequence[str]) -> None:
        self._fields = tuple(fields)
        self._exclude = tuple(exclude)
        self._kept: dict[str, bool] = {}

    def keeps(self, field: str) -> bool:
        """Tell whether a field is written."""
        if field not in self._kept:
            is_wanted = not self._fields or _is_among(self._fields, field)
            self._kept[field] = is_wanted and not _is_among(self._exclude, field)
        return self._kept[field]

    def descriptor(self, doc: Document) -> Document:
        """Return a descriptor without the fields that are left out, which it names then."""
        keys = mapping_of(doc.get("data_keys"))
        dropped = [key for key in keys if not self.keeps(str(key))]
        if not dropped:
            return doc
        kept = {key: declared for key, declared in keys.items() if self.keeps(str(key))}
        found: dict[str, Any] = {**doc, "data_keys": kept, LEFT_OUT: list(map(str, dropped))}
        for part, inside in (("object_keys", self._names), ("hints", self._hint)):
            if isinstance(doc.get(part), Mapping):
                found[part] = {device: inside(told) for device, told in doc[part].items()}
        return found

    def event(self, doc: Document) -> Document:
        """Return an event, or a page of them, without the fields that are left out."""
        found = dict(doc)
        for part in _BY_FIELD:
            told = doc.get(part)
            if isinstance(told, Mapping):
                found[part] = {key: item for key, item in told.items() if self.keeps(str(key))}
        return found

    def patterns(self) -> dict[str, bool]:
        """Return each name or pattern, and whether a field was called so."""
        both = (*self._fields, *self._exclude)
        return {pattern: any(_is_among((pattern,), key) for key in self._kept) for pattern in both}

    def _hint(self, told: Any) -> Any:
        if isinstance(told, Mapping) and "fields" in told:
            return {**told, "fields": self._names(told["fields"])}
        return told

    def _names(self, told: Any) -> Any:
        is_list = isinstance(told, list | tuple)
        return [name for name in told if self.keeps(str(name))] if is_list else told


def _is_among(patterns: Sequence[str], field: str) -> bool:
    """Tell whether a field is called so; a name may hold what a pattern would not take as it is."""
    return any(field == pattern or fnmatchcase(field, pattern) for pattern in patterns)
