"""How many events are in the files: whoever writes little is fast."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["events_in", "size_of"]


def events_in(family: str, directory: Path) -> int:
    """Count the events in the files that a contender left.

    Parameters
    ----------
    family
        The format; ``all`` counts in each of the four and returns the smallest number.
    directory
        Where the files are.
    """
    if family == "all":
        return min(events_in(each, directory) for each in _COUNTERS if each != "json")
    counter = _COUNTERS.get(family)
    return 0 if counter is None else counter(directory)


def size_of(directory: Path) -> int:
    """Return the bytes of all files."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _in_jsonl(directory: Path) -> int:
    import orjson

    count = 0
    for path in directory.glob("*.jsonl"):
        with path.open("rb") as lines:
            count += _events(orjson.loads(line) for line in lines)
    return count


def _in_json(directory: Path) -> int:
    return sum(_events(json.loads(path.read_bytes())) for path in directory.glob("*.json"))


def _events(records: Iterable[Any]) -> int:
    """Count events among ``[name, doc]`` and ``{"name": ..., "doc": ...}``."""
    count = 0
    for record in records:
        name, doc = record if isinstance(record, list) else (record["name"], record["doc"])
        if name == "event":
            count += 1
        elif name == "event_page":
            count += len(doc["seq_num"])
    return count


def _in_csv(directory: Path) -> int:
    """Count the lines of the main table below its header."""
    tables = sorted(directory.glob("*primary.csv"))
    return max((_lines(path) - 1 for path in tables), default=0)


def _lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def _in_spec(directory: Path) -> int:
    """Count the lines that begin with a number."""
    count = 0
    for path in [*directory.glob("*.dat"), *directory.glob("*.spec")]:
        with path.open("rb") as lines:
            count += sum(line[:1].isdigit() or line[:1] == b"-" for line in lines)
    return count


def _in_nexus(directory: Path) -> int:
    """Take the shortest dataset of values; apstools and bluescribe have them at one place."""
    import h5py

    rows = []
    for path in [*directory.glob("*.hdf"), *directory.glob("*.h5")]:
        with h5py.File(path, "r") as file:
            fields = file.get("entry/instrument/bluesky/streams/primary", file).values()
            groups = [field for field in fields if isinstance(field, h5py.Group)]
            rows += [len(group["value"]) for group in groups if "value" in group]
    return min(rows, default=0)


_COUNTERS = {
    "spec": _in_spec,
    "nexus": _in_nexus,
    "csv": _in_csv,
    "jsonl": _in_jsonl,
    "json": _in_json,
}
