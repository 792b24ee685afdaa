"""What a disk refuses, a viewer in the session, or a fork, costs neither the session nor a run.

Each session is a process of its own, which may die or hang.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bluescribe.testing.contract import received
from tests import warm
from tests.conftest import PROCESS
from tests.contracts import CONTRACTS
from tests.extent import IS_LONG
from tests.readers import dx
from tests.system.faults.instrument import FORMATS
from tests.system.faults.preloading import preloaded

TOP = Path(__file__).resolve().parents[3]
SECONDS = 90
"""How long a session may take."""
HDF5_FORMATS = ["nexus", "hdf5", "dx"] if IS_LONG else ["nexus", "dx"]


@pytest.fixture(scope="session")
def preload(tmp_path_factory) -> Path:
    return preloaded("refuse.c", tmp_path_factory.mktemp("refuse"))


class Sessions:
    """A process that forks sessions."""

    def __init__(self, folder: Path, preload: Path) -> None:
        self._orders = folder
        self._process = warm.Popen(
            [sys.executable, "-m", "tests.system.faults.sessions"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=TOP,
            env={
                **os.environ,
                "LD_PRELOAD": str(preload),
                "REFUSE_DIR": str(folder),
                PROCESS: "true",
            },
        )
        assert self._process.stdout is not None
        self._answers = self._process.stdout
        if self._answers.readline() != "ready\n":
            pytest.fail("no session can be started")

    def run(self, folder: Path, session: str, **arguments: Any) -> tuple[int | None, Any]:
        """Return how a session ended, None for never, and what it said; it must meet its fault."""
        folder.mkdir()
        told = folder.with_name("told")
        order = {"session": session, "folder": str(folder), "told": str(told), "seconds": SECONDS}
        assert self._process.stdin is not None
        print(json.dumps({**order, **arguments}), file=self._process.stdin, flush=True)
        status = json.loads(self._answers.readline())
        if any(self._orders.iterdir()):
            pytest.fail("the session did nothing that could be refused")
        return status, pickle.loads(told.read_bytes()) if told.exists() else None

    def close(self) -> None:
        self._process.communicate(timeout=SECONDS)


@pytest.fixture(scope="module")
def sessions(preload, tmp_path_factory) -> Iterator[Sessions]:
    found = Sessions(tmp_path_factory.mktemp("orders"), preload)
    yield found
    found.close()


def check(folder: Path, name: str, documents: Any) -> None:
    """Fail unless all runs are whole in a format."""
    if name != "dx":
        CONTRACTS[name]().check_runs(CONTRACTS[name]().read_back(folder), documents)
        return
    found = {run.uid: run for run in dx.read_folder(folder)}
    for run in received(documents):
        assert run.uid in found, f"{run.uid} is not there"
        assert found[run.uid].stop == run.stop
        assert found[run.uid].seq_num["primary"] == run.seq_num["primary"]


@pytest.mark.parametrize("call", ["pwrite", "close"])
@pytest.mark.parametrize("name", HDF5_FORMATS)
def test_a_call_that_the_disk_refused_costs_nothing(tmp_path, sessions, name, call):
    """A quota is told of in the middle of a run, once; NFS tells of it at the close."""
    folder = tmp_path / "data"
    formats = [name, "jsonl", "spec"]
    status, documents = sessions.run(
        folder, "refused", formats=formats, call=call, errno=errno.EDQUOT
    )
    assert status == 0, "the session died"
    for each in formats:
        check(folder, each, documents)


CLOSED_LAST = {
    "jsonl": ".jsonl",
    "csv": "-primary.csv",
    "spec": ".dat",
    "json": ".part",
    "tiff": ".tif",
}
"""Which file the system refuses to close."""


@pytest.mark.parametrize("name", CLOSED_LAST)
def test_what_the_system_tells_at_a_closing_costs_nothing(tmp_path, sessions, name):
    """File servers and quotas tell there that what was written is not there: it is written anew."""
    folder = tmp_path / "data"
    status, told = sessions.run(
        folder, "closed", formats=[name], part=CLOSED_LAST[name], errno=errno.EDQUOT
    )
    assert status == 0, "the session died"
    first, second, failed, empty = told
    assert not failed
    assert not empty
    CONTRACTS[name]().check_runs(CONTRACTS[name]().read_back(folder), [*first, *second])


@pytest.mark.parametrize("name", HDF5_FORMATS)
def test_a_viewer_in_the_session_costs_nothing(tmp_path, sessions, name):
    """It opens the file when the writer has closed it to change its mode: silx, nexusformat do.

    HDF5 does not open it for writing again then: the run is written anew beside it.
    """
    status, documents = sessions.run(tmp_path / "data", "viewed", formats=[name, "jsonl"])
    assert status == 0, "the session died"
    for each in (name, "jsonl"):
        check(tmp_path / "data", each, documents)


@pytest.fixture(scope="module")
def outage(sessions, tmp_path_factory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("outage") / "data"
    status, documents = sessions.run(folder, "away", formats=FORMATS)
    if status != 0:
        pytest.fail(f"the session ended with {status}")
    return folder, documents


@pytest.mark.parametrize("name", FORMATS)
def test_an_outage_longer_than_retry_seconds_costs_nothing(outage, name):
    folder, documents = outage
    check(folder, name, documents)


@pytest.mark.parametrize("name", HDF5_FORMATS if IS_LONG else HDF5_FORMATS[:1])
def test_a_fork_does_not_wait_for_the_disk(tmp_path, sessions, name):
    status, seconds = sessions.run(tmp_path / "data", "forked", formats=[name])
    if status != 0:
        pytest.fail(f"the session ended with {status}")
    assert seconds < 1


@pytest.mark.ci
def test_a_child_that_is_forked_while_a_run_begins_writes_runs_of_its_own(tmp_path, sessions):
    """A lock that a writer's thread holds in the parent is held for ever in the child."""
    number = 8 if IS_LONG else 2  # of forks, with processes for HDF5 of their own
    formats = ["nexus", "hdf5", "jsonl"]
    status, ends = sessions.run(tmp_path / "data", "forks", formats=formats, number=number)
    assert (status, ends) == (0, [0] * number)
