"""Tomography runs without angles, whites or darks: nobody may invent what was not measured."""

from __future__ import annotations

import itertools
import json
import warnings

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.preprocessors import run_decorator
from ophyd.sim import SynAxis, SynSignal

import bluescribe
from bluescribe import DxWriter, JsonlWriter
from tests.formats.images import area_detector_file, frames, hdf5_stream, run_of_streams
from tests.formats.test_json import STOP, documents
from tests.formats.tomography import measure

NONE = {"/exchange/theta", "/exchange/data_white", "/exchange/data_dark"}


def camera():
    return SynSignal(func=lambda: np.ones((3, 4), np.uint16), name="camera")


def angles_as_dxchange_takes_them(file):
    """Return them as ``read_aps_32id`` does: what it does not find it makes up."""
    rotation = file.get("/process/acquisition/rotation")
    if "theta" in file["exchange"]:
        theta = file["exchange/theta"][()]
    elif rotation is not None:
        steps = np.arange(rotation["num_angles"][0])
        theta = rotation["rotation_start"][0] + rotation["rotation_step"][0] * steps
    else:
        theta = np.linspace(0, 180, len(file["exchange/data"]))
    return np.deg2rad(theta)


def missing(file):
    return json.loads(file["process/acquisition/missing"][()])


def told(caplog):
    return [r.getMessage() for r in caplog.records if "cannot be reconstructed" in r.getMessage()]


def check_none(path, projections):
    """Fail unless angles, whites and darks of a file are all missing, and nothing else is."""
    with h5py.File(path) as file:
        angles = angles_as_dxchange_takes_them(file)
        assert angles.shape == (projections,)
        assert np.isnan(angles).all()
        exchange = file["exchange"]
        for role in ("data_white", "data_dark"):
            assert exchange[role].shape == (0, *exchange["data"].shape[1:])
            assert exchange[role].dtype == exchange["data"].dtype
            with warnings.catch_warnings(action="ignore"):
                assert np.isnan(np.mean(exchange[role][()], axis=0)).all()
        entries = missing(file)
        assert {entry["dataset"] for entry in entries} == NONE
        for entry in entries:
            assert file[entry["dataset"]].attrs["note"] == entry["what"]


@pytest.mark.parametrize("way", ["live", "exported"])
def test_a_count_without_the_motor_of_the_settings_has_no_angles(way, tmp_path, caplog):
    engine = RunEngine()
    writer_of = {"live": DxWriter(tmp_path, theta="rot"), "exported": JsonlWriter(tmp_path)}[way]
    with writer_of as writer:
        engine.subscribe(writer.receiver)
        engine(bp.count([camera()], num=5), rotation_start=0, rotation_stop=360)
    if way == "exported":
        done = bluescribe.export(tmp_path, tmp_path, ["dx"], theta="rot")
        assert not done.failures
    (path,) = tmp_path.glob("*.dx.h5")
    check_none(path, 5)
    (message,) = told(caplog)
    assert "no event has a value of 'rot'" in message
    assert "see THETA" in message
    assert "'flat'; see STREAMS" in message
    assert "'dark'; see STREAMS" in message


def test_a_plan_without_a_motor_has_no_angles(tmp_path, caplog):
    engine = RunEngine()
    with DxWriter(tmp_path) as writer:
        engine.subscribe(writer.receiver)
        engine(bp.count([camera()], num=2))
    check_none(writer.status().last_file, 2)
    assert "the plan names no motor" in told(caplog)[0]


def test_who_measures_no_whites_says_so_and_is_not_warned_of_them(tmp_path, caplog):
    streams = {"data": "primary", "data_dark": "dark"}
    with DxWriter(tmp_path, theta="theta", streams=streams) as writer:
        measure(writer, [0.0, 90.0])
    with h5py.File(writer.status().last_file) as file:
        (entry,) = missing(file)
        assert entry["dataset"] == "/exchange/data_white"
        assert len(file["exchange/data_white"]) == 0
        assert len(file["exchange/data_dark"]) == 2
    assert not told(caplog)


def test_one_stream_for_all_without_a_dark(tmp_path, caplog):
    rows = ({"camera": np.eye(3), "key": n} for n in (1, 0, 0))
    with DxWriter(tmp_path, file_name="run", image_key="key") as writer:
        for document in [*documents(*rows), ("stop", STOP)]:
            writer(*document)
    with h5py.File(tmp_path / "run.dx.h5") as file:
        found = {entry["dataset"]: entry["key"] for entry in missing(file)}
        assert found == {"/exchange/theta": "THETA", "/exchange/data_dark": "IMAGE_KEY"}
        assert file["exchange/data_white"].shape == (1, 3, 3)
    assert "'key' never is 2; see IMAGE_KEY" in told(caplog)[0]


def test_nothing_is_missing_where_all_is_measured(tmp_path, caplog):
    with DxWriter(tmp_path) as writer:
        measure(writer, [0.0, 90.0])
    with h5py.File(writer.status().last_file) as file:
        assert missing(file) == []
        assert "note" not in file["exchange/theta"].attrs
    assert not told(caplog)


def as_one_stream(run):
    """Yield documents of which the events are all of the primary stream, in two descriptors."""
    numbers = itertools.count(1)
    for name, doc in run:
        if name == "descriptor":
            doc["name"] = "primary"
        elif name == "event":
            doc["seq_num"] = next(numbers)
        yield name, doc


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_angles_of_some_projections_only(order, tmp_path, caplog):
    """The motor is read at some of the points: the others have no angle, and not the former one."""
    theta, cam = SynAxis(name="theta", value=7), camera()

    @run_decorator(md={"motors": ["theta"]})
    def scan():
        for has_angle in order:
            for _ in range(2):
                yield from bps.create("primary" if has_angle else "bare")
                yield from bps.read(cam)
                if has_angle:
                    yield from bps.read(theta)
                yield from bps.save()

    engine = RunEngine()
    run = []
    engine.subscribe(lambda name, doc: run.append((name, dict(doc))))
    engine(scan())
    with DxWriter(tmp_path, theta="theta") as writer:
        for document in as_one_stream(run):
            writer(*document)
    with h5py.File(writer.status().last_file) as file:
        expected = [7.0 if has_angle else np.nan for has_angle in order for _ in range(2)]
        assert np.array_equal(file["exchange/theta"], expected, equal_nan=True)
        assert missing(file)[0]["what"].startswith("2 of 4 projections have no angle")
    assert "2 of 4 projections" in told(caplog)[0]


@pytest.mark.parametrize("images", ["link", "copy"])
def test_a_flight_without_angles_is_told_once(images, tmp_path, caplog):
    area_detector_file(tmp_path / "raw.h5", frames(4))
    run = run_of_streams([hdf5_stream(tmp_path / "raw.h5")], [(0, 0, 4)], (1, 6, 8))
    with DxWriter(tmp_path / "dx", theta="rot", images=images) as writer:
        for document in run:
            writer(*document)
    assert not writer.status().failures
    check_none(writer.status().last_file, 4)
    assert len(told(caplog)) == 1


def test_who_reads_while_it_goes_on_sees_no_angles_either(tmp_path):
    with DxWriter(tmp_path, file_name="run", theta="rot") as writer:
        for number, document in enumerate(documents(*({"camera": np.eye(3)},) * 3)):
            writer(*document)
            writer.flush()
            if number >= 2:
                with h5py.File(tmp_path / "run.dx.h5", "r", swmr=True, locking=False) as file:
                    assert np.isnan(angles_as_dxchange_takes_them(file)).all()
                    assert len(file["exchange/theta"]) == number - 1
        writer("stop", STOP)
