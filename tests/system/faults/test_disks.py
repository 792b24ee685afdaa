"""Disks that are full, gone or read-only under a real scan with all writers on."""

from __future__ import annotations

import logging
import resource
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import bluesky.plan_stubs as bps
import h5py
import numpy as np
import pytest

from bluescribe import subscribe_writers
from bluescribe.errors import DirectoryError
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import recording
from tests import warm
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE, scan, told
from tests.extent import IS_LONG
from tests.system.faults import instrument
from tests.system.faults.disks import mount, small_disk

pytestmark = pytest.mark.timeout(120)
POINTS = 100


@contextmanager
def session(folder, retry_seconds: float, names=tuple(CONTRACTS), **shared):
    shared |= {
        "DIRECTORY": str(folder),
        "RETRY_SECONDS": retry_seconds,
        "DRAIN_TIMEOUT": PATIENCE,
    }
    switches = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in names}
    with recording() as (engine, documents):
        writers = subscribe_writers(engine, {"DATA_FILES": shared, **switches})
        yield engine, writers, documents
        writers.close()


def long_scan(at: dict[int, Any], points: int = POINTS, elements: int = 300):
    """Take points with a spectrum each; call what is told before some of them."""
    detector = instrument.Detector(has_array=True)
    detector._fields["spectrum"] = lambda n: np.arange(elements) + n / 8
    yield from bps.open_run({})
    for n in range(points):
        if n in at:
            at[n]()
        yield from bps.trigger_and_read([detector])
        yield from bps.sleep(0.01)
    yield from bps.close_run()


def check_all(folder, documents):
    for name, contract in CONTRACTS.items():
        found = contract().read_back(folder)
        contract().check_runs(found, documents)
        for run in found:
            if name != "spec":
                assert run.stop is not None


@pytest.mark.ci
@pytest.mark.parametrize("leave", [0, 50_000, *([5_000, 200_000] if IS_LONG else [])])
def test_a_full_disk_that_is_freed_in_time_loses_nothing(tmp_path, leave, caplog):
    with small_disk(tmp_path / "disk") as disk:
        with session(disk.path, retry_seconds=60) as (engine, writers, documents):
            timer = threading.Timer(2.0, disk.free)

            def fill():
                disk.fill(leave)
                timer.start()

            engine(long_scan({20: fill}, elements=500))
            timer.join()
            assert writers.flush(PATIENCE)
            for status in writers.status().values():
                assert not status.failures, status
        assert any("Trying again" in line for line in told(caplog)), "the disk was never full"
        check_all(disk.path, documents)


def test_a_disk_that_is_full_from_the_start_is_waited_for(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        disk.fill()
        with session(disk.path, retry_seconds=60) as (engine, writers, documents):
            timer = threading.Timer(1.5, disk.free)
            timer.start()
            engine(long_scan({}, points=30))
            assert writers.flush(PATIENCE)
            for status in writers.status().values():
                assert not status.failures, status
        check_all(disk.path, documents)


def test_a_disk_that_stays_full_costs_nothing(tmp_path, caplog):
    other = tmp_path / "other"
    with (
        small_disk(tmp_path / "disk") as disk,
        session(disk.path, retry_seconds=0.5, names=("nexus", "csv", "spec")) as (
            engine,
            writers,
            documents,
        ),
    ):
        with CONTRACTS["jsonl"]().make(other) as journal:
            engine.subscribe(journal)
            began = time.monotonic()
            engine(long_scan({20: disk.keep_full}))
            assert time.monotonic() - began < 30
            for status in writers.status().values():
                assert len(status.late) == 1, status
                assert "free space" in status.late[0].remedy
            words = told(caplog, logging.ERROR)  # formats that meet it at the same time share one
            assert 1 <= len(words) <= 3
            assert all(any(name in word for word in words) for name in ("nexus", "csv", "spec"))
            CONTRACTS["jsonl"]().check_runs(CONTRACTS["jsonl"]().read_back(other), documents)
            disk.free()
            engine(long_scan({}, points=10))
            assert writers.flush(PATIENCE)
        for name in ("nexus", "csv", "spec"):
            contract = CONTRACTS[name]()
            contract.check_runs(contract.read_back(disk.path), documents)


def test_a_folder_that_is_removed_in_the_midst(tmp_path):
    folder = tmp_path / "data"
    with session(folder, retry_seconds=0.3) as (engine, writers, documents):
        engine(long_scan({20: lambda: shutil.rmtree(folder)}, points=60))
        for status in writers.status().values():
            assert len(status.late) == 1, status
        engine(long_scan({}, points=10))
    check_all(folder, documents)


def test_a_mount_that_goes_away_and_another_run(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        with session(disk.path, retry_seconds=0.3) as (engine, writers, documents):
            engine(long_scan({20: disk.unmount}, points=60))
            for status in writers.status().values():
                assert len(status.late) == 1, status
            engine(long_scan({}, points=10))
            assert writers.flush(PATIENCE)
        check_all(disk.path, documents)


def test_a_read_only_folder_is_reported_and_then_written_again(tmp_path, caplog):
    folder = tmp_path / "data"
    folder.mkdir()
    mount("--bind", str(folder), str(folder))
    try:
        with session(folder, retry_seconds=0.3) as (engine, writers, documents):
            mount("-o", "remount,ro,bind", str(folder))
            with pytest.raises(DirectoryError, match="Read-only file system; that file system is "):
                subscribe_writers(
                    engine, {"CSV_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(folder)}}
                )
            engine(scan())
            for status in writers.status().values():
                assert len(status.late) == 1, status
                assert "read-only" in status.late[0].remedy
            mount("-o", "remount,rw,bind", str(folder))
            engine(scan())
            assert writers.flush(PATIENCE)
        check_all(folder, documents)
    finally:
        warm.run(["umount", "-l", str(folder)], check=False)


def test_too_many_open_files_are_waited_for(tmp_path):
    with session(tmp_path / "data", retry_seconds=60) as (engine, writers, documents):
        m1 = motor()
        gauss(m1)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = len(list(Path("/proc/self/fd").iterdir()))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used - 1, hard))
        timer = threading.Timer(
            1.5, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        )
        timer.start()
        try:
            engine(scan())
            timer.join()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert writers.flush(PATIENCE)
        for status in writers.status().values():
            assert not status.failures, status
    check_all(tmp_path / "data", documents)


def test_a_limit_on_the_size_of_files_costs_that_run(tmp_path):
    with session(tmp_path / "data", retry_seconds=0.3) as (engine, writers, documents):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            engine(long_scan({}, points=60))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        status = writers.status()["nexus"]
        assert status.late or status.failures  # the spool may not have taken all of it either
        (tmp_path / "data").rename(tmp_path / "of before")  # in one step: files come meanwhile
        before = len(documents)
        engine(scan())
        writers.flush(PATIENCE)
    for contract in CONTRACTS.values():
        found = contract().read_back(tmp_path / "data")
        contract().check_runs(found[-1:], documents[before:])


def test_images_are_not_copied_onto_a_full_disk(tmp_path, caplog):
    """The file keeps its links, and the process lives: HDF5 does not survive a write that fails."""
    program = """
        import sys
        from pathlib import Path
        import h5py, numpy as np
        from event_model import compose_run, compose_resource
        from bluescribe import NexusWriter

        folder, images = Path(sys.argv[1]), Path(sys.argv[2])
        with h5py.File(images / "frames.h5", "w") as file:
            file["entry/data/data"] = np.random.default_rng(1).integers(0, 999, (40, 256, 256))
        writer = NexusWriter(folder, images="copy")
        run = compose_run()
        writer("start", run.start_doc)
        key = {"dtype": "array", "shape": [256, 256], "source": "x", "external": "FILESTORE:"}
        primary = run.compose_descriptor(name="primary", data_keys={"img": key})
        writer("descriptor", primary.descriptor_doc)
        resource = run.compose_resource(spec="AD_HDF5", root=str(images),
            resource_path="frames.h5", resource_kwargs={"frame_per_point": 1})
        writer("resource", resource.resource_doc)
        for n in range(40):
            datum = resource.compose_datum(datum_kwargs={"point_number": n})
            writer("datum", datum)
            writer("event", primary.compose_event(
                data={"img": datum["datum_id"]}, timestamps={"img": 1.0}, filled={"img": False}))
        writer("stop", run.compose_stop())
        writer.close()
        (failure,) = writer.status().failures
        assert "No space left" in failure.cause, failure
        print(writer.status().last_file)
    """
    with small_disk(tmp_path / "disk", 8000) as disk:
        command = [sys.executable, "-c", dedent(program), str(disk.path), str(tmp_path)]
        done = warm.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with h5py.File(done.stdout.strip()) as file:
            assert file["/entry/instrument/bluesky/streams/primary/img/value"].shape[0] == 40
        # what is still to be done is noted, for the next session or `recover`
        assert sorted(path.suffix for path in disk.path.iterdir()) == [".hdf", ".owed"]


CLOSING = """
    import os, sys
    from pathlib import Path
    from bluescribe.files import Place
    from bluescribe.hdf5.file import LiveFile

    def new(name):
        path = Path(sys.argv[1], name)
        path.touch()
        file = LiveFile(Place.at(path), is_live=True)
        file.h5.create_dataset("x", data=[1, 2, 3])
        return file

    broken = new("broken.h5")
    if sys.argv[2] == "live":
        broken.go_live()
    broken.flush()
    os.dup2(os.open("/dev/full", os.O_RDWR), broken.h5.id.get_vfd_handle())
    try:
        broken.close()
    except Exception as error:
        print("refused" if "write failed" in str(error) else repr(error))
    broken.abandon()
    new("next.h5").finish()
"""


@pytest.mark.parametrize("mode", ["plain", "live"])
def test_a_file_that_hdf5_cannot_close_costs_no_other(tmp_path, mode):
    """HDF5 ends the process when it is handed such a file again."""
    command = [sys.executable, "-X", "faulthandler", "-c", dedent(CLOSING), str(tmp_path), mode]
    done = warm.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
    with h5py.File(tmp_path / "next.h5") as file:
        assert file["x"][()].tolist() == [1, 2, 3]
