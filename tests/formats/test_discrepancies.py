"""A run that did not come as its stop document says is told, and marked in every file."""

from __future__ import annotations

import json
import logging

import bluesky.plans as bp
import h5py
import numpy as np
import pandas
import pytest
from frictionless import validate
from nexusformat.nexus import nxload
from ophyd.sim import SynSignal
from silx.io.utils import open as silx_open
from spec2nexus.spec import SpecDataFile

import bluescribe
from bluescribe import CsvWriter, JsonlWriter, Writers
from bluescribe.formats import load_format
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import play
from tests.extent import IS_LONG
from tests.recovering import recover

FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")
MARKED = sorted(set(FORMATS) - {"jsonl"})
LOST = "3 of 5 events of primary came: seq_num 3, 5 did not"
TWICE = "2 events of primary came twice: seq_num 1-2"


@pytest.fixture(scope="module")
def documents():
    """Return a scan of a RunEngine that lost events on their way, and has others twice."""
    m1 = motor()
    camera = SynSignal(func=lambda: np.ones((4, 5), "uint16"), name="camera")
    whole = play(bp.scan([gauss(m1), camera], m1, -1, 1, 5))
    first = next(i for i, (name, _) in enumerate(whole) if name == "event")
    events, last = whole[first : first + 5], whole[first + 5 :]
    assert [name for name, _ in last] == ["stop"]
    return [*whole[:first], *events[:2], *events[:2], events[3], *last]


def write(folder, documents, formats=FORMATS):
    with Writers({name: load_format(name)(folder) for name in formats}) as writers:
        for pair in documents:
            writers(*pair)
        return writers.status()


def marks(folder):
    """Return what the files say of the run, as their ordinary readers find it; by format."""
    (package,) = folder.glob("*.datapackage.json")
    (images,) = folder.glob("*.tiff.json")
    (document,) = set(folder.glob("*.json")) - {package, images}
    (spec,) = folder.glob("*.dat")
    (nexus,) = folder.glob("*.hdf")
    (dx,) = folder.glob("*.dx.h5")
    (raw,) = set(folder.glob("*.h5")) - {dx}
    found = {
        "csv": json.loads(package.read_text())["discrepancies"],
        "tiff": json.loads(images.read_text())["discrepancies"],
        "json": json.loads(document.read_text())["metadata"]["discrepancies"],
    }
    with h5py.File(raw) as file:
        found["hdf5"] = list(file.attrs["discrepancies"])
    with h5py.File(dx) as file:
        found["dx"] = file["process/acquisition/discrepancies"][()].decode().split("\n")
    bluesky = nxload(str(nexus))["entry/instrument/bluesky"]
    found["nexus"] = bluesky["discrepancies"].nxvalue.split("\n")
    comments = SpecDataFile(str(spec)).scans["1"].comments
    found["spec"] = [line for line in comments if " of primary " in line]
    with silx_open(str(spec)) as file:
        assert len(file["1.1/measurement/m1"]) == 5
    assert validate(str(package)).valid
    assert len(pandas.read_csv(next(folder.glob("*-primary.csv")))) == 5
    return found


def told(caplog):
    texts = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    return [text for text in texts if "did not come as it was taken" in text]


def test_every_file_says_what_came_amiss_and_the_log_once(documents, tmp_path, caplog):
    status = write(tmp_path, documents)
    assert marks(tmp_path) == {name: [LOST, TWICE] for name in MARKED}
    (warning,) = told(caplog)
    assert f"{LOST}; {TWICE}" in warning
    assert f"run {documents[0][1]['uid'][:7]} (scan 1)" in warning
    assert str(tmp_path) in warning
    assert "export it again from" in warning
    for name, one in status.items():
        (entry,) = one.discrepancies
        assert entry.what == (LOST, TWICE), name
        assert LOST in str(one)
        assert not one.failures
    (journal,) = tmp_path.glob("*.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [(name, doc["uid"]) for name, doc in lines] == [(n, d["uid"]) for n, d in documents]


@pytest.mark.parametrize("jobs", [1, 2] if IS_LONG else [1])
def test_export_marks_the_same_and_does_not_call_it_complete(documents, tmp_path, caplog, jobs):
    write(tmp_path / "live", documents, ["jsonl"])
    caplog.clear()
    formats = [*MARKED] if jobs == 1 else ["csv", "spec"]
    done = bluescribe.export(tmp_path / "live", tmp_path / "out", formats, jobs=jobs)
    assert not done.failures
    (line,) = done.discrepancies
    assert line.endswith(f"{LOST}; {TWICE}")
    assert "INCOMPLETE AT ITS SOURCE" in str(done)
    if jobs == 1:
        assert marks(tmp_path / "out") == {name: [LOST, TWICE] for name in MARKED}
        assert len(told(caplog)) == 1


def test_recover_marks_the_same(documents, tmp_path):
    write(tmp_path, documents, ["jsonl", "csv"])
    (package,) = tmp_path.glob("*.datapackage.json")
    live = json.loads(package.read_text())
    package.write_text(json.dumps({**live, "state": "recording", "discrepancies": []}))
    assert not recover(tmp_path).failed
    (package,) = tmp_path.glob("*.datapackage.json")
    assert json.loads(package.read_text())["discrepancies"] == [LOST, TWICE]


def test_a_whole_run_that_comes_again_is_told(documents, tmp_path, caplog):
    whole = [pair for pair in documents if pair[0] != "event"]
    whole[-1] = ("stop", {**whole[-1][1], "num_events": {}})
    write(tmp_path, [*whole, *whole], ["csv", "jsonl"])
    (warning,) = told(caplog)
    assert "the whole run came before in this session" in warning
    packages = {p.name: json.loads(p.read_text()) for p in tmp_path.glob("*.datapackage.json")}
    assert {"discrepancies" in package for package in packages.values()} == {False, True}
    assert all("discrepancies" in packages[name] for name in packages if "-2." in name)


def test_writers_of_one_format_tell_for_themselves(documents, tmp_path, caplog):
    for writer in (CsvWriter(tmp_path), JsonlWriter(tmp_path)):
        with writer:
            for pair in documents:
                writer(*pair)
    assert len(told(caplog)) == 2


def test_the_command_says_so_too(documents, tmp_path):
    from typer.testing import CliRunner

    from bluescribe.commands.cli import app

    write(tmp_path, documents, ["jsonl"])
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["export", str(tmp_path), "--to", "csv", "--out", str(out)])
    assert done.exit_code == 2  # a folder wants to know which runs
    arguments = ["export", str(tmp_path), "--all", "--to", "csv", "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "INCOMPLETE AT ITS SOURCE" in done.output
    assert LOST in done.output
