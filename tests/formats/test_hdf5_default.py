"""What viewers show when they open a raw HDF5 file; silx and nexusformat read it."""

from __future__ import annotations

from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from nexusformat.nexus import nxload
from ophyd.sim import SynSignal
from silx.io.nxdata.parse import get_default
from silx.io.utils import open as silx_open

import bluescribe
from bluescribe import Hdf5Writer
from bluescribe.formats.hdf5 import default
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from bluescribe.testing.shapes.devices import gauss, motor
from tests.extent import some
from tests.readers.hdf5 import read_file


@pytest.fixture(params=["live", "exported"])
def take(request, tmp_path):
    """Return what runs a plan and returns its file, and what was measured."""

    def run(plan):
        documents = []
        engine = RunEngine()
        engine.subscribe(lambda *pair: documents.append(pair))
        with Hdf5Writer(tmp_path, file_name="run") as writer:
            if request.param == "live":
                engine.subscribe(writer.receiver)
            engine(plan)
        if request.param == "exported":
            assert not bluescribe.export(documents, tmp_path, ["hdf5"], file_name="run").failures
        columns = [doc["data"] for name, doc in documents if name == "event"]
        path = tmp_path / "run.h5"
        return path, {name: [row[name] for row in columns] for name in columns[0]}

    return run


def device(value, name="det"):
    return SynSignal(func=lambda: value, name=name)


def test_a_scan_opens_on_its_detector_over_its_motor(take):
    m1 = motor()
    path, measured = take(bp.scan([device("open", "shutter"), gauss(m1)], m1, -1, 1, 5))
    with silx_open(str(path)) as root:
        plot: Any = get_default(root)
        assert plot.signal_dataset_name == "det"
        assert plot.signal[()].tolist() == measured["det"]
        assert plot.axes_dataset_names == ["m1"]
        assert plot.axes[0][()].tolist() == measured["m1"]
    with nxload(str(path)) as root:
        assert root.plottable_data.nxsignal.nxname == "det"


@pytest.mark.parametrize("value", [3, 0.5, np.arange(5), np.ones((3, 4))])
def test_a_count_opens_on_its_detector(value, take):
    path, measured = take(bp.count([device(value)], num=3))
    with silx_open(str(path)) as root:
        plot: Any = get_default(root)
        assert plot.axes_dataset_names == [None] * plot.signal.ndim
        assert np.array_equal(plot.signal, measured["det"])
        wanted = {2: "spectrum", 3: "image"}.get(plot.signal.ndim)
        assert plot.interpretation == wanted


@pytest.mark.parametrize("number", [1, 2])
def test_points_that_are_too_few_for_a_curve(number, take):
    m1 = motor()
    path, measured = take(bp.scan([gauss(m1)], m1, -1, 1, number))
    with silx_open(str(path)) as root:
        plot: Any = get_default(root)
        assert plot.signal[()].tolist() == measured["det"]
        assert plot.axes_dataset_names == [["m1"], [None]][number - 1]


def test_numbers_come_before_images(take):
    path, measured = take(bp.count([device(np.ones((3, 4)), "cam"), device(7, "det")], num=3))
    with silx_open(str(path)) as root:
        plot: Any = get_default(root)
        assert plot.signal[()].tolist() == measured["det"]


@pytest.mark.parametrize("value", ["text", True, ["a", "b"]])
def test_what_is_no_number_has_no_default(value, take):
    path, _ = take(bp.count([device(value)], num=2))
    with h5py.File(path) as file:
        assert "default" not in file.attrs


def is_shown(column, signal):
    """Tell whether a signal is a column: rows may be padded, and those without a value are NaN."""
    return len(column) == len(signal) and all(
        value is None or is_corner(np.asarray(value), row)
        for value, row in zip(column, signal, strict=True)
    )


def is_corner(value, row):
    if value.ndim != row.ndim or value.dtype.kind not in "iuf":
        return False
    return np.array_equal(value, row[tuple(map(slice, value.shape))], equal_nan=True)


@pytest.mark.parametrize("name", some(SHAPES))
def test_no_default_leads_nowhere(name, tmp_path, tmp_path_factory):
    with Hdf5Writer(tmp_path, drain_timeout=60) as writer:
        for document in played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"):
            writer(*document)
    for path in tmp_path.rglob("*.h5"):
        columns = [c for fields in read_file(path).events.values() for c in fields.values()]
        with silx_open(str(path)) as root:
            plot: Any = get_default(root)
            assert (plot is not None) == ("default" in root.attrs)
            if plot is None:
                continue
            assert plot.is_valid, plot.issues
            assert any(is_shown(column, plot.signal[()]) for column in columns)


def test_no_more_is_looked_at_than_is_shown(tmp_path, monkeypatch):
    """Each dataset that is open takes memory, and a run may have thousands."""
    looked_at, numbers = [], default._numbers

    def note(*given):
        for dataset in numbers(*given):
            looked_at.append(dataset.name)
            yield dataset

    monkeypatch.setattr(default, "_numbers", note)
    with Hdf5Writer(tmp_path) as writer:
        engine = RunEngine()
        engine.subscribe(writer.receiver)
        engine(bp.count([device(1.5, "det")] + [device(2.5, f"x{n}") for n in range(9)]))
    assert looked_at == ["/streams/primary/det"]
