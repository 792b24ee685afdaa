"""A run of which all is here when its file is begun: written once, and the same as any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run

import bluescribe
from bluescribe.hdf5.file import LiveFile
from bluescribe.testing import SHAPES, documents
from tests.readers.hdf5_format import too_new_for_1_8

Documents = list[tuple[str, Any]]
PLACES = {
    "nexus": "/entry/instrument/bluesky/streams/primary/{}/value",
    "hdf5": "/streams/primary/{}",
}


def run_of(values: dict[str, list[Any]], pieces: list[int], told: Any = None) -> Documents:
    """Return a run whose rows come as pages of so many rows."""
    made = compose_run(time=1.7e9, metadata={"scan_id": 1})
    keys: Any = {k: {"dtype": "string", "shape": [], "source": "x"} for k in values}
    stream = made.compose_descriptor(name="primary", data_keys=keys)
    docs: Documents = [("start", made.start_doc), ("descriptor", stream.descriptor_doc)]
    begin = 0
    for rows in pieces:
        part = {key: column[begin : begin + rows] for key, column in values.items()}
        page = stream.compose_event_page(
            seq_num=list(range(begin + 1, begin + rows + 1)),
            time=[1.7e9 + row for row in range(begin, begin + rows)],
            data=part,
            timestamps={key: [1.7e9] * rows for key in values},
            validate=False,
        )
        docs.append(("event_page", page))
        begin += rows
    stop = dict(made.compose_stop(time=1.7e9 + 9))
    stop["num_events"] = stop["num_events"] if told is None else told
    return [*docs, ("stop", stop)]


def exported(docs: Documents, folder: Path, **options: Any) -> Iterator[tuple[str, h5py.File]]:
    done = bluescribe.export(docs, folder, list(PLACES), **options)
    assert not done.failures
    for name, (path,) in done.runs[0].files.items():
        with h5py.File(path) as file:
            yield name, file


def values_in(file: h5py.File, name: str, field: str) -> list[Any]:
    dataset = file[PLACES[name].format(field)]
    texts = dataset.dtype.kind == "S"
    return (dataset.asstr()[()] if texts else dataset[()]).tolist()


def test_it_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> bool:
        raise AssertionError("written anew")

    monkeypatch.setattr("bluescribe.hdf5.file.compact", refuse)
    monkeypatch.setattr(LiveFile, "put_down", refuse)
    docs = documents("count", tmp_path)
    done = bluescribe.export(docs, tmp_path / "data", ["nexus", "hdf5"])
    assert not done.failures
    assert len(done.files) == 2
    for path in done.files:
        assert not list(too_new_for_1_8(path))
        with h5py.File(path) as file:
            assert file.id.get_filesize() == path.stat().st_size


@pytest.mark.parametrize(
    "told", [None, {"primary": 4}, {"primary": 99}, {"primary": 10**15}, {}, 7]
)
def test_rows_that_come_in_pieces(tmp_path: Path, told: Any) -> None:
    """Whatever the stop document says of their number, those that came are in the file."""
    values: dict[str, list[Any]] = {
        "number": [float(row) for row in range(9)],
        "ascii": ["a" * row for row in range(9)],
        "late": ["a"] * 8 + ["µ"],
        "mixed": [1, 2, 3, 4.5, 5, 6, "seven", 8, 9],
    }
    docs = run_of(values, [1, 2, 3, 2, 1], told)
    for name, file in exported(docs, tmp_path):
        assert values_in(file, name, "number") == values["number"]
        assert values_in(file, name, "ascii") == values["ascii"]
        assert values_in(file, name, "late") == values["late"]
        assert [json.loads(x) for x in values_in(file, name, "mixed")] == values["mixed"]
        for field, encoding in (("ascii", "ascii"), ("late", "utf-8")):  # Octave reads ASCII only
            told_type = file[PLACES[name].format(field)].dtype
            assert h5py.check_string_dtype(told_type).encoding == encoding
        if name == "nexus":
            primary = file["/entry/instrument/bluesky/streams/primary"]
            assert primary["time"].shape == (9,)
            assert primary["number/time"] == primary["time"]


def test_a_large_one_goes_on_on_the_disk(tmp_path: Path) -> None:
    arrays = [np.full(20_000, row, float) for row in range(20)]
    values: dict[str, list[Any]] = {"number": list(range(20)), "array": arrays}
    docs = run_of(values, [5, 5, 5, 5])
    for name, file in exported(docs, tmp_path):
        assert values_in(file, name, "number") == list(range(20))
        assert (file[PLACES[name].format("array")][()] == np.array(arrays)).all()


@pytest.mark.ci
def test_one_of_many_fields_goes_on_on_the_disk_before_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take more room than their values do, and a copy of them in memory more."""
    put_down, tables = LiveFile.put_down, []

    def note(file: LiveFile) -> None:
        if file.is_held:
            tables.append(sum(isinstance(item, h5py.Dataset) for item in _items(file.h5)))
        put_down(file)

    monkeypatch.setattr(LiveFile, "put_down", note)
    values: dict[str, list[Any]] = {f"field_{number}": [number] for number in range(500)}
    for name, file in exported(run_of(values, [1]), tmp_path):
        assert values_in(file, name, "field_499") == [499]
    assert len(tables) == len(PLACES)
    assert max(tables) < 50


def _items(file: h5py.File) -> list[Any]:
    found: list[Any] = []
    file.visititems(lambda _, item: found.append(item))
    return found


@pytest.mark.parametrize("where", ["first", "last"])
def test_the_disk_refuses_it_for_a_while(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, refused = LiveFile._write, [OSError(28, "No space left on device")]

    def written(self: LiveFile, image: bytes) -> None:
        if where == "last":
            write(self, image[: len(image) // 2])
        if refused:
            raise refused.pop()
        write(self, image)

    monkeypatch.setattr(LiveFile, "_write", written)
    for name, file in exported(run_of({"a": ["x"]}, [1]), tmp_path, retry_seconds=5.0):
        assert values_in(file, name, "a") == ["x"]


@pytest.mark.parametrize("pieces", [[9], [1, 2, 3, 2, 1]])
def test_a_file_whose_columns_changed_can_be_refused_again_and_again(
    pieces: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done to columns that grow, before they are written, is not done twice."""
    values: dict[str, list[Any]] = {
        "mixed": [1, 2, 3, 4.5, 5, 6, "seven", 8, 9],
        "records": [{"a": row} for row in range(9)],
        "late": [None] * 4 + [0.5] * 5,
        "text": ["a"] * 8 + ["µ"],
    }
    write, refused = LiveFile._write, [OSError(28, "No space left on device") for _ in range(6)]

    def written(self: LiveFile, image: bytes) -> None:
        if refused:
            write(self, image[: len(image) // 2])
            raise refused.pop()
        write(self, image)

    monkeypatch.setattr(LiveFile, "_write", written)
    for name, file in exported(run_of(values, pieces), tmp_path, retry_seconds=10.0):
        for field in ("mixed", "records"):
            assert [json.loads(x) for x in values_in(file, name, field)] == values[field]
        assert values_in(file, name, "late")[4:] == values["late"][4:]
        assert values_in(file, name, "text") == values["text"]
    assert not refused


@pytest.mark.parametrize("name", sorted(SHAPES)[::12])
@pytest.mark.parametrize("live", [True, False])
def test_it_needs_no_reader(name: str, live: bool, tmp_path: Path) -> None:
    """`LIVE` tells how a file grows; one that does not is the same."""
    done = bluescribe.export(documents(name, tmp_path), tmp_path / "data", ["nexus"], live=live)
    for path in done.files:
        assert not list(too_new_for_1_8(path)) or "fly" in name
