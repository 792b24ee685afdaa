"""What programs look for in a NeXus file beside its default plot: marks, names, kinds of text."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.plans import count, grid_scan, scan
from ophyd.sim import SynSignal, det, motor, motor1, motor2, noisy_det

from bluescribe import NexusWriter
from bluescribe.testing import documents
from tests.readers.nexus import text

PRIMARY = "/entry/instrument/bluesky/streams/primary"


def write(docs: list[tuple[str, Any]], folder: Path, **settings: Any) -> Any:
    with NexusWriter(folder, **settings) as writer:
        for name, doc in docs:
            writer(name, doc)
    assert not writer.status().failures
    return writer.status().last_file


def shape(name: str, folder: Path, **settings: Any) -> Any:
    return write(documents(name, folder), folder / "data", **settings)


def measured(folder: Path, plan: Any) -> tuple[Any, dict[str, list[Any]]]:
    """Run a plan; return its file and the readings."""
    engine = RunEngine({})
    readings: dict[str, list[Any]] = {}

    def keep(name: str, doc: dict[str, Any]) -> None:
        for field in doc["data_keys"] if name == "descriptor" else ():
            readings.setdefault(field, [])
        for field, value in doc["data"].items() if name == "event" else ():
            readings.setdefault(field, []).append(value)

    with NexusWriter(folder) as writer:
        engine.subscribe(writer.receiver)
        engine.subscribe(keep)
        engine(plan)
    return writer.status().last_file, readings


def as_read(names: list[str], readings: dict[str, Any]) -> list[str]:
    """Return names with what are no axes as descriptors have them: bluesky 1.14.0 has no order."""
    axes = ("motor", "motor1", "motor2")
    others = iter([field for field in readings if field not in axes])
    return [next(others) if name in readings and name not in axes else name for name in names]


def datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            item = group[name]
            yield from datasets(item) if isinstance(item, h5py.Group) else [item]


# --- numbers, spectra, images ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("mca", "mca", "spectrum"),
        ("mca", "det", "scalar"),
        ("images", "image", "image"),
        ("volumes", "volume", "image"),
        ("one_element_arrays", None, "scalar"),
        ("ragged", None, "spectrum"),
        ("bools", None, "scalar"),
        ("strings", "text", None),
        ("structures", None, None),
    ],
)
def test_a_column_says_what_its_rows_are(
    tmp_path: Path, name: str, field: str | None, expected: str | None
) -> None:
    with h5py.File(shape(name, tmp_path)) as file:
        groups = [g for g in file[PRIMARY].values() if isinstance(g, h5py.Group)]
        chosen = [file[PRIMARY][field]] if field else groups
        told = {text(g["value"].attrs.get("interpretation", "")) for g in chosen}
        assert (expected or "") in told
        assert field is None or len(told) == 1
        for group in groups:
            assert text(group["EPOCH"].attrs["interpretation"]) == "scalar"
            assert text(group["time"].attrs["interpretation"]) == "scalar"


def test_a_column_that_became_json_says_nothing(tmp_path: Path) -> None:
    with h5py.File(shape("scalar_turning_array", tmp_path)) as file:
        values = [g["value"] for g in file[PRIMARY].values() if isinstance(g, h5py.Group)]
        turned = [value for value in values if "encoding" in value.attrs]
        assert turned
        assert not any("interpretation" in value.attrs for value in turned)


# --- /entry/measurement ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "names"),
    [
        (
            lambda: scan([noisy_det, det], motor, -1, 1, 5),
            ["motor", "noisy_det", "det", "motor_setpoint", "time", "EPOCH"],
        ),
        (lambda: count([det], 3), ["time", "EPOCH", "det"]),
        (
            lambda: grid_scan([det], motor1, 0, 1, 3, motor2, 0, 1, 4, snake_axes=True),
            ["motor1", "motor2", "det", "motor1_setpoint", "motor2_setpoint", "time", "EPOCH"],
        ),
    ],
)
def test_measurement_has_the_numbers_in_the_order_of_events(
    tmp_path: Path, plan: Any, names: list[str]
) -> None:
    path, readings = measured(tmp_path, plan())
    with h5py.File(path) as file:
        group = file["/entry/measurement"]
        assert text(group.attrs["NX_class"]) == "NXcollection"
        assert list(group) == as_read(names, readings), "the axis first"
        assert {column.shape for column in group.values()} == {(len(readings["det"]),)}
        for field, values in readings.items():
            assert group[field][()].tolist() == values
            assert group[field] == file[PRIMARY][field]["value"], "nothing is stored twice"


def test_measurement_has_no_arrays_and_no_text(tmp_path: Path) -> None:
    with h5py.File(shape("mca", tmp_path)) as file:
        assert "mca" not in file["/entry/measurement"]
    with h5py.File(shape("strings", tmp_path)) as file:
        assert "text" not in file.get("/entry/measurement", {})
    with h5py.File(shape("bools", tmp_path)) as file:
        kinds = {column.dtype.kind for column in file["/entry/measurement"].values()}
    assert "b" in kinds


def test_measurement_has_an_array_of_one_number_as_that_number(tmp_path: Path) -> None:
    """PyMca's table of counters does not list the detector otherwise."""
    single = SynSignal(func=lambda: [2 * motor.position + 1], name="single")
    path, readings = measured(tmp_path, scan([single], motor, -1, 1, 5))
    with h5py.File(path) as file:
        group = file["/entry/measurement"]
        names = ["motor", "single", "motor_setpoint", "time", "EPOCH"]
        assert list(group) == as_read(names, readings)
        assert group["single"].shape == (5,)
        assert group["single"][()].tolist() == [row[0] for row in readings["single"]]
        assert file[PRIMARY]["single/value"].shape == (5, 1), "the stream has what was measured"


def test_measurement_is_there_while_the_run_goes_on(tmp_path: Path) -> None:
    docs = documents("scan", tmp_path)
    with NexusWriter(tmp_path / "data") as writer:
        for name, doc in docs[:-2]:
            writer(name, doc)
        assert writer.flush()
        (path,) = (tmp_path / "data").glob("*.hdf")
        with h5py.File(path, "r", swmr=True, locking=False) as file:
            rows = len(file["/entry/measurement/det"])
        writer(*docs[-2])
        writer(*docs[-1])
    assert rows == sum(name == "event" for name, _ in docs) - 1


@pytest.mark.filterwarnings("ignore")  # larch's own
def test_larch_opens_it(tmp_path: Path) -> None:
    reader = pytest.importorskip("larch.io.specfile_reader")
    path, readings = measured(tmp_path, scan([det], motor, -1, 1, 5))
    source = reader.DataSourceSpecH5(str(path))
    found = source.get_scan("entry")
    source.close()
    assert found.axis == "motor"
    assert found.det.tolist() == readings["det"]
    assert found.data[0].tolist() == readings["motor"]


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["monitors", "scan", "baseline", "fly_pages"])
def test_times_say_from_when_they_count(tmp_path: Path, name: str) -> None:
    docs = documents(name, tmp_path)
    streams = {doc["uid"]: doc["name"] for kind, doc in docs if kind == "descriptor"}
    measured = {streams[d["descriptor"]]: d["time"] for kind, d in docs if kind == "event"}
    with h5py.File(write(docs, tmp_path / "data")) as file:
        began = text(file["/entry/start_time"][()])
        named = [d for d in datasets(file["/entry"]) if d.name.endswith(("/time", "/EPOCH"))]
        columns = [d for d in named if d.ndim]  # metadata has a time too
        assert any(column.parent.attrs["NX_class"] == "NXlog" for column in columns) == (
            name == "monitors"
        )
        for column in columns:
            start = datetime.fromisoformat(text(column.attrs["start"]))
            assert start.utcoffset() is not None
            if column.name.endswith("/time"):
                assert text(column.attrs["start"]) == began
        for stream, last in measured.items():
            for column in ("time", "EPOCH"):
                times = file[f"/entry/instrument/bluesky/streams/{stream}/{column}"]
                zero = datetime.fromisoformat(text(times.attrs["start"])).timestamp()
                assert zero + times[-1] == pytest.approx(last, abs=2e-6)


# --- labels ---------------------------------------------------------------------------------------


def test_a_label_has_the_unit(tmp_path: Path) -> None:
    docs = documents("scan", tmp_path)
    for name, doc in docs:
        if name == "descriptor":
            doc["data_keys"]["m1"]["units"] = "mm"
            doc["data_keys"]["det"].pop("units", None)
    with h5py.File(write(docs, tmp_path / "data")) as file:
        plot = file["/entry/data"]
        assert text(plot["m1"].attrs["long_name"]) == "m1 (mm)"
        assert text(plot["m1"].attrs["units"]) == "mm"
        assert text(plot["det"].attrs["long_name"]) == "det"


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scan", "strings", "baseline", "resource_tiff", "metadata_rich"])
def test_text_is_of_fixed_length_and_ascii_where_it_can_be(tmp_path: Path, name: str) -> None:
    found = 0
    with h5py.File(shape(name, tmp_path)) as file:
        for dataset in datasets(file["/entry"]):
            info = h5py.check_string_dtype(dataset.dtype)
            if info is not None:
                found += 1
                assert info.length is not None, dataset.name
                is_ascii = np.asarray(dataset[()]).tobytes().isascii()
                assert info.encoding == ("ascii" if is_ascii else "utf-8"), dataset.name
                dataset.asstr()[()]
    assert found > 10


def test_documents_are_ascii_and_as_they_came(tmp_path: Path) -> None:
    docs = documents("scan", tmp_path)
    start = docs[0][1]
    start["sample"] = "Fe\u2082O\u2083 5 \u00b5m \N{GRINNING FACE}"
    with h5py.File(write(docs, tmp_path / "data")) as file:
        stored = file["/entry/instrument/bluesky/documents/start"]
        assert h5py.check_string_dtype(stored.dtype).encoding == "ascii"
        assert json.loads(stored[()]) == json.loads(json.dumps(start))
        assert file["/entry/instrument/bluesky/metadata/sample"].asstr()[()] == start["sample"]


@pytest.mark.skipif(not shutil.which("octave-cli"), reason="Octave is not there")
@pytest.mark.parametrize("name", ["scan", "grid_scan", "mca", "monitors", "numbers_as_text"])
def test_octave_loads_all_of_it(tmp_path: Path, name: str) -> None:
    docs = documents(name, tmp_path)
    for _, doc in docs:
        if "data" in doc:
            doc["data"] = {k: ascii_only(v) for k, v in doc["data"].items()}
    path = write(docs, tmp_path / "data")
    script = (
        f"x = load('-hdf5', '{path}'); b = x.entry.instrument.bluesky;"
        "printf('%s|%s', x.entry.title, b.uid); assert(isfield(b, 'streams'));"
    )
    command = ["octave-cli", "--quiet", "--norc", "--eval", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "error while reading" not in done.stderr
    with h5py.File(path) as file:
        title, uid = file["/entry/title"].asstr()[()], file["/entry/entry_identifier"].asstr()[()]
    assert done.stdout == f"{title}|{uid}"


def ascii_only(value: Any) -> Any:
    return value.encode("ascii", "replace").decode() if isinstance(value, str) else value
