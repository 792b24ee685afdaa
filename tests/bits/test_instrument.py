"""The template of BITS, with its iconfig.yml as it comes and three lines in its startup file."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import pexpect
import pytest
from spec2nexus.spec import SpecDataFile

from tests.checking.said import warned
from tests.queue_server import QueueServer, missing

SECONDS = 240
PROMPT = r"In \[\d+\]: "
POINTS = 11
STARTUP = """\
from sector.startup import *

sim_det, sim_motor = oregistry["sim_det"], oregistry["sim_motor"]  # by name, for the queue
"""


def points(path: Path) -> list[int]:
    """Return the number of rows of each scan."""
    return [len(scan.data["Epoch"]) for scan in SpecDataFile(str(path)).scans.values()]


@pytest.fixture
def ipython(instrument):
    command = ["-m", "IPython", "--simple-prompt", "-i", "-c", "from sector.startup import *"]
    session = pexpect.spawn(
        sys.executable, command, cwd=str(instrument.folder), timeout=SECONDS, encoding="utf-8"
    )
    session.expect(PROMPT)
    yield session
    session.close(force=True)


def say(session: pexpect.spawn, line: str) -> str:
    session.sendline(line)
    session.expect(PROMPT)
    return str(session.before)


def test_a_session_in_ipython(instrument, ipython):
    before = instrument.iconfig.read_bytes()
    say(ipython, "newSpecFile('LaB6 at 5 K', RE=RE)")
    said = say(ipython, "RE(sim_rel_scan_plan())")
    assert "rel_scan" in said, said
    say(ipython, "spec_comment('aligned')")
    say(ipython, "RE(sim_count_plan(num=2))")
    said = say(ipython, "print(writers.status())")
    assert re.search(r"^spec +on +2 +13 +0 ", said, re.M), said
    said = say(ipython, "writers.check()")
    assert "warnings: ready" in said
    assert warned(said) == []
    ipython.sendline("exit()")
    ipython.expect(pexpect.EOF)
    (path,) = instrument.folder.glob("*_LaB6_at_5_K.dat")
    assert points(path) == [POINTS, 2]
    text = path.read_text()
    assert text.index("#S 1 ") < text.index("aligned") < text.index("#S 2 ")
    assert instrument.iconfig.read_bytes() == before
    assert not list(instrument.folder.glob("*.hdf"))


def test_the_command_reads_the_iconfig_of_the_template(instrument):
    command = [sys.executable, "-m", "bluescribe", "check", str(instrument.iconfig)]
    done = subprocess.run(
        command, cwd=instrument.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("warnings: ready\n")
    assert warned(done.stdout) == []


def test_nexus_is_one_switch(instrument, ipython):
    """ENABLE of the template's own block is all; the files say the title as its callback did."""
    ipython.sendline("exit()")
    ipython.expect(pexpect.EOF)
    text = instrument.iconfig.read_text()
    instrument.iconfig.write_text(text.replace("ENABLE: false", "ENABLE: true", 1))
    code = "from sector.startup import *; RE(sim_rel_scan_plan())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=instrument.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    (path,) = instrument.folder.glob("*.hdf")
    with h5py.File(path) as root:
        assert root["entry/title"][()].decode() == "test run with simulator(s)"
        assert root["entry/data/noisy_det"].shape == (POINTS,)


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_a_queueserver(instrument, tmp_path):
    startup = tmp_path / "startup"
    startup.mkdir()
    (startup / "00.py").write_text(STARTUP)
    server = QueueServer(tmp_path / "manager", startup, "--keep-re")
    try:
        server.start()
        server.ask("environment_open")
        server.wait_until("idle", SECONDS)
        assert server.status()["worker_environment_exists"], server.console()
        arguments = (["sim_det"], "sim_motor", -1, 1, POINTS)
        server.add("rel_scan", *arguments, meta={"sample": "LaB6"})
        server.add("count", ["sim_det"], num=2)
        server.play()
        assert [item["exit_status"] for item in server.history()] == ["completed"] * 2
        server.close()
    finally:
        server.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()  # its client leaves a context to the collector
    (path,) = (tmp_path / "manager").glob("*.dat")
    assert points(path) == [POINTS, 2]
    assert "#MD sample = LaB6" in path.read_text()
