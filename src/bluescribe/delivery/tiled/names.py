"""Names of fields: as they were measured, or one like it where the server takes no such name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...model.run import Document

__all__ = ["Names"]

_PLAIN = re.compile(r"[A-Za-z](-?[\w :@#,\[\]])*-?")
"""What is a column in every database of tiled, and a part of a URL."""

_LONGEST = 60
"""Bytes: the 63 of PostgreSQL, less the ``ts_`` before the timestamps of a column."""

_TAKEN = frozenset({"seq_num", "time", "seq_num_", "time_", "internal"})
"""Columns, and their table, in each stream; two of them TiledWriter itself gives another name."""


class Names:
    """What the fields of each stream are called on the server."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, str]] = {}
        """By stream and field."""
        self._of_descriptor: dict[str, dict[str, str]] = {}
        self._of_field: dict[str, str] = {}
        """Of whatever stream, for stream resources, which name none."""

    def fit_descriptor(self, doc: Document) -> Document:
        """Return a descriptor with names that the server takes."""
        names = self._names.setdefault(str(doc["name"]), {})
        self._of_descriptor[doc["uid"]] = names
        for key in doc["data_keys"]:
            if key not in names:
                names[key] = _free_name(key, names)
        self._of_field |= names
        new = {**doc, "data_keys": _renamed(doc["data_keys"], names)}
        if "object_keys" in doc:
            objects = doc["object_keys"].items()
            new["object_keys"] = {o: [names.get(key, key) for key in keys] for o, keys in objects}
        return new

    def fit_event(self, doc: Document) -> Document:
        """Return an event with the same names."""
        names = self._of_descriptor.get(doc["descriptor"], {})
        parts = {part: doc[part] for part in ("data", "timestamps", "filled") if part in doc}
        return {**doc, **{part: _renamed(content, names) for part, content in parts.items()}}

    def fit_stream_resource(self, doc: Document) -> Document:
        """Return a stream resource with the same name."""
        key = doc.get("data_key")
        return {**doc, "data_key": self._of_field[key]} if key in self._of_field else doc

    def notes(self) -> Iterator[str]:
        """Tell which fields have another name, in the words that TiledWriter has for that."""
        for stream, names in self._names.items():
            for key, name in names.items():
                if key != name:
                    yield f"Renamed data_key '{key}' to '{name}' in stream {stream}"


def _renamed(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in content.items()}


def _free_name(key: str, names: Mapping[str, str]) -> str:
    """Return a name that no other field of the stream has, whatever the case of its letters."""
    if key in ("time", "seq_num"):
        return key  # TiledWriter has its own way with these
    taken = {name.lower() for name in names.values()} | _TAKEN
    is_plain = _PLAIN.fullmatch(key) and len(key.encode()) <= _LONGEST
    if is_plain and key == key.strip() and key.lower() not in taken:
        return key
    stem = re.sub(r"[^\w ]", "_", key).strip()
    stem = stem if re.match("[A-Za-z]", stem) else f"x_{stem}"
    stem = stem.encode()[: _LONGEST - 4].decode(errors="ignore")
    number, name = 2, stem
    while name.lower() in taken:
        number, name = number + 1, f"{stem}_{number}"
    return name
