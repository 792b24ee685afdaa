"""Journals that strict readers open, and from which all files are made as from any journal."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from bluesky import RunEngine
from bluesky.plans import scan
from ophyd.sim import SynSignal, motor

from bluescribe import CsvWriter, JsonlWriter, export
from bluescribe.testing.contract import in_json, same_value
from tests.readers.jsonl import read_documents
from tests.recovering import recover

VALUES = {
    "hole": lambda: math.nan,
    "far": lambda: -math.inf,
    "sometimes": lambda: math.inf if motor.position > 0 else 0.5,
    "spectrum": lambda: np.array([1.5, np.nan, -np.inf]),
    "image": lambda: np.array([[np.inf, 0.0], [1.0, np.nan]]),
    "word": lambda: "NaN",
    "words": lambda: np.array(["NaN", "b"]),
    "gone": lambda: np.float32(np.nan),
}


@pytest.fixture
def folder(tmp_path):
    """Return the files of a scan: a strict journal, a usual one, and tables."""
    devices = [SynSignal(func=func, name=name) for name, func in VALUES.items()]
    RE = RunEngine()
    with (
        JsonlWriter(tmp_path, file_name="strict", strict=True) as strict,
        JsonlWriter(tmp_path, file_name="usual") as usual,
        CsvWriter(tmp_path / "live", file_name="run") as tables,
    ):
        for writer in (strict, usual, tables):
            RE.subscribe(writer.receiver)
        RE(scan(devices, motor, -1, 1, 3), sample={"mass": math.nan})
    return tmp_path


def test_strict_readers_have_each_line(folder):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    text = (folder / "strict.jsonl").read_text()
    by_orjson = [orjson.loads(line) for line in text.splitlines()]
    assert by_orjson == [json.loads(line, parse_constant=refuse) for line in text.splitlines()]
    assert len(pd.read_json(folder / "strict.jsonl", lines=True)) == len(by_orjson)
    data = [doc["data"] for name, doc in by_orjson if name == "event"]
    assert [float(row["sometimes"]) for row in data] == [0.5, 0.5, math.inf]
    assert data[0]["spectrum"] == [1.5, "NaN", "-Infinity"]
    assert by_orjson[0][1]["sample"] == {"mass": "NaN"}


def test_all_but_those_numbers_is_as_in_any_journal(folder):
    strict = [json.loads(line) for line in (folder / "strict.jsonl").read_text().splitlines()]
    usual = read_documents(folder / "usual.jsonl")
    assert [name for name, _ in strict] == [name for name, _ in usual]
    for (_, found), (_, doc) in zip(strict, usual, strict=True):
        assert found == json.loads(json.dumps(worded(doc)))


def worded(value):
    if isinstance(value, dict):
        return {key: worded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [worded(item) for item in value]
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return value if is_finite else json.dumps(value)


def test_what_is_exported_from_it_has_the_numbers(folder):
    for journal in ("strict", "usual"):
        export(folder / f"{journal}.jsonl", folder / journal, ["csv"], file_name="run")
    tables = [path.name for path in (folder / "live").glob("*.csv")]
    assert len(tables) == 3
    for name in tables:
        live = (folder / "live" / name).read_bytes()
        assert (folder / "strict" / name).read_bytes() == live
        assert (folder / "usual" / name).read_bytes() == live


def test_what_is_recovered_from_it_has_the_numbers(folder):
    (package,) = (folder / "live").glob("*.datapackage.json")
    whole = {path.name: path.read_bytes() for path in (folder / "live").glob("*.csv")}
    (folder / "strict.jsonl").rename(folder / "live" / "run.jsonl")
    package.write_text(package.read_text().replace('"complete"', '"recording"'))
    (step,) = recover(folder / "live").steps
    assert step.outcome == "written anew"
    assert {p.name: p.read_bytes() for p in (folder / "live").glob("*.csv")} == whole


def test_the_settings_of_devices_have_their_numbers_again(tmp_path):
    key = {"dtype": "number", "shape": [], "source": "x"}
    readings = {"data": {"gain": math.inf}, "timestamps": {"gain": math.nan}}
    configuration = {"x": {**readings, "data_keys": {"gain": key}}}
    keys = {"data_keys": {"x": key}, "configuration": configuration}
    played: list[tuple[str, Any]] = [
        ("start", {"uid": "u", "time": 1.0}),
        ("descriptor", {"uid": "d", "run_start": "u", "time": 1.0, "name": "primary", **keys}),
        ("event_page", {"descriptor": "d", "uid": ["e"], "seq_num": [1], "time": [math.nan],
                        "data": {"x": [math.nan]}, "timestamps": {"x": [2.0]}, "filled": {}}),
        ("stop", {"uid": "s", "run_start": "u", "time": 3.0, "exit_status": "success"}),
    ]  # fmt: skip
    with JsonlWriter(tmp_path, file_name="strict", strict=True) as writer:
        for name, doc in played:
            writer(name, doc)
    export(tmp_path / "strict.jsonl", tmp_path, ["jsonl"], file_name="usual")
    found = read_documents(tmp_path / "usual.jsonl")
    for (_, doc), (_, told) in zip(found, played, strict=True):
        assert same_value(in_json(told), doc)
