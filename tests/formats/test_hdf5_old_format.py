"""Finished files are ones that HDF5 1.8 reads; what is read while it grows is of HDF5 1.10."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run

from bluescribe import Hdf5Writer, NexusWriter
from bluescribe.files import Place
from bluescribe.hdf5.finished import compact, oldformat
from bluescribe.testing import SHAPES, documents
from tests import warm
from tests.extent import some
from tests.formats.test_nexus_compact import tree
from tests.readers.hdf5_format import messages, objects, too_new_for_1_8


def large_run(rows: int = 300, length: int = 2000) -> list[tuple[str, Any]]:
    """Return a run of spectra and numbers whose file has megabytes."""
    made = compose_run(metadata={"scan_id": 1})
    keys: Any = {
        "spectrum": {"dtype": "array", "shape": [length], "source": "x"},
        "number": {"dtype": "number", "shape": [], "source": "x"},
        "text": {"dtype": "string", "shape": [], "source": "x"},
    }
    stream = made.compose_descriptor(name="primary", data_keys=keys)
    docs: list[tuple[str, Any]] = [("start", made.start_doc), ("descriptor", stream.descriptor_doc)]
    for row in range(rows):
        data = {"spectrum": np.arange(length) * 1.5 + row, "number": row / 7, "text": f"row {row}"}
        docs.append(("event", stream.compose_event(data=data, timestamps=dict.fromkeys(keys, 1.0))))
    return [*docs, ("stop", made.compose_stop())]


def write(docs: list[tuple[str, Any]], writer: Any) -> Path:
    """Write a run whose file is there, and grows, before the run is over."""
    with writer:
        for name, doc in docs:
            writer(name, doc)
            if name == "start":
                assert writer.flush()
    assert not writer.status().failures
    return writer.status().last_file


def test_the_test_knows_a_file_of_1_10(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "new.h5", "w", libver=("v110", "v110")) as file:
        file.create_dataset("grows", (5,), "f4", maxshape=(None,), chunks=(2,))
    found = set(too_new_for_1_8(tmp_path / "new.h5"))
    assert found == {"superblock 3", "grows: data layout 4"}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.create_dataset("grows", (5,), "f4", maxshape=(None,), chunks=(2,))
        file.attrs["many"] = ["texts"] * 9
    assert not list(too_new_for_1_8(tmp_path / "old.h5"))


@pytest.mark.parametrize("name", some(SHAPES))
def test_every_shape_of_run_is_read_by_1_8(tmp_path: Path, name: str) -> None:
    docs = documents(name, tmp_path)
    with NexusWriter(tmp_path / "data", warn_missing=False) as writer:
        for kind, doc in docs:
            writer(kind, doc)
    for path in (tmp_path / "data").glob("*.hdf"):
        assert not list(too_new_for_1_8(path))


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", [NexusWriter, Hdf5Writer])
def test_a_large_file_too(tmp_path: Path, kind: Any, compression: str) -> None:
    path = write(large_run(), kind(tmp_path, compression=compression))
    assert path.stat().st_size > 1 << 20 or compression == "gzip"
    assert not list(too_new_for_1_8(path))
    streams = "/entry/instrument/bluesky/streams" if kind is NexusWriter else "/streams"
    with h5py.File(path) as file:
        primary = file[f"{streams}/primary"]
        spectra = primary["spectrum/value" if kind is NexusWriter else "spectrum"]
        numbers = primary["number/value" if kind is NexusWriter else "number"]
        assert numbers[()].tolist() == [row / 7 for row in range(300)]
        assert (spectra[()] == np.arange(2000) * 1.5 + np.arange(300)[:, None]).all()
        assert spectra.maxshape[0] is None or compression == "none"
    with h5py.File(path, "r", swmr=True) as file:  # as who followed the run opens it
        assert len(file[streams]["primary/seq_num"]) == 300
    with h5py.File(path, "r+") as file:
        file["added"] = 1


def wide_run(fields: int) -> Any:
    made = compose_run(metadata={"scan_id": 1})
    keys: Any = {f"m{n}": {"dtype": "number", "shape": [], "source": "x"} for n in range(fields)}
    stream = made.compose_descriptor(name="primary", data_keys=keys)
    event = stream.compose_event(data=dict.fromkeys(keys, 1.5), timestamps=dict.fromkeys(keys, 1.0))
    docs = [("start", made.start_doc), ("descriptor", stream.descriptor_doc)]
    return [*docs, ("event", event), ("stop", made.compose_stop())]


def test_thousands_of_short_columns_stay_as_they_are(tmp_path: Path) -> None:
    """Indices as HDF5 1.8 has them would double the file."""
    path = write(wide_run(1_100), NexusWriter(tmp_path))
    assert path.stat().st_size > 1 << 22
    assert path.read_bytes()[8] == 3


@pytest.mark.parametrize("is_read_meanwhile", [True, False])
@pytest.mark.parametrize("kind", [NexusWriter, Hdf5Writer])
def test_hundreds_of_short_columns_take_no_index(
    tmp_path: Path, kind: Any, is_read_meanwhile: bool
) -> None:
    """An index takes 2 kB, and a run may have hundreds of signals in its baseline."""
    fields = 400
    with kind(tmp_path) as writer:
        for name, doc in wide_run(fields):
            writer(name, doc)
            if is_read_meanwhile and name != "stop":
                assert writer.flush()
    path = writer.status().last_file
    assert path.stat().st_size < fields * 2_500
    assert not list(too_new_for_1_8(path))
    with h5py.File(path) as file:
        found: list[Any] = []
        file.visititems(lambda _, item: found.append(item))
        values = [item[()].tolist() for item in found if isinstance(item, h5py.Dataset)]
    assert len(values) > 2 * fields
    assert values.count([1.5]) == fields


def test_a_file_that_is_being_written_is_of_1_10(tmp_path: Path) -> None:
    docs = large_run(rows=3)
    with NexusWriter(tmp_path) as writer:
        for name, doc in docs[:-1]:
            writer(name, doc)
        assert writer.flush()
        (path,) = tmp_path.glob("*.hdf")
        assert path.read_bytes()[8] == 3
        writer(*docs[-1])
    assert path.read_bytes()[8] == 2


def test_without_the_functions_a_file_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oldformat, "_functions", lambda: None)
    path = write(large_run(), NexusWriter(tmp_path))
    with h5py.File(path) as file:
        assert len(file["/entry/data/number"]) == 300
    assert "superblock 3" in set(too_new_for_1_8(path))


def test_without_room_a_file_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compact, "allocate", refuse)
    path = write(large_run(), NexusWriter(tmp_path))
    assert "No space left" in caplog.text
    assert list(tmp_path.glob("*")) == [path]
    with h5py.File(path) as file:
        assert len(file["/entry/data/number"]) == 300


def test_a_finished_file_is_never_changed_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 writes the indices last that it has led datasets to: a kill before that loses them.

    The file as it was when it was closed has another name here, and so stays.
    """
    closed = tmp_path / "closed.hdf"
    contents: list[bytes] = []

    def watched(place: Place, libver: tuple[str, str]) -> bool:
        os.link(place, closed)
        contents.append(closed.read_bytes())
        return compact.compact(place, libver)

    monkeypatch.setattr("bluescribe.hdf5.file.compact", watched)
    path = write(large_run(), NexusWriter(tmp_path))
    assert path.stat().st_size > 1 << 20
    assert [closed.read_bytes()] == contents
    assert (closed.read_bytes()[8], path.read_bytes()[8]) == (3, 2)
    assert tree(path) == tree(closed)


def test_a_larger_file_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "_MAX_FILE_BYTES", 1 << 22)
    path = write(large_run(), NexusWriter(tmp_path))
    assert path.stat().st_size > 1 << 22
    assert path.read_bytes()[8] == 3
    with h5py.File(path) as file:
        assert len(file["/entry/data/number"]) == 300


FOLLOWING = """
import sys, time, h5py, numpy as np
path, good, bad, seen, row = sys.argv[1], 0, 0, 0, np.arange(2000) * 1.5

def opened():
    file = h5py.File(path, "r", swmr=True, locking=False)
    return file["/entry/instrument/bluesky/streams/primary/spectrum/value"]

dataset, left = opened(), 400
print("open", flush=True)
end = time.monotonic() + 60
while left and time.monotonic() < end:
    try:
        dataset.id.refresh()
        rows = len(dataset)
        number = rows - 1 if rows < 600 else left
        right = (dataset[number] == row + number).all() if rows else True
        good, bad = good + bool(right), bad + (not right)
        if rows == seen < 600:
            dataset = opened()  # the file was changed otherwise than that it grew
        seen = rows
        left -= rows == 600
    except (OSError, RuntimeError):
        dataset = opened()
print(good, bad, seen)
"""


def test_who_follows_the_run_reads_nothing_wrong_at_its_end(tmp_path: Path) -> None:
    docs = large_run(rows=600)
    with NexusWriter(tmp_path) as writer:
        for name, doc in docs[:5]:
            writer(name, doc)
        assert writer.flush()
        (path,) = tmp_path.glob("*.hdf")
        command = [sys.executable, "-c", textwrap.dedent(FOLLOWING), str(path)]
        with warm.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "open\n"
            for name, doc in docs[5:]:
                writer(name, doc)
            writer.close()
            good, bad, seen = map(int, reader.stdout.read().split())
    assert seen == 600
    assert good > 300
    assert bad == 0


def test_the_messages_of_a_header_are_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "some.h5", "w", libver=("v108", "v110")) as file:
        data = file.create_dataset("x", (3,), "f8", maxshape=(None,), chunks=(2,))
        for number in range(6):
            data.attrs[f"a{number}"] = number
    content = (tmp_path / "some.h5").read_bytes()
    kinds = [kind for kind, _ in messages(content, objects(tmp_path / "some.h5")["x"])]
    assert kinds.count(0x0C) == 6
    assert {0x01, 0x03, 0x05, 0x08} <= set(kinds)
