"""ophyd-async at a real IOC: signals, a motor, an area detector whose file grows, a disconnect."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest
import tifffile

from tests import epics_ioc
from tests.area_detector_ioc import ATTRIBUTE, attribute, frame
from tests.contracts import CONTRACTS
from tests.queue_server import emitted

pytest.importorskip("caproto", reason="not installed: caproto")
pytest.importorskip("aioca", reason="not installed: aioca")

from tests.system.epics_async_session import POINTS, values

pytestmark = [pytest.mark.ci, pytest.mark.slow]

SESSION = """
import sys, pathlib
from tests.system.epics_async_session import main  # by its name: what it emits is pickled
main(pathlib.Path(sys.argv[1]))
"""
TABLES = ("csv", "hdf5", "json", "jsonl", "nexus")
WHOLE, CUT, AGAIN = 2, 3, 4
"""Scans with images: whole, cut by the death of the IOC, and whole again when it is back."""
TAKEN = {WHOLE: POINTS, CUT: 2, AGAIN: POINTS}


class Session(NamedTuple):
    """What a session has left."""

    folder: Path
    documents: list
    raised: list[str]

    def file(self, scan, ending, folder="data"):
        """Return the file of a run."""
        (path,) = (self.folder / folder).glob(f"*-S{scan:05d}-*{ending}")
        return path


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("epics")
    done = subprocess.run(
        [sys.executable, "-c", SESSION, str(folder)],
        cwd=epics_ioc.TOP,
        env=epics_ioc.environment(),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    documents = [(name, doc) for _, name, doc in emitted(folder / "emitted")]
    return Session(folder, documents, (folder / "raised").read_text().splitlines())


def read(name, session):
    """Return the runs of a format by their numbers."""
    runs = CONTRACTS[name]().read_back(session.folder / "data")
    return {run.start["scan_id"]: run for run in runs if run.start is not None}


def frames(number):
    """Return what the detector took in so many points."""
    return np.array([frame(each) for each in range(1, number + 1)])


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_format_has_all_that_was_measured(name, session):
    contract = CONTRACTS[name]()
    contract.check_runs(contract.read_back(session.folder / "data"), session.documents)
    if name != "nexus":  # it links the file that the killed IOC had open, which h5clear has to mend
        contract.check_files(session.folder / "data")


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("scan", [1, WHOLE, CUT, AGAIN])
def test_the_values_are_those_that_the_signals_were_set_to(name, scan, session):
    number = TAKEN.get(scan, POINTS)
    found = read(name, session)[scan].events["primary"]
    columns = {key: [np.asarray(value).tolist() for value in found[key]] for key in found}
    assert len(columns["m1"]) == number  # its readback comes after the move is done, at times
    for key in values(0):
        assert columns[f"sample-{key}"] == [values(p)[key] for p in range(number)], key
    spectra = [(np.arange(8) / 4 + point).tolist() for point in range(number)]
    assert columns["sample-spectrum"] == spectra


def test_a_disconnect_fails_the_run_and_the_next_one_is_whole(session):
    (raised,) = session.raised
    assert "sim" in raised or "sample" in raised
    for name in TABLES:
        runs = read(name, session)
        status = {scan: (run.stop or {}).get("exit_status") for scan, run in runs.items()}
        assert status == {1: "success", WHOLE: "success", CUT: "fail", AGAIN: "success"}, name
        for scan, number in TAKEN.items():
            assert runs[scan].seq_num["primary"] == list(range(1, number + 1)), name


@pytest.mark.parametrize(
    ("folder", "scan"),
    [("data", WHOLE), ("data", AGAIN), ("copied", WHOLE), ("copied", CUT), ("copied", AGAIN)],
)
def test_nexus_leads_to_all_images_or_has_them(folder, scan, session):
    number = TAKEN[scan]
    with h5py.File(session.file(scan, ".hdf", folder)) as file:
        primary = file["entry/instrument/bluesky/streams/primary"]
        images = primary["sim/value"]
        np.testing.assert_array_equal(images[()].reshape(-1, *images.shape[-2:]), frames(number))
        ring = primary[f"{ATTRIBUTE}/value"][()].ravel().tolist()
        assert ring == [attribute(each) for each in range(1, number + 1)]


def test_the_file_that_the_killed_ioc_had_open_is_named_and_has_all_frames(session):
    """HDF5 opens it for those alone who ask for SWMR, until h5clear has mended it."""
    with h5py.File(session.file(CUT, ".hdf")) as file:
        asset = file["entry/instrument/bluesky/streams/primary/sim/asset_1"][()].decode()
    (path,) = [p for p in (session.folder / "detector").glob("*.h5") if p.name in asset]
    with h5py.File(path, swmr=True) as file:
        np.testing.assert_array_equal(file["entry/data/data"], frames(TAKEN[CUT]))


@pytest.mark.parametrize("scan", TAKEN)
def test_tiff_and_data_exchange_have_all_images(scan, session):
    stack = tifffile.imread(session.file(scan, "-primary-sim.tif"))
    np.testing.assert_array_equal(stack.reshape(-1, *stack.shape[-2:]), frames(TAKEN[scan]))
    if scan == CUT:  # Data Exchange links the file, as NeXus does
        return
    with h5py.File(session.file(scan, ".dx.h5")) as file:
        np.testing.assert_array_equal(file["exchange/data"][()], frames(TAKEN[scan]))


def test_nexus_tells_what_the_records_declare(session):
    with h5py.File(session.file(1, ".hdf")) as file:
        primary = file["entry/instrument/bluesky/streams/primary"]
        temperature = dict(primary["sample-temperature/value"].attrs)
        assert (temperature["units"], temperature["precision"]) == ("K", 4)
        assert temperature["source"] == f"ca://{epics_ioc.PREFIX}temperature"
        assert primary["m1/value"].attrs["units"] == "mm"
        choices = primary["sample-mode/value"].attrs["enum_strs"]
        assert list(choices) == ["idle", "counting", "error"]
