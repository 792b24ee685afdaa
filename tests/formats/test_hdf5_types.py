"""Complex numbers and structured values are numbers in HDF5, live and exported."""

from __future__ import annotations

from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from nexusformat.nexus import nxload
from silx.io.utils import open as silx_open

from bluescribe import export
from bluescribe.session.subscribe import make_writers
from bluescribe.testing.shapes.devices import Scripted
from bluescribe.testing.shapes.engine import recording
from tests.readers.trees import read_tree

POINT = np.dtype([("x", "<f8"), ("counts", "<u2")])
FRAME = np.dtype([("id", "<i4"), ("at", POINT), ("roi", "<f4", (2,))])
POINTS = np.array([(0.5, 1), (1.5, 65535)], POINT)
FRAMES = np.array([(1, (0.5, 2), (1, 2)), (2, (np.nan, 3), (0.1, 4))], FRAME)

FIELDS = [["x", "<f8"], ["counts", "<u2"]]
"""Of `POINT`, as a descriptor has them."""

COLUMNS: dict[str, tuple[list[Any], Any]] = {
    "impedance": ([1 + 2j, complex(0, -0.5)], "<c16"),
    "single": ([np.complex64(0.1 + 1j), np.complex64(2)], "<c8"),
    "spectrum": ([[1j, 2.5 + 0j], [0.5j, 3 + 1j]], "<c16"),
    "array": ([np.array([[1j, 2]]), np.array([[3j, 4]])], "<c16"),
    "point": (list(POINTS), FIELDS),
    "points": ([POINTS, POINTS[::-1]], FIELDS),
    "as told": ([(0.5, 1), (1.5, 65535)], FIELDS),
}
"""Values of two events, and their type."""

WHERE = {
    "nexus": "entry/instrument/bluesky/streams/primary/{}/value",
    "hdf5": "streams/primary/{}",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Record a run as NeXus, raw HDF5 and a journal, and export the journal."""
    folder = tmp_path_factory.mktemp("types")
    devices = [
        Scripted(name, values, dtype="array", dtype_numpy=told)
        for name, (values, told) in COLUMNS.items()
    ]
    blocks = {
        f"{name.upper()}_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(folder / "live")}
        for name in ("nexus", "hdf5", "jsonl")
    }
    with recording() as (engine, _), make_writers(blocks) as writers:
        engine.subscribe(writers.receiver)
        engine(bp.count(devices, num=2))
        assert not any(status.failures for status in writers.status().values())
    export(folder / "live", folder / "exported", ["nexus", "hdf5"])
    return folder


def path_of(files, way, name):
    (path,) = (files / way).rglob("*.hdf" if name == "nexus" else "*.h5")
    return path


@pytest.mark.parametrize("way", ["live", "exported"])
@pytest.mark.parametrize("name", WHERE)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_has_the_type_and_the_values_that_were_measured(files, way, name, column):
    values, told = COLUMNS[column]
    dtype = POINT if told is FIELDS else told
    with h5py.File(path_of(files, way, name)) as file:
        found = file[WHERE[name].format(column)]
        assert "encoding" not in found.attrs
        assert found.dtype == np.dtype(dtype)
        expected = np.array(values, dtype)
        assert found.shape == expected.shape
        assert found[()].tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", WHERE)
def test_the_export_of_a_journal_is_the_same_tree(files, name):
    live, exported = (read_tree(path_of(files, way, name)) for way in ("live", "exported"))
    for key in live.keys() | exported.keys():
        if key[0] != "" or key[1:] != ("@",):  # attributes of the file tell when it was written
            assert repr(live.get(key)) == repr(exported.get(key)), key


def test_nexusformat_and_silx_read_them(files):
    path = path_of(files, "live", "nexus")
    with nxload(path) as root, silx_open(str(path)) as file:
        for column, (values, _) in COLUMNS.items():
            where = WHERE["nexus"].format(column)
            seen = np.asarray(root[where].nxvalue)
            assert seen.tobytes() == np.asarray(file[where][()]).tobytes()
            assert seen.tolist() == np.array(values, seen.dtype).tolist()


def counted(folder, columns):
    """Count with a device a column, and open the raw HDF5 file."""
    devices = [Scripted(name, values, dtype="array") for name, values in columns.items()]
    blocks = {"HDF5_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(folder)}}
    with recording() as (engine, _), make_writers(blocks) as writers:
        engine.subscribe(writers.receiver)
        engine(bp.count(devices, num=max(map(len, columns.values()))))
    (path,) = folder.glob("*.h5")
    return h5py.File(path)


def test_what_has_no_type_stays_json_text(tmp_path):
    named = np.array([("Fe", 1.5)], [("element", "U2"), ("energy", "f8")])
    columns = {
        "named": [named[0], named[0]],
        "mixed": [POINTS[0], 1.5],
        "several": [POINTS, POINTS[:1]],
    }
    with counted(tmp_path, columns) as file:
        texts = {name: file[f"streams/primary/{name}"].asstr()[()].tolist() for name in columns}
    assert texts["named"] == ['["Fe",1.5]'] * 2
    assert texts["mixed"] == ["[0.5,1]", "1.5"]
    assert texts["several"] == ["[[0.5,1],[1.5,65535]]", "[[0.5,1]]"]


def test_records_inside_of_records_need_no_declaration(tmp_path):
    with counted(tmp_path, {"frame": list(FRAMES), "frames": [FRAMES, FRAMES]}) as file:
        assert file["streams/primary/frame"].dtype == FRAME
        assert file["streams/primary/frame"][()].tobytes() == FRAMES.tobytes()
        assert file["streams/primary/frames"].shape == (2, 2)


def test_a_gap_among_records_is_told(tmp_path):
    with counted(tmp_path, {"point": [POINTS[0], None, POINTS[1]]}) as file:
        group = file["streams/primary"]
        assert group["point"][()].tolist() == [(0.5, 1), (0.0, 0), (1.5, 65535)]
        assert group["point_missing"][()].tolist() == [1]


def test_complex_numbers_after_others(tmp_path):
    columns = {"after": [0.5, 1j, 2], "before": [1j, 2, None], "text": ["1j", "2j", "x"]}
    with counted(tmp_path, columns) as file:
        group = file["streams/primary"]
        assert group["after"][()].tolist() == [0.5, 1j, 2]
        assert group["before"][:2].tolist() == [1j, 2]
        assert group["before_missing"][()].tolist() == [2]
        assert group["text"].asstr()[()].tolist() == ["1j", "2j", "x"]
