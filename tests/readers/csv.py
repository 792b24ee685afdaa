"""Read CSV tables to the letter, with their package; pandas and frictionless have to agree.

No library of Python 3.11 tells ``5`` from ``"5"``, so cells are taken apart here, and compared with
what Python's csv finds in them.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from frictionless import validate

from bluescribe.testing.contract import RecordedRun

_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)')
_NULL = object()
SEQ_NUM, TIME = "\0seq_num", "\0time"
"""Our names of the first two columns: a field may be called like them too."""


def read_folder(folder: Path) -> list[RecordedRun]:
    """Return the runs of all packages in a folder."""
    return [read_package(path) for path in sorted(folder.rglob("*.datapackage.json"))]


def read_package(path: Path) -> RecordedRun:
    """Return the run that a package describes, from its tables."""
    package = json.loads(path.read_bytes(), parse_constant=_refuse)
    documents = package["bluesky"]
    run = RecordedRun(package["id"], start=documents["start"], stop=documents.get("stop"))
    for resource in package["resources"]:
        columns = read_columns(path.with_name(resource["path"]), resource)
        if "field" in resource:
            _add_arrays(run, resource, columns)
        else:
            run.seq_num[resource["stream"]] = columns.pop(SEQ_NUM)
            run.times[resource["stream"]] = columns.pop(TIME)
            run.events[resource["stream"]] = columns
    for entry in package["left_out"]:
        key = entry["stream"], entry.get("field")
        if key[1] is not None:
            run.left_out[key] = f"{run.left_out.get(key, '')} {entry['what']}: {entry['where']}"
    return run


def read_columns(path: Path, resource: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the columns of a table by field; text is str, a missing value None."""
    labels, *rows = read_table(path)
    described = resource["schema"]["fields"]
    assert [field["name"] for field in described] == labels, f"{path.name}: schema and header"
    own = [SEQ_NUM] if "field" in resource else [SEQ_NUM, TIME]
    assert labels[: len(own)] == ["seq_num", "time"][: len(own)]
    names = own + [field.get("field", field["name"]) for field in described[len(own) :]]
    assert len(set(names)) == len(names), f"{path.name}: a field has two columns"
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def read_table(path: Path) -> list[list[Any]]:
    """Return header and rows; whatever RFC 4180 does not allow fails."""
    text = path.read_bytes().decode("utf-8")
    rows: list[list[Any]] = [[]]
    bare: list[list[str]] = [[]]
    place = 0
    while place < len(text):
        match = _CELL.match(text, place)
        assert match, f"{path.name} is no RFC 4180 at {text[place : place + 60]!r}"
        quoted, plain, end = match.groups()
        word = plain if quoted is None else quoted.replace('""', '"')
        is_text = quoted is not None or len(rows) == 1  # the header is text, quoted or not
        rows[-1].append(word if is_text else _value(word))
        bare[-1].append(word)
        if end == "\r\n":
            rows.append([])
            bare.append([])
        place = match.end()
    assert rows.pop() == [], f"{path.name} ends in half a row"
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # 128 KiB, as it comes
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == bare[:-1], f"{path.name}: Python's csv reads it otherwise"
    assert {len(row) for row in rows} == {len(rows[0])}, f"{path.name}: rows of several lengths"
    return rows


def check_folder(folder: Path) -> None:
    """Fail unless frictionless finds all packages valid, and pandas the same values."""
    for path in folder.rglob("*.datapackage.json"):
        report = validate(str(path))
        assert report.valid, report.flatten(["type", "note", "fieldName", "message"])[:5]
        for resource in json.loads(path.read_bytes())["resources"]:
            _check_pandas(path.with_name(resource["path"]), resource)


def _check_pandas(path: Path, resource: dict[str, Any]) -> None:
    """Compare columns of numbers and truth values: the types have to be right by themselves."""
    _, *rows = read_table(path)
    frame = pd.read_csv(path)
    assert len(frame) == len(rows)
    for number, field in enumerate(resource["schema"]["fields"]):
        column = [row[number] for row in rows]
        kind = {"integer": "iuO", "number": "f", "boolean": "b"}.get(field["type"])
        if kind is None or not rows or any(map(_is_beyond_pandas, column)):
            continue
        series = frame.iloc[:, number]
        if all(isinstance(value, int) for value in column) and field["type"] == "number":
            kind = "iufO"
        assert series.dtype.kind in kind, f"{path.name}: pandas has {series.dtype} for {column[:9]}"
        if kind == "f":  # older versions of pandas miss the last digit, unless they are asked
            assert np.allclose(series, np.array(column, float), rtol=1e-15, atol=0, equal_nan=True)
        else:
            seen = [int(value) for value in series] if kind == "iuO" else series.tolist()
            assert seen == column, f"{path.name}: pandas has other values for {field}"


def _is_beyond_pandas(value: Any) -> bool:
    """Tell what makes pandas take a column for another type: a gap, or an integer beyond int64."""
    is_long = isinstance(value, int) and not -(2**63) <= value < 2**63
    return value is None or value is _NULL or is_long


def _value(word: str) -> Any:
    if word in ("", "True", "False", "null"):
        return {"": None, "True": True, "False": False, "null": _NULL}[word]
    return int(word) if re.fullmatch(r"-?\d+", word) else float(word)


def _add_arrays(run: RecordedRun, resource: dict[str, Any], columns: dict[str, list[Any]]) -> None:
    """Put the arrays of a field into the rows that they belong to, which have an empty cell."""
    stream, field = resource["stream"], resource["field"]
    elements = list(zip(*columns.values(), strict=True))
    seq_nums = run.seq_num[stream]
    column = run.events[stream].setdefault(field, [None] * len(seq_nums))
    row = 0
    for seq_num, *array in elements:
        while seq_nums[row] != seq_num or column[row] is not None:
            row += 1
        column[row] = _cut(array)
        row += 1


def _cut(array: list[Any]) -> list[Any]:
    """Return an array without the empty cells that fill up its row."""
    while array and array[-1] is None:
        array.pop()
    return [None if value is _NULL else value for value in array]


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")
