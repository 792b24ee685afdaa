"""NeXus files, read by h5py, silx and nexusformat."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import silx.io
from event_model import compose_run
from silx.io import nxdata

from bluescribe import NexusWriter
from bluescribe.hdf5.columns.datasets import Datasets
from bluescribe.testing import documents
from tests import warm

STREAMS = "/entry/instrument/bluesky/streams"


def write(folder: Path, docs: list[tuple[str, Any]], **settings: Any) -> Path:
    """Write documents and return the file of the last run."""
    with NexusWriter(folder, **settings) as writer:
        for name, doc in docs:
            writer(name, doc)
        status = writer.status()
    assert not status.failures
    assert status.last_file is not None
    return status.last_file


def run_of(columns: dict[str, list[Any]], **metadata: Any) -> list[tuple[str, Any]]:
    """Return a run with one event a value of the columns."""
    run = compose_run(metadata={"scan_id": 1, "plan_name": "count", **metadata})
    keys = {name: {"dtype": "number", "shape": [], "source": "x"} for name in columns}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    docs: list[tuple[str, Any]] = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
    for row in range(len(next(iter(columns.values())))):
        data = {name: values[row] for name, values in columns.items()}
        stamps = dict.fromkeys(columns, 1.0)
        docs.append(("event", stream.compose_event(data=data, timestamps=stamps, validate=False)))
    return [*docs, ("stop", run.compose_stop())]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2, 3], "i8"),
        ([1, 2.5, 3], "f8"),
        ([True, False], "?"),
        ([2**63, 2**64 - 1], "u8"),
        ([0.5, None, 1.5], "f8"),
        ([1, None, 3], "f8"),
        ([np.float32(0.1)], "f4"),
    ],
)
def test_numbers_keep_their_type_and_value(tmp_path: Path, values: list[Any], dtype: str) -> None:
    with h5py.File(write(tmp_path, run_of({"x": values}))) as file:
        found = file[f"{STREAMS}/primary/x/value"]
        assert found.dtype == np.dtype(dtype)
        expected = [np.nan if value is None else value for value in values]
        assert np.array_equal(found[()], np.array(expected, dtype), equal_nan=dtype == "f8")


def test_a_row_without_a_value_is_told_from_one_that_is_nan(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, run_of({"x": [np.nan, None, 1.0]}))) as file:
        assert file[f"{STREAMS}/primary/x/value_missing"][()].tolist() == [1]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2**53 + 1, 0.5],
        [2**63, -1],
        [2**70],
        [1.5, "moving"],
        ["moving", 1.5],
        [True, None],
        [{"a": 1}, {"b": [1, 2]}],
        ["ends in NUL\0"],
        [[1, "a"], [2, "b"]],
    ],
)
def test_what_no_dtype_holds_is_kept_as_json_text(tmp_path: Path, values: list[Any]) -> None:
    with h5py.File(write(tmp_path, run_of({"x": values}))) as file:
        found = file[f"{STREAMS}/primary/x/value"]
        assert "JSON" in found.attrs["encoding"]
        assert [json.loads(text) for text in found.asstr()[()]] == values


def test_a_column_that_changes_while_it_is_live_keeps_every_row(tmp_path: Path) -> None:
    values: list[Any] = [1, 2, 2**53, 2**53 + 1, 2.5, "stuck", None, 3]
    texts = ["a", "b" * 10, "c" * 1000, "", "é" * 200, "x", "y", "z"]
    docs = run_of({"x": values, "text": texts})
    with NexusWriter(tmp_path) as writer:
        for name, doc in docs:
            writer(name, doc)
            writer.flush()  # SWMR begins, and has to end again at each change
        path = writer.status().last_file
        assert not writer.status().failures
    assert path is not None
    with h5py.File(path) as file:
        found = file[f"{STREAMS}/primary/x/value"].asstr()[()]
        assert [json.loads(text) for text in found] == values
        assert file[f"{STREAMS}/primary/text/value"].asstr()[()].tolist() == texts


def test_ragged_arrays_tell_their_shapes(tmp_path: Path) -> None:
    rows = [[1.0, 2.0], [3.0, 4.0, 5.0], [], [6.0]]
    with h5py.File(write(tmp_path, run_of({"x": rows}))) as file:
        group = file[f"{STREAMS}/primary/x"]
        shapes = group["value_shape"][()]
        padded = zip(group["value"], shapes, strict=True)
        found = [row[: shape[0]].tolist() for row, shape in padded]
        assert found == rows


def test_a_field_of_a_later_descriptor_has_no_value_before(tmp_path: Path) -> None:
    run = compose_run()
    docs: list[tuple[str, Any]] = [("start", run.start_doc)]
    key = {"dtype": "number", "shape": [], "source": "x"}
    for names in (("a",), ("a", "b")):
        stream = (
            run.compose_descriptor(
                name="primary", data_keys=dict.fromkeys(names, key), validate=False
            )
            if names == ("a",)
            else None
        )
        descriptor = (
            stream.descriptor_doc
            if stream
            else {**docs[1][1], "uid": "later", "data_keys": dict.fromkeys(names, key)}
        )
        docs.append(("descriptor", descriptor))
        for value in (1.5, 2.5):
            data = dict.fromkeys(names, value)
            event = {
                "uid": f"{names}{value}",
                "descriptor": descriptor["uid"],
                "seq_num": len(docs),
                "time": 0.0,
                "data": data,
                "timestamps": dict.fromkeys(names, 0.0),
                "filled": {},
            }
            docs.append(("event", event))
    docs.append(("stop", run.compose_stop()))
    with h5py.File(write(tmp_path, docs)) as file:
        group = file[f"{STREAMS}/primary"]
        assert group["a/value"][()].tolist() == [1.5, 2.5, 1.5, 2.5]
        assert np.isnan(group["b/value"][:2]).all()
        assert group["b/value"][2:].tolist() == [1.5, 2.5]
        assert group["b/value_missing"][()].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("shape", "signal", "axes"),
    [
        ("scan", (5,), ["m1"]),
        ("count", (5,), ["time"]),
        ("count_one_point", (1,), ["time"]),
        ("scan_two_motors", (5,), ["m1"]),
        ("grid_scan", (3, 4), ["m1_set", "m2_set"]),
        ("grid_scan_snaked", (3, 4), ["m1_set", "m2_set"]),
        ("grid_scan_three_axes", (2, 3, 4), ["m1_set", "m2_set", "m3_set"]),
        ("grid_scan_aborted", (6,), ["m2", "m1"]),
    ],
)
def test_the_default_plot(
    tmp_path: Path, shape: str, signal: tuple[int, ...], axes: list[str]
) -> None:
    path = write(tmp_path, documents(shape, tmp_path))
    with silx.io.open(str(path)) as file:  # type: ignore[attr-defined]  # silx re-exports
        plot: Any = nxdata.get_default(file)  # type: ignore[attr-defined]  # it too
        assert plot.is_valid
        assert plot.signal.shape[: len(signal)] == signal
        lengths = plot.signal.shape if len(signal) > 1 else plot.signal.shape * len(axes)
        assert [axis.shape for axis in plot.axes] == [(n,) for n in lengths]
    with h5py.File(path) as file:
        assert list(file["/entry/data"].attrs["axes"]) == axes


def test_a_snaked_grid_shows_each_value_at_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, documents("grid_scan_snaked", tmp_path))
    with h5py.File(path) as file:
        plot, rows = file["/entry/data"], file[f"{STREAMS}/primary"]
        signal = plot.attrs["signal"]
        measured = {
            (round(a, 6), round(b, 6)): value
            for a, b, value in zip(
                rows["m1/value"], rows["m2/value"], rows[f"{signal}/value"], strict=True
            )
        }
        for i, a in enumerate(plot["m1_set"][()]):
            for j, b in enumerate(plot["m2_set"][()]):
                assert plot[signal][i, j] == measured[round(a, 6), round(b, 6)]


def test_images_are_linked_relatively_and_survive_a_move(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    docs = documents("resource_hdf5", here)
    path = write(here / "data", docs)
    there = tmp_path / "there"
    shutil.move(here, there)
    with h5py.File(there / "data" / path.name) as file:
        group = next(g for g in file[f"{STREAMS}/primary"].values() if "datum_id" in g)
        link = group.get("value", getlink=True)
        assert isinstance(link, h5py.ExternalLink)
        assert not Path(link.filename).is_absolute()
        assert group["value"].ndim == 3
        assert len(group["datum_id"]) == len(file[f"{STREAMS}/primary/seq_num"])


def test_each_of_several_files_of_one_field_has_its_link(tmp_path: Path) -> None:
    path = write(tmp_path, documents("resource_rollover", tmp_path))
    with h5py.File(path) as file:
        group = next(g for g in file[f"{STREAMS}/primary"].values() if "datum_id" in g)
        assert group["value_1"].file.filename != group["value_2"].file.filename


def test_a_missing_image_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, documents("resource_missing_file", tmp_path))
    assert [r for r in caplog.records if "not there" in r.getMessage()]


def test_baseline_readings_before_and_after(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, documents("baseline", tmp_path))) as file:
        for group in file[f"{STREAMS}/baseline"].values():
            if isinstance(group, h5py.Group) and group["value"].ndim:
                assert group["value_start"][()] == group["value"][0]
                assert group["value_end"][()] == group["value"][-1]


def test_paths_that_readers_of_apstools_files_use(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, documents("scan", tmp_path))) as file:
        for path in (
            "/entry/title",
            "/entry/start_time",
            "/entry/end_time",
            "/entry/duration",
            "/entry/program_name",
            "/entry/plan_name",
            "/entry/entry_identifier",
            "/entry/data/EPOCH",
            "/entry/instrument/bluesky/uid",
            "/entry/instrument/bluesky/plan_name",
            "/entry/instrument/bluesky/metadata/plan_args",
            f"{STREAMS}/primary/m1/value",
            f"{STREAMS}/primary/m1/EPOCH",
            f"{STREAMS}/primary/m1/time",
        ):
            assert path in file, path
        assert file["/entry/instrument/bluesky/metadata/plan_args"].attrs["text_format"] == "yaml"


def test_without_live_any_old_reader_opens_it(tmp_path: Path) -> None:
    path = write(tmp_path, documents("scan", tmp_path), live=False)
    with path.open("rb") as raw:
        assert raw.read(9)[8] == 0, "superblock of version 0, as HDF5 1.6 reads it"


def test_a_disk_that_refuses_for_a_while_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([False, True, False, False, True, True] + [False] * 1000)
    write_block = Datasets.write

    def refuse_sometimes(self: Datasets, *args: Any) -> None:
        if next(refusals):
            raise OSError(errno.ENOSPC, "No space left on device")
        write_block(self, *args)

    monkeypatch.setattr(Datasets, "write", refuse_sometimes)
    docs = documents("scan", tmp_path)
    with h5py.File(write(tmp_path, docs)) as file:
        expected = [doc["data"]["m1"] for name, doc in docs if name == "event"]
        assert file[f"{STREAMS}/primary/m1/value"][()].tolist() == expected


KILLED = """
import sys, time
from event_model import compose_run
from bluescribe import NexusWriter
writer = NexusWriter(sys.argv[1])
run = compose_run()
key = {"dtype": "number", "shape": [], "source": "x"}
stream = run.compose_descriptor(name="primary", data_keys={"x": key, "text": key})
writer("start", run.start_doc)
writer("descriptor", stream.descriptor_doc)
for number in range(100_000):
    data = {"x": number, "text": f"row {number}"}
    event = stream.compose_event(data=data, timestamps={"x": 0, "text": 0}, validate=False)
    writer("event", event)
    if number % 500 == 499:
        writer.flush()
        print(number, flush=True)
"""


def test_after_kill_9_what_was_flushed_is_there_and_right(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    with warm.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        flushed = [int(process.stdout.readline()) for _ in range(8)][-1]
        process.send_signal(signal.SIGKILL)
    (path,) = tmp_path.glob("*.hdf")
    with h5py.File(path, "r", swmr=True) as file:
        numbers = file[f"{STREAMS}/primary/x/value"][()]
        texts = file[f"{STREAMS}/primary/text/value"].asstr()[()]
    assert len(numbers) > flushed
    assert np.array_equal(numbers, np.arange(len(numbers)))
    assert texts.tolist() == [f"row {number}" for number in range(len(texts))]
