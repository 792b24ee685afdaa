"""Data Exchange files of sessions that were killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe import DxWriter
from tests import warm
from tests.formats.images import area_detector_file, frames, hdf5_stream, run_of_streams
from tests.formats.test_json import STOP, documents
from tests.recovering import recover

_CHILD = """
import os, sys
from pathlib import Path
import numpy as np
from bluescribe import DxWriter, JsonlWriter
from tests.formats.test_json import documents
from tests.formats.images import *
folder, kind, live = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "live"
if kind == "events":
    docs = documents(*({"camera": np.full((3, 4), n), "x": n} for n in range(5)))
else:
    docs = run_of_streams([hdf5_stream(folder / "raw.h5")], [(0, 0, 5)], (1, 6, 8))
    docs[1][1]["data_keys"]["x"] = {"dtype": "number", "shape": [], "source": "x"}
    event = {"data": {"x": 0}, "timestamps": {"x": 1.0}, "time": 1.0, "filled": {}}
    event["descriptor"] = docs[1][1]["uid"]
    events = [("event", {**event, "uid": f"e{n}", "seq_num": n + 1}) for n in range(5)]
    docs = [*docs[:-1], *events]
dx = DxWriter(folder, file_name="run", theta="x", live=live)
journal = JsonlWriter(folder, file_name="run")
for document in docs:
    dx(*document)
    journal(*document)
dx.flush()
journal.flush()
os.kill(os.getpid(), 9)
"""


def killed(folder: Path, kind: str, live: str) -> Path:
    if kind == "files":
        area_detector_file(folder / "raw.h5", frames(5))
    command = [sys.executable, "-c", _CHILD, str(folder), kind, live]
    done = warm.run(command, timeout=60, check=False, capture_output=True)
    assert done.returncode == -9, done.stderr
    return folder / "run.dx.h5"


def outcome(folder: Path) -> list[tuple[str, str]]:
    report = recover(folder)
    assert not report.failed, report.failed
    return [(step.path.name, step.outcome) for step in report.steps]


@pytest.mark.parametrize("live", ["live", "old"])
@pytest.mark.parametrize("kind", ["events", "files"])
def test_a_killed_run_is_written_anew_from_its_journal(kind, live, tmp_path):
    path = killed(tmp_path, kind, live)
    assert ("run.dx.h5", "written anew") in outcome(tmp_path)
    with h5py.File(path) as file:
        images = file["exchange/data"][()]
        assert len(images) == 5
        if kind == "files":
            assert np.array_equal(images, frames(5))
        assert len(file["exchange/theta"]) == len(file["process/acquisition/data/seq_num"]) == 5
        assert "stop" not in file["process/acquisition"]
    assert not recover(tmp_path).steps


@pytest.mark.parametrize("kind", ["events", "files"])
def test_a_killed_run_without_a_journal_is_closed(kind, tmp_path):
    path = killed(tmp_path, kind, "live")
    (tmp_path / "run.jsonl").unlink()
    with pytest.raises(OSError, match="already open for"):
        h5py.File(path)
    assert outcome(tmp_path) == [("run.dx.h5", "mended")]
    with h5py.File(path) as file:
        assert len(file["exchange/theta"]) == len(file["process/acquisition/data/seq_num"]) == 5
        assert ("data" in file["exchange"]) == (kind == "events")
    assert not recover(tmp_path).steps


def test_a_killed_run_whose_images_are_gone_has_its_rows(tmp_path):
    path = killed(tmp_path, "files", "live")
    (tmp_path / "raw.h5").unlink()
    assert ("run.dx.h5", "written anew") in outcome(tmp_path)
    with h5py.File(path) as file:
        assert len(file["exchange/theta"]) == 5
        assert "data" not in file["exchange"]
    assert not recover(tmp_path).steps


def test_a_torn_file_of_a_run_that_had_just_begun_is_put_aside(tmp_path):
    """The journal has no image yet: nothing can be had of the run, and nothing was lost."""
    path = killed(tmp_path, "events", "live")
    path.write_bytes(path.read_bytes()[:900])
    journal = tmp_path / "run.jsonl"
    journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])
    assert outcome(tmp_path) == [("run.dx.h5", "set aside")]
    assert [name.name for name in tmp_path.glob("*.dx.h5*")] == ["run.dx.h5.damaged"]
    assert not recover(tmp_path).steps


def test_half_rows_are_cut(tmp_path):
    path = killed(tmp_path, "events", "old")
    (tmp_path / "run.jsonl").unlink()
    with h5py.File(path, "r+") as file:
        file["exchange/data"].resize(3, axis=0)
    assert outcome(tmp_path) == [("run.dx.h5", "mended")]
    with h5py.File(path) as file:
        assert file["exchange/data"].shape == (3, 3, 4)
        assert file["exchange/theta"][()].tolist() == [0, 1, 2]
        assert len(file["process/acquisition/data/time"]) == 3


def test_whole_files_and_those_of_others_are_left_alone(tmp_path):
    rows: Any = [{"camera": np.eye(3)}] * 2
    with DxWriter(tmp_path, file_name="run") as writer:
        for document in [*documents(*rows), ("stop", STOP)]:
            writer(*document)
    area_detector_file(tmp_path / "other.dx.h5", frames(2))
    docs = run_of_streams([hdf5_stream(tmp_path / "gone.h5")], [(0, 0, 2)], (1, 6, 8))
    with DxWriter(tmp_path, file_name="missing", images_timeout=0) as writer:
        for name, doc in docs:
            writer(name, doc)
    report = recover(tmp_path)
    assert not report.steps
    assert report.whole == 2
