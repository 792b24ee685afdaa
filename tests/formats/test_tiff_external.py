"""Images in files of their own as TIFF: copied when the run has ended, or named."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from bluesky import RunEngine
from bluesky.plans import count

from bluescribe import TiffWriter
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from bluescribe.testing.shapes.stream_assets import StreamDetector
from tests import warm
from tests.formats.images import (
    area_detector_file,
    frames,
    hdf5_resource,
    hdf5_stream,
    run_of_resources,
    run_of_streams,
)
from tests.readers.tiff import check_folder, read_list, read_stack

SHAPE = (1, 6, 8)


def flight(raw: Path, number: int = 4) -> Any:
    area_detector_file(raw, frames(number))
    return run_of_streams([hdf5_stream(raw)], [(0, 0, number)], SHAPE)


def send(folder: Path, docs: Any, **settings: Any) -> TiffWriter:
    with TiffWriter(folder, file_name="run", **settings) as writer:
        for name, doc in docs:
            writer(name, doc)
    assert not writer.status().copying
    assert not list(folder.glob(".*"))
    return writer


def write(folder: Path, docs: Any, **settings: Any) -> dict[str, Any]:
    """Write a run, wait for its images, and return its list; nothing may have failed."""
    writer = send(folder, docs, **settings)
    assert not writer.status().failures, writer.status()
    if not settings.get("one_file_a_frame"):
        read_list(folder / "run.tiff.json")
        check_folder(folder)
    told = json.loads((folder / "run.tiff.json").read_text())
    assert isinstance(told, dict)
    return told


def fail(folder: Path, docs: Any, **settings: Any) -> str:
    """Write a run whose images cannot be copied; return what was told of it."""
    writer = send(folder, docs, **{"images_timeout": 0, **settings})
    (failure,) = writer.status().failures
    told = json.loads((folder / "run.tiff.json").read_text())
    assert told["state"] == "complete"
    assert [entry["field"] for entry in told["left_out"]] == ["camera"]
    assert not list(folder.glob("*.tif"))
    return f"{failure.cause}; {failure.remedy}"


def test_a_flight_becomes_a_stack(tmp_path):
    told = write(tmp_path, flight(tmp_path / "raw.h5"))
    assert np.array_equal(tifffile.imread(tmp_path / "run-primary-camera.tif"), frames(4))
    (entry,) = told["streams"][0]["images"]
    assert entry["seq_nums"] == [[1, 4]]
    assert entry["pages"] == 4
    assert str(tmp_path / "raw.h5") in entry["copied_from"][0]
    assert told["left_out"] == []
    first, second, *_ = [page for page, _ in read_stack(tmp_path / "run-primary-camera.tif")]
    assert first["start"]["plan_name"] == "fly"
    assert (second["seq_num"], second["frame"]) == (2, 1)


@pytest.mark.parametrize("behind", [0, 3600, -3600])
def test_the_run_ends_before_its_images_are_copied(behind, tmp_path):
    """The clock of the machine that takes the run may not be that of the writer's."""
    docs = flight(tmp_path / "raw.h5")
    docs[0][1]["time"] = docs[-1][1]["time"] = time.time() - behind
    (tmp_path / "raw.h5").rename(tmp_path / "late.h5")
    with TiffWriter(tmp_path, file_name="run") as writer:
        for name, doc in docs:
            writer(name, doc)
        assert writer.status().copying == (tmp_path / "run.tiff.json",)
        before = json.loads((tmp_path / "run.tiff.json").read_text())
        assert before["state"] == "complete"
        assert before["left_out"][0]["field"] == "camera"
        (tmp_path / "late.h5").rename(tmp_path / "raw.h5")
    assert np.array_equal(tifffile.imread(tmp_path / "run-primary-camera.tif"), frames(4))


def test_a_detector_in_a_run_engine(tmp_path):
    (tmp_path / "raw").mkdir()
    engine = RunEngine()
    with TiffWriter(tmp_path / "tiff") as writer:
        engine.subscribe(writer.receiver)
        engine(count([StreamDetector(tmp_path / "raw", frames_per_file=2)], num=3))
    assert not writer.status().failures
    (path,) = (tmp_path / "tiff").glob("*.tif")
    assert tifffile.imread(path)[:, 0, 0].tolist() == [0, 1, 2]


def test_several_frames_an_event_have_its_number(tmp_path):
    raw = area_detector_file(tmp_path / "raw.h5", frames(6))
    resource = hdf5_resource(raw, frame_per_point=2)
    points = [(0, {"point_number": number}) for number in (2, 0, 1)]
    write(tmp_path, run_of_resources([resource], points, (2, 6, 8)))
    pages = read_stack(tmp_path / "run-primary-camera.tif")
    assert [page["seq_num"] for page, _ in pages] == [1, 1, 2, 2, 3, 3]
    assert [page["of_event"] for page, _ in pages] == [0, 1] * 3
    assert np.array_equal([image for _, image in pages], frames(6)[[4, 5, 0, 1, 2, 3]])


def test_each_frame_has_a_file_when_that_is_wanted(tmp_path):
    told = write(tmp_path, flight(tmp_path / "raw.h5", 3), one_file_a_frame=True)
    for number in range(3):
        path = tmp_path / f"run-primary-camera-{number + 1:06d}.tif"
        ((page, image),) = read_stack(path)
        assert page["seq_num"] == number + 1
        assert page["start"]["uid"] == told["uid"]
        assert np.array_equal(image, frames(3)[number])
    assert told["streams"][0]["images"][0]["files"] == "*-camera-*"


def test_files_of_npy_are_copied_and_those_of_tiff_are_named(tmp_path):
    for number, image in enumerate(frames(3)):
        np.save(tmp_path / f"s_{number}.npy", image)
        tifffile.imwrite(tmp_path / f"t_{number}.tiff", image)
    points = [(0, {"index": n, "point_number": n}) for n in range(3)]
    npy = run_of_resources([hdf5_resource(tmp_path / "s", "NPY_SEQ")], points, (6, 8))
    write(tmp_path / "npy", npy)
    assert np.array_equal(tifffile.imread(tmp_path / "npy/run-primary-camera.tif"), frames(3))
    kwargs = {"template": "%s%s_%d.tiff", "filename": "t"}
    tiff = run_of_resources([hdf5_resource(tmp_path, "AD_TIFF", **kwargs)], points, (6, 8))
    told = write(tmp_path / "tiff", tiff)
    assert not list((tmp_path / "tiff").glob("*.tif"))
    assert str(tmp_path) in told["left_out"][0]["where"][0]


def test_images_are_only_named_when_that_is_wanted(tmp_path):
    told = write(tmp_path, flight(tmp_path / "raw.h5"), images="name")
    assert not list(tmp_path.glob("*.tif"))
    assert "raw.h5" in told["left_out"][0]["where"][0]


def test_an_image_of_another_shape_begins_another_stack(tmp_path):
    for n, image in enumerate([frames(1)[0], frames(1, shape=(2, 2))[0], frames(1)[0]]):
        np.save(tmp_path / f"s_{n}.npy", image)
    resource = hdf5_resource(tmp_path / "s", "NPY_SEQ")
    docs = run_of_resources([resource], [(0, {"index": n}) for n in range(3)], (6, 8))
    send(tmp_path, docs)
    assert tifffile.imread(tmp_path / "run-primary-camera.tif").shape == (2, 6, 8)
    assert tifffile.imread(tmp_path / "run-primary-camera-2.tif").shape == (2, 2)


def test_colours_are_named(tmp_path):
    area_detector_file(tmp_path / "raw.h5", frames(2, shape=(6, 8, 3)))
    docs = run_of_streams([hdf5_stream(tmp_path / "raw.h5")], [(0, 0, 2)], (1, 6, 8, 3))
    told = write(tmp_path, docs)
    assert told["left_out"][0]["what"].startswith("2 frames that are no two-dimensional array")
    assert not list(tmp_path.glob("*.tif"))


def test_a_missing_file_is_told_with_a_remedy(tmp_path):
    docs = flight(tmp_path / "raw.h5")
    (tmp_path / "raw.h5").unlink()
    told = fail(tmp_path, docs)
    assert f"{tmp_path / 'raw.h5'} is not there" in told
    assert "PATH_MAP" in told


def test_too_few_frames_are_never_copied(tmp_path):
    docs = flight(tmp_path / "raw.h5", 5)
    area_detector_file(tmp_path / "raw.h5", frames(3))
    assert "has 3 frames of 5" in fail(tmp_path, docs)


@pytest.mark.parametrize("single", [False, True])
def test_a_full_disk_leaves_no_half_stack(single, tmp_path, monkeypatch):
    written = iter(range(8))
    real = os.pwrite

    def pwrite(file, data, place):
        if next(written, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data, place)

    monkeypatch.setattr("bluescribe.files.system.os.pwrite", pwrite)
    told = fail(tmp_path, flight(tmp_path / "raw.h5"), one_file_a_frame=single)
    assert "free space" in told


_CHILD = """
import sys, time
from pathlib import Path
from bluescribe import TiffWriter
from bluescribe.formats.tiff.stackfile import StackFile
from tests.formats.images import *
folder = Path(sys.argv[1])
append, pages = StackFile.append, iter(range(5))
def slowly(*args):
    if next(pages, None) is None:
        print("copying", flush=True)
        time.sleep(60)
    append(*args)
StackFile.append = slowly
writer = TiffWriter(folder, file_name="run")
for name, doc in run_of_streams([hdf5_stream(folder / "raw.h5")], [(0, 0, 40)], (1, 6, 8)):
    writer(name, doc)
time.sleep(60)
"""


def test_after_kill_9_in_the_middle_of_a_copy_nothing_is_wrong(tmp_path):
    area_detector_file(tmp_path / "raw.h5", frames(40))
    command = [sys.executable, "-c", _CHILD, str(tmp_path)]
    with warm.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "copying\n"
        process.send_signal(signal.SIGKILL)
    assert not list(tmp_path.glob("*.tif"))
    told = json.loads((tmp_path / "run.tiff.json").read_text())
    assert "raw.h5" in told["left_out"][0]["where"][0]


FAILING = {"resource_missing_file"}


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if shape.external])
def test_no_shape_of_run_is_a_failure(name, tmp_path, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "shapes"
    with TiffWriter(tmp_path, drain_timeout=60, images_timeout=0) as writer:
        for document in played(name, "plain", folder):
            writer(*document)
    assert bool(writer.status().failures) == (name in FAILING), writer.status()
    assert not writer.status().documents_refused
