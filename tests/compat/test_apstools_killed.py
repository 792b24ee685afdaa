"""A session that is killed in a run: the next one finishes the files where the attributes said."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import h5py
import pytest
import spec2nexus.spec

from tests import warm
from tests.process.children import eventually, processes
from tests.system.adopting import left, next_session

SCRIPT = """
import os, signal
from bluesky import RunEngine, plan_stubs as bps
from ophyd.sim import det
from bluescribe.compat.apstools import NXWriterAPS, SpecWriterCallback2

class MyNXWriter(NXWriterAPS):
    def get_sample_title(self):
        return "mine"

RE = RunEngine({})
nxwriter, specwriter = MyNXWriter(), SpecWriterCallback2()
RE.subscribe(nxwriter.receiver)
RE.subscribe(specwriter.receiver)
nxwriter.file_name = "sub/sample.h5"
specwriter.newfile("sub/sample.dat", scan_id=6, RE=RE)

def plan():
    yield from bps.open_run()
    for _ in range(3):
        yield from bps.trigger_and_read([det])
    yield from bps.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)

RE(plan())
"""


@pytest.mark.parametrize("way", ["threads", pytest.param("processes", marks=pytest.mark.ci)])
def test_the_files_are_finished_where_they_were_to_be(way, tmp_path, monkeypatch):
    monkeypatch.setenv("BLUESCRIBE_PROCESS", str(way == "processes").lower())
    script = tmp_path / "session.py"
    script.write_text(SCRIPT)
    done = warm.run(
        [sys.executable, str(script)], cwd=tmp_path, timeout=60, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    eventually(lambda: not processes(of=1))
    with next_session({"JSONL_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(tmp_path / "next")}}):
        pass
    assert left() == []
    assert {*Path(tmp_path / "sub").glob("sample.*")} >= {
        tmp_path / "sub" / "sample.h5",
        tmp_path / "sub" / "sample.dat",
    }
    with h5py.File(tmp_path / "sub" / "sample.h5") as root:
        assert root["entry/title"][()] == b"mine"
        assert root["entry/data/det"].shape == (3,)
    scans = spec2nexus.spec.SpecDataFile(str(tmp_path / "sub" / "sample.dat"))
    assert scans.getScanNumbers() == ["7"]
    assert len(scans.getScan("7").data["det"]) == 3
