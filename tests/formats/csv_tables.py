"""Read CSV tables by the letter of RFC 4180, and tell what they have to hold by the documents."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bluescribe.formats.csv import CsvWriter

_RECORD = re.compile(rb'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)')
_INTEGER = re.compile(r"-?\d+")


class Text(str):
    """What stands in quotes."""

    __slots__ = ()


class Null:
    """The word null, bare."""


def read_table(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the labels and rows of a table; anything that RFC 4180 does not allow fails.

    Bare cells are None, numbers and truth values, quoted ones are `Text`.
    """
    data = path.read_bytes()
    rows: list[list[Any]] = [[]]
    place = 0
    while place < len(data):
        match = _RECORD.match(data, place)
        assert match, f"{path.name} is no RFC 4180 at {data[place : place + 60]!r}"
        quoted, bare, end = match.groups()
        rows[-1].append(Text(quoted.decode().replace('""', '"')) if bare is None else bare.decode())
        if end == b"\r\n":
            rows.append([])
        place = match.end()
    assert rows.pop() == [], f"{path.name} ends in half a row"
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == rows
    labels, *body = rows
    assert all(len(row) == len(labels) for row in body)
    assert len(set(labels)) == len(labels)
    return [str(label) for label in labels], [[_value(cell) for cell in row] for row in body]


def _value(cell: str) -> Any:
    if isinstance(cell, Text):
        return cell
    if cell in ("", "True", "False", "null"):
        return {"": None, "True": True, "False": False, "null": Null}[cell]
    return int(cell) if _INTEGER.fullmatch(cell) else float(cell)


@dataclass
class Package:
    """A package and its tables, as they are on disk."""

    path: Path
    content: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.content = json.loads(self.path.read_bytes(), parse_constant=_refuse)

    def resource(self, stream: str, of_field: str | None = None) -> Any:
        for resource in self.content["resources"]:
            if resource["stream"] == stream and resource.get("field") == of_field:
                return resource
        return None

    def table(self, stream: str, of_field: str | None = None) -> tuple[list[str], list[list[Any]]]:
        resource = self.resource(stream, of_field)
        assert resource is not None
        labels, rows = read_table(self.path.with_name(resource["path"]))
        assert [described["name"] for described in resource["schema"]["fields"]] == labels
        return labels, rows

    def columns(self, stream: str) -> dict[str, list[Any]]:
        """Return the columns of a stream's table, by field."""
        _, rows = self.table(stream)
        described = self.resource(stream)["schema"]["fields"]
        names = [entry.get("field", entry["name"]) for entry in described[2:]]
        assert len(set(names)) == len(names)
        return {name: [row[i + 2] for row in rows] for i, name in enumerate(names)}

    def left_out(self, stream: str, of_field: str) -> list[dict[str, Any]]:
        entries = self.content["left_out"]
        return [e for e in entries if e["stream"] == stream and e.get("field") == of_field]


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")


def write(documents: list[tuple[str, Any]], folder: Path, **settings: Any) -> list[Package]:
    """Write documents as CSV and return the packages, the oldest first."""
    with CsvWriter(folder, **settings) as writer:
        for name, doc in documents:
            writer(name, doc)
    status = writer.status()
    assert not status.failures, str(status)
    paths = folder.rglob("*.datapackage.json")
    return [Package(path) for path in sorted(paths, key=lambda p: p.stat().st_mtime_ns)]


def as_pages(documents: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the same run with an event_page for each event: none waits for another."""
    return [
        ("event_page", _page(doc)) if name == "event" else (name, doc) for name, doc in documents
    ]


def _page(event: dict[str, Any]) -> dict[str, Any]:
    columns = {p: {k: [v] for k, v in event[p].items()} for p in ("data", "timestamps")}
    return {**event, **columns, "filled": {}, **{k: [event[k]] for k in ("uid", "time", "seq_num")}}


@dataclass
class Received:
    """The events of one stream of one run, as the documents have them."""

    declared: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[Any, Any, dict[str, Any]]] = field(default_factory=list)


def received(documents: list[tuple[str, Any]]) -> dict[str, dict[str, Received]]:
    """Return what was received, by run and stream."""
    runs: dict[str, dict[str, Received]] = {}
    of_descriptor: dict[str, Received] = {}
    for name, doc in documents:
        if name == "start":
            runs[doc["uid"]] = {}
        elif name == "descriptor":
            streams = runs[doc["run_start"]]
            stream = streams.setdefault(doc.get("name") or "primary", Received())
            stream.declared.update(doc["data_keys"])
            of_descriptor[doc["uid"]] = stream
        elif name == "event":
            of_descriptor[doc["descriptor"]].events.append(
                (doc["seq_num"], doc["time"], dict(doc["data"]))
            )
        elif name == "event_page":
            for i, (seq_num, time) in enumerate(zip(doc["seq_num"], doc["time"], strict=True)):
                data = {key: column[i] for key, column in doc["data"].items()}
                of_descriptor[doc["descriptor"]].events.append((seq_num, time, data))
    return runs


def check(package: Package, streams: dict[str, Received]) -> None:
    """Fail unless a run's package and tables hold all that was received, exactly."""
    assert {r["stream"] for r in package.content["resources"]} == {*streams}
    for name, stream in streams.items():
        _check_stream(package, name, stream)


def _check_stream(package: Package, name: str, stream: Received) -> None:
    _, rows = package.table(name)
    columns = package.columns(name)
    fields = {*stream.declared, *(key for _, _, data in stream.events for key in data)}
    assert fields >= {*columns}
    assert [row[:2] for row in rows] == [[s, t] for s, t, _ in stream.events]
    for key in fields:
        values = [data.get(key) for _, _, data in stream.events]
        cells = columns.get(key, [None] * len(values))
        lists = []
        for (seq_num, _, _), value, cell in zip(stream.events, values, cells, strict=True):
            kept = _plain(value)
            if rank(value) == 0:
                assert same(cell, kept), (key, cell, kept)
            elif rank(value) == 1 and cell is None:
                lists.append([seq_num, *kept])
            elif rank(value) == 1:
                assert isinstance(cell, Text)
                assert same_json(json.loads(cell), kept), (key, cell, kept)
            else:
                assert cell is None
        _check_lists(package, name, key, lists)
        images = sum(rank(value) == 2 for value in values)
        told = [e["what"] for e in package.left_out(name, key) if "dimensions" in e["what"]]
        assert [int(what.split()[0]) for what in told] == ([images] if images else [])
        if key not in columns and not lists and not images:
            assert package.left_out(name, key), f"{key} is left out without a word"


def _check_lists(package: Package, stream: str, key: str, lists: list[list[Any]]) -> None:
    if not lists:
        assert package.resource(stream, key) is None
        return
    labels, rows = package.table(stream, key)
    longest = max(map(len, lists)) - 1
    assert labels == ["seq_num", *map(str, range(longest))]
    assert len(rows) == len(lists)
    for row, expected in zip(rows, lists, strict=True):
        for cell, value in zip(row, expected, strict=False):
            assert cell is Null if value is None else same(cell, value), (key, cell, value)
        assert row[len(expected) :] == [None] * (len(row) - len(expected))


def rank(value: Any) -> int:
    """Tell a scalar, a list, and a list of lists from each other."""
    if isinstance(value, np.ndarray):
        return min(value.ndim, 2)
    if not isinstance(value, list | tuple):
        return 0
    return 2 if value and all(isinstance(item, list | tuple | np.ndarray) for item in value) else 1


def _plain(value: Any) -> Any:
    """Return Python's own types."""
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "M":  # numpy makes None of a time that is not known
            value = np.datetime_as_string(np.asarray(value))
        item = value.tolist()
        return str(item) if isinstance(item, np.generic) else _plain(item)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def same(cell: Any, value: Any) -> bool:
    """Tell whether a cell is a value: type and digits, and NaN is NaN."""
    if value is None or cell is None:
        return value is cell
    if isinstance(value, str):
        return isinstance(cell, Text) and cell == value.encode(errors="backslashreplace").decode()
    if isinstance(value, bool | int):
        return type(cell) is type(value) and cell == value
    if isinstance(value, float):
        if math.isnan(value):
            return isinstance(cell, float) and math.isnan(cell)
        return type(cell) is float and repr(cell) == repr(value)
    # Bytes, dates and complex numbers are text, in words that are ours.
    is_structure = isinstance(value, dict | list)
    return isinstance(cell, Text) and (not is_structure or same_json(json.loads(cell), value))


def same_json(read: Any, value: Any) -> bool:
    """Tell whether a structure came back: as text, in which NaN is the same as NaN."""
    return json.dumps(read) == json.dumps(_structure(value))


def _structure(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, dict):
        return {str(key): _structure(item) for key, item in value.items()}
    return [_structure(item) for item in value] if isinstance(value, list) else value
