"""A process that dies while images are waited for, or copied: another one does the rest."""

from __future__ import annotations

from functools import partial

import h5py
import numpy as np
import pytest

from bluescribe import NexusWriter
from bluescribe.contract.report import RunReport
from tests.formats.images import area_detector_file, frames, hdf5_stream, run_of_streams
from tests.process.children import PATIENCE, eventually, processes, strike

pytestmark = pytest.mark.usefixtures("processes")
COPIED = {"images": "copy", "images_timeout": PATIENCE, "drain_timeout": PATIENCE}


@pytest.mark.parametrize("kills", [0, 1, 2])
def test_images_are_copied_by_another_process(tmp_path, kills):
    raw = tmp_path / "raw.h5"
    reports: list[RunReport] = []
    with NexusWriter(tmp_path / "out", **COPIED) as writer:
        writer.on_complete(reports.append)
        for document in run_of_streams([hdf5_stream(raw)], [(0, 0, 4)], (1, 6, 8)):
            writer(*document)
        assert writer.status().runs_written == 1
        for _ in range(kills):
            before = processes()
            strike()
            eventually(partial(is_replaced, before))
            eventually(lambda: writer.status().copying)
        assert not reports
        area_detector_file(tmp_path / "part.h5", frames(4)).rename(raw)
        eventually(lambda: reports)
        assert writer.status().runs_written == 1
        assert not writer.status().copying
    (report,) = reports
    assert not report.failures
    assert not report.is_owed
    raw.unlink()
    with h5py.File(report.files[0]) as file:
        found = [
            file[name] for name in _datasets(file) if file[name].shape == (4, *frames(4).shape[1:])
        ]
        assert any(np.array_equal(each, frames(4)) for each in found)
    assert not list((tmp_path / "out").glob("*.owed"))
    assert not list((tmp_path / "out").glob("*.damaged"))


def test_what_a_process_tells_that_was_left_overwrites_no_account(tmp_path):
    """Its writer replays: what is copied is reported, and the account is another one's."""
    raw = tmp_path / "raw.h5"
    reports: list[RunReport] = []
    with NexusWriter(tmp_path / "out", **COPIED) as writer:
        writer.on_complete(reports.append)
        for document in run_of_streams([hdf5_stream(raw)], [(0, 0, 4)], (1, 6, 8)):
            writer(*document)
        eventually(lambda: writer.status().copying)
        writer.replay()
        there = area_detector_file(tmp_path / "there.h5", frames(1))
        for document in run_of_streams([hdf5_stream(there)], [(0, 0, 1)], (1, 6, 8)):
            writer(*document)
        eventually(lambda: len(reports) == 1)
        area_detector_file(tmp_path / "part.h5", frames(4)).rename(raw)
        eventually(lambda: len(reports) == 2)
        eventually(lambda: not processes())
        assert writer.status().runs_written == 2
        assert not writer.status().copying
    assert not list((tmp_path / "out").glob("*.owed"))


def _datasets(file):
    found: list[str] = []
    file.visit(found.append)
    return [name for name in found if isinstance(file[name], h5py.Dataset)]


def is_replaced(before):
    return processes() not in ([], before)
