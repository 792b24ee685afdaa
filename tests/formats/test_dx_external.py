"""Tomography runs whose images are in files of their own, as Data Exchange."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bluesky import RunEngine

from bluescribe import DxWriter
from tests.formats.images import (
    area_detector_file,
    frames,
    hdf5_resource,
    hdf5_stream,
    run_of_resources,
    run_of_streams,
)
from tests.formats.tomography import (
    DARK,
    ROWS,
    SIZE,
    WHITE,
    FileBeamline,
    check_phantom,
    fly,
    projection,
)

ANGLES = np.linspace(0, 180, 5)
SHAPE = (1, 6, 8)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def write(folder: Path, docs: Any, **settings: Any) -> Path:
    """Write a run, wait for its images, and return its file; nothing may have failed."""
    with DxWriter(folder, **settings) as writer:
        for name, doc in docs:
            writer(name, doc)
    status = writer.status()
    assert not status.failures, status
    assert not status.documents_refused
    assert not list(folder.glob("*.part"))
    assert status.last_file is not None
    return status.last_file


def left_out(file: h5py.File) -> list[Any]:
    found = json.loads(file["process/acquisition/left_out"][()])
    assert isinstance(found, list)
    return found


def check_projections(file: h5py.File) -> None:
    exchange = file["exchange"]
    assert set(exchange) == {"data", "data_white", "data_dark", "theta"}
    assert np.array_equal(exchange["theta"], ANGLES)
    assert np.array_equal(exchange["data"], [projection(angle) for angle in ANGLES])
    assert np.all(exchange["data_white"][()] == WHITE)
    assert np.all(exchange["data_dark"][()] == DARK)
    assert exchange["data_white"].shape == (3, ROWS, SIZE)
    assert exchange["data_dark"].shape == (2, ROWS, SIZE)
    assert exchange["data"].attrs["axes"] == "theta:y:x"


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize("in_one_stream", [False, True])
@pytest.mark.parametrize("live", [False, True])
def test_a_step_scan_has_its_place_in_exchange(images, in_one_stream, live, raw, tmp_path):
    settings = {"image_key": "key"} if in_one_stream else {}
    with DxWriter(tmp_path / "dx", live=live, images=images, **settings) as writer:
        engine = RunEngine()
        engine.subscribe(writer.receiver)
        engine(FileBeamline(raw).scan(ANGLES, in_one_stream=in_one_stream))
        with h5py.File(writer.status().last_file) as file:
            assert ("data" in file["exchange"]) or images == "copy"
    assert not writer.status().failures
    with h5py.File(writer.status().last_file) as file:
        check_projections(file)
        assert file["exchange/data"].is_virtual == (images == "link")
        first = 6 if in_one_stream else 1
        acquisition = file["process/acquisition"]
        numbers = acquisition["data/seq_num"][()].tolist()
        assert numbers == list(range(first, first + len(ANGLES)))
        assert len(acquisition["data_white/time"]) == 3
        assert "camera" not in {entry["field"] for entry in left_out(file)}


@pytest.mark.parametrize("images", ["link", "copy"])
def test_a_flight_has_its_angles_from_the_encoders_file(images, raw, tmp_path):
    with DxWriter(tmp_path / "dx", image="camera", theta="angle", images=images) as writer:
        fly(writer, raw, ANGLES)
    assert not writer.status().failures
    with h5py.File(writer.status().last_file) as file:
        check_projections(file)
        assert file["process/acquisition/data/seq_num"][()].tolist() == [1, 2, 3, 4, 5]
        angles = [(entry["stream"], entry["field"]) for entry in left_out(file)]
        assert angles == [("dark", "angle"), ("flat", "angle")]


def test_a_flight_reconstructs(raw, tmp_path):
    reconstruction = pytest.importorskip("algotom.rec.reconstruction")
    correction = pytest.importorskip("algotom.prep.correction")
    loader = pytest.importorskip("algotom.io.loadersaver")
    with DxWriter(tmp_path / "dx", image="camera", theta="angle") as writer:
        fly(writer, raw, np.linspace(0, 180, 181))
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


def test_what_is_linked_is_found_when_all_is_moved_together(raw, tmp_path):
    docs = flight(raw, 4)
    path = write(tmp_path / "dx", docs)
    (tmp_path / "elsewhere").mkdir()
    for folder in ("raw", "dx"):
        shutil.move(tmp_path / folder, tmp_path / "elsewhere" / folder)
    with h5py.File(tmp_path / "elsewhere/dx" / path.name) as file:
        assert np.array_equal(file["exchange/data"], frames(4))


def test_what_is_gone_later_does_not_read_as_zero(raw, tmp_path):
    path = write(tmp_path / "dx", flight(raw, 4))
    shutil.rmtree(raw)
    with h5py.File(path) as file:
        assert np.all(file["exchange/data"][()] == 65535)


def flight(raw: Path, count: int) -> Any:
    area_detector_file(raw / "a.h5", frames(count))
    return run_of_streams([hdf5_stream(raw / "a.h5")], [(0, 0, count)], SHAPE)


@pytest.mark.parametrize("images", ["link", "copy"])
def test_several_frames_an_event_repeat_its_number(images, raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(6))
    resource = hdf5_resource(raw / "a.h5", frame_per_point=2)
    points = [(0, {"point_number": number}) for number in range(3)]
    docs = with_angles(run_of_resources([resource], points, (2, 6, 8)), [10, 20, 30])
    path = write(tmp_path / "dx", docs, theta="angle", images=images)
    with h5py.File(path) as file:
        assert np.array_equal(file["exchange/data"], frames(6))
        assert file["exchange/theta"][()].tolist() == [10, 10, 20, 20, 30, 30]
        assert file["process/acquisition/data/seq_num"][()].tolist() == [1, 1, 2, 2, 3, 3]
        assert len(file["process/acquisition/data/time"]) == 6


def test_an_angle_for_each_frame_of_an_event_is_kept(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(4))
    resource = hdf5_resource(raw / "a.h5", frame_per_point=2)
    points = [(0, {"point_number": number}) for number in range(2)]
    docs = with_angles(run_of_resources([resource], points, (2, 6, 8)), [[1, 2], [3, 4]])
    path = write(tmp_path / "dx", docs, theta="angle")
    with h5py.File(path) as file:
        assert file["exchange/theta"][()].tolist() == [1, 2, 3, 4]


def test_a_missing_angle_is_missing_for_each_of_its_frames(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(6))
    resource = hdf5_resource(raw / "a.h5", frame_per_point=2)
    points = [(0, {"point_number": number}) for number in range(3)]
    docs = with_angles(run_of_resources([resource], points, (2, 6, 8)), [1.0, None, 3.0])
    path = write(tmp_path / "dx", docs, theta="angle")
    with h5py.File(path) as file:
        assert file["exchange/theta"][[0, 1, 4, 5]].tolist() == [1, 1, 3, 3]
        assert file["exchange/theta_missing"][()].tolist() == [2, 3]


def with_angles(docs: Any, angles: Any) -> Any:
    """Give each event of a run an angle."""
    values = iter(angles)
    for name, doc in docs:
        if name == "descriptor":
            doc["data_keys"]["angle"] = {"dtype": "number", "shape": [], "source": "x"}
        if name == "event":
            value = next(values)
            doc["data"]["angle"], doc["timestamps"]["angle"] = value, 1.0
    return docs


def test_frames_go_with_events_in_their_order_over_files(raw, tmp_path):
    names = [area_detector_file(raw / f"{n}.h5", frames(2, 10 * n)) for n in range(2)]
    points = [(n, {"point_number": p}) for p in (1, 0) for n in (1, 0)]
    docs = run_of_resources([hdf5_resource(name) for name in names], points, SHAPE)
    path = write(tmp_path / "dx", docs)
    with h5py.File(path) as file:
        wanted = [frames(1, 10 * n + p["point_number"])[0] for n, p in points]
        assert np.array_equal(file["exchange/data"], wanted)


def test_a_rewound_run_has_the_frames_of_all_its_events(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(4))
    points = [(0, {"point_number": number}) for number in range(4)]
    docs = run_of_resources([hdf5_resource(raw / "a.h5")], points, SHAPE)
    for seq_num, event in zip([1, 2, 2, 3], (d for n, d in docs if n == "event"), strict=True):
        event["seq_num"] = seq_num
    with h5py.File(write(tmp_path / "dx", docs)) as file:
        assert np.array_equal(file["exchange/data"], frames(4))
        assert file["process/acquisition/data/seq_num"][()].tolist() == [1, 2, 2, 3]


def test_events_without_a_frame_are_left_out_and_named(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(2))
    docs = flight(raw, 2)
    template = {"time": 1.0, "data": {}, "timestamps": {}, "filled": {}}
    events = [
        ("event", {**template, "uid": f"e{n}", "seq_num": n, "descriptor": docs[1][1]["uid"]})
        for n in (1, 2, 3)
    ]
    docs[-1][1]["num_events"] = {"primary": 3}
    with h5py.File(write(tmp_path / "dx", [*docs[:-1], *events, docs[-1]])) as file:
        assert file["exchange/data"].shape == (2, 6, 8)
        assert file["process/acquisition/data/seq_num"][()].tolist() == [1, 2]
        (entry,) = left_out(file)
        assert entry["what"].startswith("1 events of data")


def test_files_whose_frames_the_documents_do_not_tell(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(3))
    docs = run_of_resources([hdf5_resource(raw / "a.h5")], [(0, {})] * 3, SHAPE)
    with h5py.File(write(tmp_path / "dx", docs)) as file:
        assert np.array_equal(file["exchange/data"], frames(3))
    area_detector_file(raw / "a.h5", frames(4))
    assert "4 frames do not belong to 3 events" in fail(tmp_path / "wrong", docs)


def fail(folder: Path, docs: Any, **settings: Any) -> str:
    """Write a run whose images cannot be shown; return what was told of it."""
    with DxWriter(folder, **{"images_timeout": 0, **settings}) as writer:
        for name, doc in docs:
            writer(name, doc)
    (failure,) = writer.status().failures
    assert not list(folder.glob("*.part"))
    with h5py.File(writer.status().last_file) as file:
        assert "data" not in file.get("exchange", {})
        assert "stop" in file["process/acquisition"]
        assert any(entry["where"] for entry in left_out(file) if entry["field"] == "camera")
    return f"{failure.cause}; {failure.remedy}"


@pytest.mark.parametrize("images", ["link", "copy"])
def test_a_missing_file_is_told_with_a_remedy(images, raw, tmp_path):
    docs = flight(raw, 3)
    (raw / "a.h5").unlink()
    told = fail(tmp_path / "dx", docs, images=images)
    assert "/exchange/data is not there" in told
    assert f"{raw / 'a.h5'} is not there" in told
    assert "PATH_MAP" in told


def test_path_map_finds_it(raw, tmp_path):
    docs = run_of_streams([hdf5_stream(Path("/mnt/ioc/a.h5"))], [(0, 0, 3)], SHAPE)
    area_detector_file(raw / "a.h5", frames(3))
    path = write(tmp_path / "dx", docs, path_map={"/mnt/ioc": raw})
    with h5py.File(path) as file:
        assert np.array_equal(file["exchange/data"], frames(3))


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize("behind", [0, 3600, -3600])
def test_a_late_file_is_waited_for(images, behind, raw, tmp_path):
    """The clock of the machine that takes the run may not be that of the writer's."""
    docs = flight(raw, 3)
    docs[0][1]["time"] = docs[-1][1]["time"] = time.time() - behind
    (raw / "a.h5").rename(tmp_path / "late.h5")
    with DxWriter(tmp_path / "dx", images=images, images_timeout=30) as writer:
        for name, doc in docs:
            writer(name, doc)
        path = writer.status().last_file
        assert writer.status().copying == (path,)
        with h5py.File(path) as file:
            assert "exchange" not in file
        (tmp_path / "late.h5").rename(raw / "a.h5")
    assert not writer.status().failures
    with h5py.File(path) as file:
        assert np.array_equal(file["exchange/data"], frames(3))
        assert left_out(file) == []


def test_files_of_an_old_run_are_not_waited_for(raw, tmp_path):
    docs = flight(raw, 3)
    docs[-1][1]["time"] -= 3600
    (raw / "a.h5").unlink()
    began = time.monotonic()
    fail(tmp_path / "dx", docs, images_timeout=60)
    assert time.monotonic() - began < 30


def test_files_that_are_no_hdf5_are_copied_only(raw, tmp_path):
    for number, image in enumerate(frames(3)):
        np.save(raw / f"s_{number}.npy", image)
    docs = run_of_resources(
        [hdf5_resource(raw / "s", "NPY_SEQ")], [(0, {"index": n}) for n in range(3)], (6, 8)
    )
    assert "IMAGES: copy" in fail(tmp_path / "link", docs)
    with h5py.File(write(tmp_path / "dx", docs, images="copy")) as file:
        assert np.array_equal(file["exchange/data"], frames(3))


def test_spectra_in_files_are_no_images(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(3, shape=(1, 8)))
    docs = run_of_streams([hdf5_stream(raw / "a.h5")], [(0, 0, 3)], (1, 1, 8))
    with DxWriter(tmp_path / "dx") as writer:
        for name, doc in docs:
            writer(name, doc)
    assert not writer.status().failures
    assert not list((tmp_path / "dx").iterdir())


@pytest.mark.parametrize("images", ["link", "copy"])
def test_a_key_in_a_file_tells_the_frames_of_a_flight_apart(images, raw, tmp_path):
    keys = [2, 1, 0, 3, 0, 1]
    docs = flight(raw, 6)
    area_detector_file(raw / "key.h5", np.array(keys, np.uint8).reshape(6))
    descriptor, resource, datum = docs[1][1], docs[2][1], docs[3][1]
    declared = {**descriptor["data_keys"]["camera"], "dtype": "number", "shape": [1]}
    descriptor["data_keys"]["key"] = declared
    uri = f"file://localhost{raw / 'key.h5'}"
    docs.insert(3, ("stream_resource", {**resource, "uid": "k", "data_key": "key", "uri": uri}))
    docs.insert(4, ("stream_datum", {**datum, "uid": "k/0", "stream_resource": "k"}))
    path = write(tmp_path / "dx", docs, image_key="key", images=images)
    with h5py.File(path) as file:
        for role, wanted in {"data": [2, 4], "data_white": [1, 5], "data_dark": [0]}.items():
            assert np.array_equal(file[f"exchange/{role}"], frames(6)[wanted])
            numbers = file[f"process/acquisition/{role}/seq_num"][()].tolist()
            assert numbers == [number + 1 for number in wanted]


def test_frames_that_are_not_to_be_used_are_counted(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(4))
    points = [(0, {"point_number": number}) for number in range(4)]
    docs = with_angles(run_of_resources([hdf5_resource(raw / "a.h5")], points, SHAPE), [0, 3, 1, 0])
    with h5py.File(write(tmp_path / "dx", docs, image_key="angle")) as file:
        assert np.array_equal(file["exchange/data"], frames(4)[[0, 3]])
        assert np.array_equal(file["exchange/data_white"], frames(4)[[2]])
        assert any(e.get("what", "").startswith("1 values") for e in left_out(file))


def test_frames_of_one_role_alone_are_not_taken_for_all(raw, tmp_path):
    area_detector_file(raw / "a.h5", frames(2))
    points = [(0, {"point_number": number}) for number in range(2)]
    docs = with_angles(run_of_resources([hdf5_resource(raw / "a.h5")], points, SHAPE), [1, 1])
    with h5py.File(write(tmp_path / "dx", docs, image_key="angle")) as file:
        assert set(file["exchange"]) == {"data_white"}


def test_whites_unlike_the_projections_are_told(raw, tmp_path):
    docs = flight(raw, 2)
    area_detector_file(raw / "flat.h5", frames(2, shape=(3, 3)))
    flat = run_of_streams([hdf5_stream(raw / "flat.h5")], [(0, 0, 2)], (1, 3, 3))
    for name, doc in flat[1:3]:
        doc["run_start"] = docs[0][1]["uid"]
        doc["name"] = "flat" if name == "descriptor" else ""
    docs[-1:-1] = flat[1:-1]
    with DxWriter(tmp_path / "dx", images_timeout=0) as writer:
        for name, doc in docs:
            writer(name, doc)
    (failure,) = writer.status().failures
    assert "frames of shape (3, 3) are unlike those of data" in failure.cause
    with h5py.File(writer.status().last_file) as file:
        assert "data_white" not in file["exchange"], "it is there, in a file: it is not missing"
