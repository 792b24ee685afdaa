"""Copying of images when files are late, held, missing or unreadable, and when all ends."""

from __future__ import annotations

import errno
import logging
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe import NexusWriter
from bluescribe.files import Place
from bluescribe.hdf5.finished import changed_copy
from tests import warm
from tests.formats.images import (
    CAMERA,
    Documents,
    area_detector_file,
    frames,
    hdf5_resource,
    hdf5_stream,
    run_of_resources,
    run_of_streams,
    write,
)

SHAPE = (1, 6, 8)


def flight(raw: Path, count: int = 4) -> Documents:
    return run_of_streams([hdf5_stream(raw)], [(0, 0, count)], SHAPE)


def send(writer: NexusWriter, docs: Documents) -> None:
    for name, doc in docs:
        writer(name, doc)


def fail_to_copy(folder: Path, docs: Documents, **settings: Any) -> tuple[Path, str]:
    """Write a run whose images cannot be copied; return its file and what was told of it."""
    with NexusWriter(folder, images="copy", **settings) as writer:
        send(writer, docs)
    status = writer.status()
    (failure,) = status.failures
    assert status.last_file is not None
    assert not list(folder.glob(".*.part"))
    with h5py.File(status.last_file) as file:
        assert "exit_status" in file["/entry/instrument/bluesky"]
    return status.last_file, f"{failure.cause}; {failure.remedy}"


def is_link(path: Path) -> bool:
    with h5py.File(path) as file:
        link = file[CAMERA].get("value", getlink=True)
        return isinstance(link, h5py.ExternalLink)


def test_the_run_ends_before_its_images_are_copied(tmp_path: Path) -> None:
    raw = tmp_path / "raw.h5"
    with NexusWriter(tmp_path, images="copy", images_timeout=30) as writer:
        send(writer, flight(raw))
        status = writer.status()
        path = status.last_file
        assert path is not None
        assert status.copying == (path,)
        assert f"copying:     {path}" in str(status)
        assert is_link(path)
        area_detector_file(tmp_path / "part.h5", frames(4)).rename(raw)
    assert not writer.status().copying
    with h5py.File(path) as file:
        assert np.array_equal(file[CAMERA]["value"], frames(4))


def test_runs_are_copied_one_after_the_other(tmp_path: Path) -> None:
    raws = [area_detector_file(tmp_path / f"raw{n}.h5", frames(4, n)) for n in range(3)]
    with NexusWriter(tmp_path, images="copy", file_name="{uid}") as writer:
        for raw in raws:
            send(writer, flight(raw))
    assert not writer.status().failures
    found = []
    for path in tmp_path.glob("*.hdf"):
        with h5py.File(path) as file:
            found.append(int(file[CAMERA]["value"][0, 0, 0]))
    assert sorted(found) == [0, 100, 200]


def test_a_missing_file_is_waited_for_and_told_with_a_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = tmp_path / "raw.h5"
    began = time.monotonic()
    path, told = fail_to_copy(tmp_path, flight(raw), images_timeout=0.4)
    assert time.monotonic() - began > 0.35
    assert "images of 'camera' are not copied but stay linked" in told
    assert f"{raw} is not there" in told
    assert "PATH_MAP" in told
    assert is_link(path)
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


def test_a_missing_file_aborts_no_later_run(tmp_path: Path) -> None:
    fail_to_copy(tmp_path, flight(tmp_path / "raw.h5"), images_timeout=0, on_error="abort")


def test_what_can_be_copied_is_copied_beside_what_cannot(tmp_path: Path) -> None:
    raw = area_detector_file(tmp_path / "raw.h5", frames(4))
    docs = flight(raw)
    resource: dict[str, Any] = {**docs[2][1], "uid": "late", "data_key": "other"}
    resource["uri"] = f"file://localhost{tmp_path}/late.h5"
    datum: dict[str, Any] = {**docs[3][1], "uid": "late/0", "stream_resource": "late"}
    docs[1][1]["data_keys"]["other"] = docs[1][1]["data_keys"]["camera"]
    docs[3:3] = [("stream_resource", resource), ("stream_datum", datum)]
    path, told = fail_to_copy(tmp_path, docs, images_timeout=0)
    assert "'other'" in told
    with h5py.File(path) as file:
        assert isinstance(file[CAMERA].get("value", getlink=True), h5py.HardLink)
        other = file[CAMERA].parent["other"].get("value", getlink=True)
        assert isinstance(other, h5py.ExternalLink)


def test_too_few_frames_are_never_copied(tmp_path: Path) -> None:
    raw = area_detector_file(tmp_path / "raw.h5", frames(3))
    path, told = fail_to_copy(tmp_path, flight(raw, 5), images_timeout=0.1)
    assert "has 3 frames of 5 that the documents announced, after 0 s" in told
    assert is_link(path)


PRODUCER = """
import sys, time
import h5py
import numpy as np
path, count, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with h5py.File(path, "w", libver="latest") as file:
    images = file.create_dataset(
        "entry/data/data", (0, 6, 8), "u2", maxshape=(None, 6, 8), chunks=(1, 6, 8)
    )
    if mode == "swmr":
        file.swmr_mode = True
    for number in range(count):
        images.resize(number + 1, axis=0)
        images[number] = np.full((6, 8), number)
        file.flush()
        if number == 0:
            print("begun", flush=True)
        time.sleep(0.1)
    sys.stdin.readline() if mode == "swmr" else None
"""


@pytest.mark.parametrize("mode", ["swmr", "locked"])
def test_a_file_that_another_program_still_writes_is_waited_for(tmp_path: Path, mode: str) -> None:
    raw = tmp_path / "raw.h5"
    command = [sys.executable, "-c", PRODUCER, str(raw), "10", mode]
    pipe = subprocess.PIPE
    with warm.Popen(command, stdout=pipe, stdin=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        path = write(tmp_path, flight(raw, 10), images="copy", images_timeout=60)
        if mode == "swmr":
            assert process.poll() is None, "it holds its file open"
        process.communicate("\n")
    with h5py.File(path) as file:
        assert file[CAMERA]["value"][:, 0, 0].tolist() == list(range(10))


def test_a_file_whose_producer_never_closes_it_is_told(tmp_path: Path) -> None:
    raw = tmp_path / "raw.h5"
    command = [sys.executable, "-c", PRODUCER, str(raw), "100", "locked"]
    with warm.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        path, told = fail_to_copy(tmp_path, flight(raw, 100), images_timeout=0.3)
        process.kill()
    assert "cannot be opened (is it still being written?)" in told
    assert "raise IMAGES_TIMEOUT" in told
    assert is_link(path) or not raw.exists()


def test_files_of_an_unknown_spec_stay_named(tmp_path: Path) -> None:
    resource = {"spec": "SITE", "root": "/", "resource_path": "there", "resource_kwargs": {}}
    docs = run_of_resources([resource], [(0, {"point_number": 0})], SHAPE)
    path, told = fail_to_copy(tmp_path, docs)
    assert "/there is of spec 'SITE', of which nothing is known; known are HDF5, AD_TIFF" in told
    assert f"stay named, in {CAMERA}/asset_1" in told
    with h5py.File(path) as file:
        assert file[f"{CAMERA}/asset_1"].asstr()[()] == "/there"


@pytest.mark.parametrize(
    ("kwargs", "datum", "cause"),
    [
        ({}, {"point_number": 0}, "give no template"),
        ({"template": "%s%s%s%s"}, {"point_number": 0}, "makes no name"),
        ({"template": "{:d}{:d}"}, {"point_number": 0}, "makes no name"),
        ({"template": "%s%s_%d.tiff"}, {}, "do not tell which files"),
        ({"template": "%s%s_%d.tiff"}, {"point_number": 0}, "is not there"),
    ],
)
def test_sequences_that_cannot_be_found_stay_named(
    tmp_path: Path, kwargs: dict[str, Any], datum: dict[str, Any], cause: str
) -> None:
    resource = hdf5_resource(tmp_path / "folder", "AD_TIFF", filename="x", **kwargs)
    docs = run_of_resources([resource], [(0, datum)], SHAPE)
    _, told = fail_to_copy(tmp_path, docs, images_timeout=0)
    assert cause in told


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    (tmp_path / "x_0.tiff").touch()
    kwargs = {"template": "%s%s_%d.tiff", "filename": "x"}
    resource = hdf5_resource(tmp_path, "AD_TIFF", **kwargs)
    docs = run_of_resources([resource], [(0, {"point_number": 0})], SHAPE)
    _, told = fail_to_copy(tmp_path, docs, images_timeout=0)
    assert 'pip install "bluescribe[images]"' in told


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "s_0.npy", frames(1)[0])
    (tmp_path / "s_1.npy").write_bytes((tmp_path / "s_0.npy").read_bytes()[:-5])
    resource = hdf5_resource(tmp_path / "s", "NPY_SEQ")
    docs = run_of_resources([resource], [(0, {"index": n}) for n in range(2)], (6, 8))
    _, told = fail_to_copy(tmp_path, docs, images_timeout=0.1)
    assert "s_1.npy cannot be read (is it still being written?)" in told


def test_an_image_unlike_the_others_is_told(tmp_path: Path) -> None:
    for n, image in enumerate([frames(1)[0], frames(1, shape=(2, 2))[0], frames(1)[0]]):
        np.save(tmp_path / f"s_{n}.npy", image)
    resource = hdf5_resource(tmp_path / "s", "NPY_SEQ")
    docs = run_of_resources([resource], [(0, {"index": n}) for n in range(3)], (6, 8))
    _, told = fail_to_copy(tmp_path, docs)
    assert "s_1.npy has uint16 frames of shape (2, 2), earlier ones are" in told


def test_a_full_disk_leaves_the_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: Any, target: Any, *_: int) -> None:
        target.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", refuse)
    raw = area_detector_file(tmp_path / "raw.h5", frames(4))
    path, told = fail_to_copy(tmp_path, flight(raw))
    assert "No space left on device; free space" in told
    assert is_link(path)


def test_a_fault_of_ours_is_told_and_the_next_run_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [ZeroDivisionError("a bug")]
    format_of = changed_copy._format

    def fail_once(place: Place) -> tuple[str, str]:
        if faults:
            raise faults.pop()
        return format_of(place)

    monkeypatch.setattr(changed_copy, "_format", fail_once)
    raw = area_detector_file(tmp_path / "raw.h5", frames(4))
    with NexusWriter(tmp_path, images="copy", file_name="{uid}") as writer:
        for _ in range(2):
            send(writer, flight(raw))
    (failure,) = writer.status().failures
    assert failure.cause == "ZeroDivisionError: a bug"
    assert sorted(map(is_link, tmp_path.glob("*.hdf"))) == [False, True]


def test_when_no_thread_can_be_started_close_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name.endswith("-later"):
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    raw = area_detector_file(tmp_path / "raw.h5", frames(4))
    assert not is_link(write(tmp_path, flight(raw), images="copy"))


CHILD = """
import sys, threading, time
from pathlib import Path
from bluescribe import NexusWriter
from bluescribe.recording import backend as module
from bluescribe.hdf5.images import streaming
from tests.formats.images import *
folder, case = Path(sys.argv[1]), sys.argv[2]
raw = folder / "raw.h5"
module._EXIT_SECONDS = 60.0 if case == "complete" else 0.5
looks = iter(range(1000))
def look(give_up, original=streaming.raise_if_given_up):
    if case == "killed" and next(looks) == 20:
        print("copying", flush=True)
        time.sleep(60)
    original(give_up)
streaming.raise_if_given_up = look
writer = NexusWriter(folder, images="copy", images_timeout=60)
for name, doc in run_of_streams([hdf5_stream(raw)], [(0, 0, 40)], (1, 6, 8)):
    writer(name, doc)
if case == "killed":
    time.sleep(60)
"""


def child(folder: Path, case: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), case]
    pipe = subprocess.PIPE
    return warm.Popen(command, stdout=pipe, stderr=pipe, text=True)


def test_after_kill_9_in_the_middle_of_a_copy_the_file_is_whole(tmp_path: Path) -> None:
    area_detector_file(tmp_path / "raw.h5", frames(40), compression="gzip")
    with child(tmp_path, "killed") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "copying\n"
        process.send_signal(signal.SIGKILL)
    (path,) = tmp_path.glob("*.hdf")
    assert list(tmp_path.glob(".*.hdf.*.part"))
    assert is_link(path)
    with h5py.File(path) as file:
        assert np.array_equal(file[CAMERA]["value"], frames(40))
        assert file["/entry/instrument/bluesky/exit_status"].asstr()[()] == "success"


def test_a_program_that_ends_copies_first(tmp_path: Path) -> None:
    area_detector_file(tmp_path / "raw.h5", frames(40))
    with child(tmp_path, "complete") as process:
        assert process.wait(60) == 0
    (path,) = tmp_path.glob("*.hdf")
    assert not is_link(path)


def test_a_program_that_ends_does_not_wait_for_ever(tmp_path: Path) -> None:
    began = time.monotonic()
    with child(tmp_path, "missing") as process:
        _, told = process.communicate(timeout=60)
    assert time.monotonic() - began < 20
    (path,) = tmp_path.glob("*.hdf")
    assert "These files are complete but still link them" in told
    assert str(path) in told
    assert is_link(path)
