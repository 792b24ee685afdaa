"""What is particular to JSON: strictness, one whole document at the end, and memory."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from bluescribe import JsonWriter
from bluescribe.files.json_text import dumps
from bluescribe.formats.json import variable
from tests.readers.json import read_document
from tests.spoolless import spoolless

START = {"uid": "1234567-json", "time": 1_700_000_000.0, "scan_id": 7}
STOP = {"uid": "stop", "run_start": START["uid"], "time": 1_700_000_009.0, "exit_status": "success"}


def descriptor(*names, stream="primary"):
    keys = {name: {"dtype": "number", "shape": [], "source": "test"} for name in names}
    return {"uid": "d", "run_start": START["uid"], "name": stream, "time": 0.0, "data_keys": keys}


def event(number, data):
    stamps = dict.fromkeys(data, 1_700_000_000.0)
    time = 1_700_000_000.0 + number
    return {
        "uid": f"e{number}",
        "descriptor": "d",
        "seq_num": number,
        "time": time,
        "data": data,
        "timestamps": stamps,
        "filled": {},
    }


def documents(*rows: dict[str, Any], stream: str = "primary") -> list[tuple[str, dict[str, Any]]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    events = [("event", event(number, row)) for number, row in enumerate(rows, 1)]
    return [("start", START), ("descriptor", descriptor(*names, stream=stream)), *events]


def write(folder: Path, *rows: dict[str, Any], stream: str = "primary") -> dict[str, Any]:
    with JsonWriter(folder, file_name="run") as writer:
        for document in [*documents(*rows, stream=stream), ("stop", STOP)]:
            writer(*document)
    assert not writer.status().failures
    return read_document(folder / "run.json")


def test_what_is_not_finite_is_null_and_named(tmp_path):
    values = (1.0, math.nan, math.inf, -math.inf)
    document = write(tmp_path, *({"det": value} for value in values))
    det = document["primary"]["data_vars"]["det"]
    assert det["data"] == [1.0, None, None, None]
    assert det["attrs"]["not_finite"] == [[1, "NaN"], [2, "Infinity"], [3, "-Infinity"]]
    found = xarray.Dataset.from_dict(document["primary"])["det"].values.astype(float)
    assert np.array_equal(found, [1.0, math.nan, math.nan, math.nan], equal_nan=True)


def test_an_image_has_the_shape_that_xarray_wants(tmp_path):
    image = np.array([[1.5, math.inf], [3.0, 4.0]])
    document = write(tmp_path, {"camera": image, "det": 1}, {"camera": image + 1, "det": 2})
    dataset = xarray.Dataset.from_dict(document["primary"])
    assert dataset["camera"].shape == (2, 2, 2)
    assert dataset["camera"].values[1, 1].tolist() == [4.0, 5.0]
    assert dataset["camera"].attrs["not_finite"] == [[0, 0, 1, "Infinity"], [1, 0, 1, "Infinity"]]
    assert dataset["det"].dtype == np.int64


def test_what_no_array_holds_is_json_text_and_xarray_still_reads_the_rest(tmp_path):
    rows = [{"mca": [1, 2], "det": 1.0}, {"mca": [1, 2, 3], "det": 2.0}]
    dataset = xarray.Dataset.from_dict(write(tmp_path, *rows)["primary"])
    assert [json.loads(text) for text in dataset["mca"].values] == [[1, 2], [1, 2, 3]]
    assert dataset["det"].values.tolist() == [1.0, 2.0]


def test_names_that_are_taken_have_another(tmp_path):
    document = write(tmp_path, {"time": 3.0, "dim_0": [1, 2]}, stream="metadata")
    (stream,) = document.keys() - {"metadata"}
    dataset = xarray.Dataset.from_dict(document[stream])
    assert dataset.attrs["stream"] == "metadata"
    assert dataset["time_field"].attrs["data_key"] == "time"
    assert dataset["time_field"].values.tolist() == [3.0]
    assert dataset["dim_0"].values.tolist() == [[1, 2]]


def test_there_is_no_document_before_it_is_whole(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with spoolless(JsonWriter(tmp_path, file_name="run", retry_seconds=0.2)) as writer:
        for document in documents({"det": 1.0}):
            writer(*document)
        writer.flush(timeout=60)
        assert [path.name for path in tmp_path.iterdir()] == ["run.json.spool"]
        writer("stop", STOP)
    (failure,) = writer.status().failures
    assert "No space left" in failure.cause
    assert [path.name for path in tmp_path.iterdir()] == ["run.json.spool"]


def test_the_name_of_another_run_is_left_alone(tmp_path):
    write(tmp_path, {"det": 1.0})
    before = (tmp_path / "run.json").read_bytes()
    write(tmp_path, {"det": 2.0})
    assert (tmp_path / "run.json").read_bytes() == before
    second = read_document(tmp_path / "run-2.json")
    assert second["primary"]["data_vars"]["det"]["data"] == [2.0]


@pytest.mark.ci
def test_memory_does_not_grow_with_the_run(tmp_path):
    size, pages = 1000, 100
    peaks = []
    with JsonWriter(tmp_path, file_name="run", drain_timeout=60) as writer:
        for document in documents({"det": 1.0}):
            writer(*document)
        tracemalloc.start()
        for page in range(pages):
            numbers = list(range(2 + page * size, 2 + (page + 1) * size))
            column = [number / 7 for number in numbers]
            columns = {"seq_num": numbers, "time": column, "uid": [str(n) for n in numbers]}
            fields = {"data": {"det": column}, "timestamps": {"det": column}, "filled": {}}
            writer("event_page", {"descriptor": "d", **columns, **fields})
            if page % 10 == 9:
                writer.flush(timeout=60)
            if page in (pages // 4 - 1, pages - 1):
                peaks.append(tracemalloc.get_traced_memory()[0])
        writer("stop", STOP)
        whole = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 500_000, peaks
    assert whole < 10e6, whole
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size > 5e6


COLUMNS = {
    "f": [0.1, 5e-324, -0.0, 1e30, math.nan],
    "i": [0, 1, -128, 127],
    "u": [0, 1, 2**8 - 1],
    "b": [True, False],
}


@pytest.mark.parametrize("dtype", ["?", "b", "u1", "u8", ">i4", "f4", "f8", ">f8"])
def test_a_column_in_an_array_has_the_words_of_its_values(dtype):
    column = np.array(COLUMNS[np.dtype(dtype).kind]).astype(dtype)
    for part in (column, column[:2]):
        assert variable._texts(part) == [dumps(value) for value in part]
