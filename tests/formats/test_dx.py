"""Tomography runs as Data Exchange: read by h5py, reconstructed by algotom."""

from __future__ import annotations

import json
import logging

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine

from bluescribe import DxWriter
from bluescribe.errors import ConfigError
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from bluescribe.testing.shapes.devices import gauss, motor
from tests.extent import some
from tests.formats.test_json import STOP, documents
from tests.formats.tomography import DARK, ROWS, SIZE, WHITE, check_phantom, measure, projection

ANGLES = np.linspace(0, 180, 5)


def text(file, path):
    return file[path][()].decode()


@pytest.mark.parametrize("in_one_stream", [False, True])
@pytest.mark.parametrize("live", [False, True])
def test_a_tomography_run_has_its_place_in_exchange(in_one_stream, live, tmp_path):
    settings = {"image_key": "key"} if in_one_stream else {}
    with DxWriter(tmp_path, live=live, **settings) as writer:
        measure(writer, ANGLES, in_one_stream=in_one_stream)
    assert not writer.status().failures
    (path,) = tmp_path.glob("*.dx.h5")
    with h5py.File(path) as file:
        assert text(file, "implements") == "exchange:measurement:process"
        exchange = file["exchange"]
        assert set(exchange) == {"data", "data_white", "data_dark", "theta"}
        assert exchange["data"].dtype == np.uint16
        assert exchange["data"].attrs["axes"] == "theta:y:x"
        assert "units" in exchange["data"].attrs
        assert "units" in exchange["theta"].attrs
        assert np.array_equal(exchange["theta"], ANGLES)
        assert np.array_equal(exchange["data"], [projection(angle) for angle in ANGLES])
        assert exchange["data_white"].shape == (3, ROWS, SIZE)
        assert exchange["data_dark"].shape == (2, ROWS, SIZE)
        assert np.all(exchange["data_white"][()] == WHITE)
        assert np.all(exchange["data_dark"][()] == DARK)
        assert text(file, "measurement/sample/name") == "discs"
        assert text(file, "measurement/instrument/name") == "2-BM"
        acquisition = file["process/acquisition"]
        assert json.loads(acquisition["start"][()])["plan_name"] == "tomo_scan"
        assert json.loads(acquisition["stop"][()])["exit_status"] == "success"
        first = 6 if in_one_stream else 1
        numbers = acquisition["data/seq_num"][()].tolist()
        assert numbers == list(range(first, first + len(ANGLES)))
        left_out = json.loads(acquisition["left_out"][()])
        assert {entry["field"] for entry in left_out} >= {"theta_setpoint", "key"}


def test_a_reconstruction_shows_the_phantom(tmp_path):
    reconstruction = pytest.importorskip("algotom.rec.reconstruction")
    correction = pytest.importorskip("algotom.prep.correction")
    loader = pytest.importorskip("algotom.io.loadersaver")
    with DxWriter(tmp_path) as writer:
        measure(writer, np.linspace(0, 180, 181))
    path = str(writer.status().last_file)
    projections = loader.load_hdf(path, "exchange/data")
    whites = np.mean(loader.load_hdf(path, "exchange/data_white")[:], axis=0)
    darks = np.mean(loader.load_hdf(path, "exchange/data_dark")[:], axis=0)
    theta = np.deg2rad(loader.load_hdf(path, "exchange/theta")[:])
    row = ROWS // 2
    sinogram = correction.flat_field_correction(projections[:, row], whites[row], darks[row])
    found = reconstruction.fbp_reconstruction(
        sinogram, (SIZE - 1) / 2, angles=theta, gpu=False, ncore=1
    )
    check_phantom(np.asarray(found))


def test_others_read_while_it_goes_on(tmp_path):
    with DxWriter(tmp_path, file_name="run") as writer:
        for number, document in enumerate(documents(*({"camera": np.eye(3)},) * 4)):
            writer(*document)
            writer.flush()
            if number >= 2:
                with h5py.File(tmp_path / "run.dx.h5", "r", swmr=True, locking=False) as file:
                    assert len(file["exchange/data"]) == number - 1
        writer("stop", STOP)


def test_images_whose_file_no_document_names_are_told(tmp_path):
    run = [*documents({"camera": "lost/0"}, {"camera": "lost/1"}), ("stop", STOP)]
    key = run[1][1]["data_keys"]["camera"]
    key.update(dtype="array", shape=[3, 3], external="FILESTORE:")
    with DxWriter(tmp_path, file_name="run", image="camera", images_timeout=0) as writer:
        for document in run:
            writer(*document)
    with h5py.File(tmp_path / "run.dx.h5") as file:
        assert "exchange" not in file
        (told,) = json.loads(file["process/acquisition/left_out"][()])
    assert (told["stream"], told["field"]) == ("primary", "camera")
    assert "no document names" in told["what"]


@pytest.mark.parametrize("image", [None, "camera"])
def test_a_run_without_images_has_no_file_and_no_failure(image, tmp_path, caplog):
    with DxWriter(tmp_path, image=image) as writer:
        engine = RunEngine()
        engine.subscribe(writer.receiver)
        m1 = motor()
        engine(bp.scan([gauss(m1)], m1, -1, 1, 3))
    assert not list(tmp_path.iterdir())
    assert not writer.status().failures
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_an_image_unlike_the_others_is_named(tmp_path):
    with DxWriter(tmp_path, file_name="run") as writer:
        rows = ({"camera": np.eye(3)}, {"camera": np.eye(4)}, {"camera": np.eye(3)})
        for document in [*documents(*rows), ("stop", STOP)]:
            writer(*document)
    with h5py.File(tmp_path / "run.dx.h5") as file:
        assert file["exchange/data"].shape == (2, 3, 3)
        assert file["process/acquisition/data/seq_num"][()].tolist() == [1, 3]
        (entry,) = json.loads(file["process/acquisition/left_out"][()])
        assert entry["what"].startswith("1 values")


@pytest.mark.parametrize("streams", [{"data_white": "flat"}, {"data": "a", "data_dark": "a"}])
def test_streams_that_cannot_be_meant_are_refused(streams, tmp_path):
    with pytest.raises(ConfigError, match="streams"):
        DxWriter(tmp_path, streams=streams)


@pytest.fixture(scope="session")
def shapes_folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "shapes"


NOT_HDF5 = {"resource_npy", "stream_fly_tiff"}
NOT_THERE = {"resource_missing_file", "resource_tiff"}
"""Images that are gone, or in files of which nobody knows how they are called."""


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize("name", some(SHAPES))
def test_no_shape_of_run_is_a_failure(name, images, tmp_path, shapes_folder):
    with DxWriter(tmp_path, drain_timeout=60, images=images, images_timeout=0) as writer:
        for document in played(name, "plain", shapes_folder):
            writer(*document)
    is_expected = name in NOT_THERE or (name in NOT_HDF5 and images == "link")
    assert bool(writer.status().failures) == is_expected, writer.status()
    assert not writer.status().documents_refused
