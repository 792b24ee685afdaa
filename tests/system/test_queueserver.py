"""bluescribe in the worker of a real bluesky-queueserver."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml

from tests.contracts import CONTRACTS
from tests.queue_server import QueueServer, emitted, missing
from tests.readers import dx, jsonl

pytest.importorskip("bluesky_queueserver", reason="not installed: bluesky-queueserver")
pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.filterwarnings("ignore"),  # of the manager's client
]

TOP = Path(__file__).resolve().parents[2]
MAIN = "from bluescribe.commands.cli import main; main()"
FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")

STARTUP = """\
import pickle
import time
from pathlib import Path

import numpy as np
from bluesky import RunEngine
from bluesky.plans import count, grid_scan, scan
from ophyd.sim import SynSignal, det, motor, motor1, motor2

from bluescribe import subscribe_writers
from bluescribe.testing.shapes.assets import AreaDetector

HERE = Path(__file__).parent


class Late(AreaDetector):
    # Its files are announced where they are not yet.
    def collect_asset_docs(self):
        for name, doc in super().collect_asset_docs():
            yield name, doc | {"root": str(HERE / "late")} if name == "resource" else doc


camera = SynSignal(func=lambda: np.arange(12, dtype=np.uint16).reshape(3, 4), name="camera")
late = Late(HERE)
record = (HERE / "emitted").open("wb")


def keep(name, doc):
    pickle.dump((time.time(), name, doc), record)
    record.flush()


RE = RunEngine()
RE.subscribe(keep)
writers = subscribe_writers(RE, HERE / "iconfig.yml")
"""


class Beamline:
    """A queueserver, its startup folder, and where its runs are written."""

    def __init__(self, startup: Path, server: QueueServer) -> None:
        self.server, self.startup = server, startup
        self.data = Path()
        (startup / "00-start.py").write_text(STARTUP)

    def configure(self, data: Path, *formats: str, **blocks: Any) -> None:
        """Write iconfig.yml."""
        self.data = data
        switches = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
        iconfig = {"DATA_FILES": {"DIRECTORY": str(data)}, **switches, **blocks}
        (self.startup / "iconfig.yml").write_text(yaml.safe_dump(iconfig, sort_keys=False))

    def documents(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what the RunEngine has emitted since the environment was opened."""
        return [(name, doc) for _, name, doc in emitted(self.startup / "emitted")]

    def events(self) -> int:
        """Return the number of events among them."""
        return sum(name == "event" for name, _ in self.documents())

    def wait_for_events(self, number: int) -> None:
        """Wait until there are so many."""
        deadline = time.monotonic() + 30
        while self.events() < number:
            assert time.monotonic() < deadline, self.server.console()
            time.sleep(0.05)


@contextmanager
def running(folder, *options):
    startup = folder / "profile_test" / "startup"  # as IPython names it
    startup.mkdir(parents=True)
    server = QueueServer(folder / "server", startup, *options)
    try:
        server.start()
        yield Beamline(startup, server)
    finally:
        server.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()  # its client leaves a context to the collector


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running(tmp_path_factory.mktemp("queueserver")) as beamline:
        yield beamline


@pytest.fixture
def beamline(shared, tmp_path):
    """Return a beamline whose environment is closed, before and after."""
    shared.configure(tmp_path / "data", *FORMATS)
    yield shared
    if shared.server.status()["worker_environment_exists"]:
        shared.server.destroy()
    shared.server.ask("queue_clear")
    shared.server.ask("history_clear")


def check_files(folder, documents, names=tuple(CONTRACTS)):
    """Fail unless all formats have exactly these documents, for readers that are not ours."""
    for name in names:
        contract = CONTRACTS[name]()
        contract.check_runs(contract.read_back(folder), documents)
        contract.check_files(folder)


def check_live(name, folder, documents):
    """Fail unless a file has these documents soon: machines that run tests may be slow."""
    contract = CONTRACTS[name]()
    deadline = time.monotonic() + 20
    while True:
        try:
            contract.check_live(contract.read_live(folder), documents)
        except (AssertionError, OSError, KeyError):  # h5py's, of what is just being added
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def exit_statuses(documents):
    return [doc["exit_status"] for name, doc in documents if name == "stop"]


def test_plans_of_the_queue_are_in_files_of_all_formats(beamline):
    """One environment is opened for all that does not end it: opening takes seconds."""
    server = beamline.server
    server.open()
    server.add("count", ["det", "camera"], num=3, meta={"sample": "steel"})
    server.add("scan", ["det"], "motor", -1, 1, 5)
    server.add("grid_scan", ["det"], "motor1", 0, 1, 2, "motor2", 0, 1, 3, snake_axes=True)
    server.play()
    check_files(beamline.data, beamline.documents())  # nothing waits for the environment to close
    (first,) = [run for run in dx.read_folder(beamline.data) if run.events]
    assert first.start is not None
    assert first.start["sample"] == "steel"
    assert len(first.events["primary"]["camera"]) == 3
    pause_four_plans(beamline)
    documents = beamline.documents()
    assert exit_statuses(documents) == ["success"] * 5 + ["abort"] * 2
    ended = [item["exit_status"] for item in server.history()]
    assert ended == ["completed"] * 4 + ["stopped", "aborted", "halted"]
    server.close()
    check_files(beamline.data, documents)


def pause_four_plans(beamline):
    """Let one go on, and end the others in each way that there is."""
    server = beamline.server
    for verb, number in (("re_resume", 20), ("re_stop", 200), ("re_abort", 200), ("re_halt", 200)):
        before = beamline.events()
        server.add("count", ["det"], num=number, delay=0.1)
        server.ask("queue_start")
        beamline.wait_for_events(before + 3)
        server.ask("re_pause", option="immediate")
        server.wait_until("paused")
        for name in ("csv", "hdf5", "jsonl", "nexus", "spec"):
            check_live(name, beamline.data, beamline.documents())
        server.ask(verb)
        server.wait_until("idle")


def test_closing_the_environment_waits_for_images_that_are_copied(beamline):
    block = {"ENABLE": True, "IMAGES": "copy"}
    beamline.configure(beamline.data, "jsonl", NEXUS_DATA_FILES=block)
    server = beamline.server
    server.open()
    server.add("count", ["late"], num=2)
    server.play()
    (path,) = beamline.data.glob("*.hdf")
    assert isinstance(images(path), h5py.ExternalLink)
    worker = server.worker()
    server.ask("environment_close")
    time.sleep(1.5)
    (beamline.startup / "late").mkdir()
    for made in beamline.startup.glob("ad_*.h5"):
        made.rename(beamline.startup / "late" / made.name)
    server.wait_until("idle")
    server.wait_for_end_of(worker)
    assert not isinstance(images(path), h5py.ExternalLink)
    check_files(beamline.data, beamline.documents(), ["jsonl", "nexus"])


def images(path):
    with h5py.File(path) as file:
        return file["entry/instrument/bluesky/streams/primary/ad_image"].get("value", getlink=True)


def test_a_worker_that_is_killed_loses_a_second_at_the_most(beamline):
    server = beamline.server
    server.open()
    server.add("count", ["det", "motor", "camera"], num=1000, delay=0.02)
    server.ask("queue_start")
    beamline.wait_for_events(100)
    server.destroy()
    killed = emitted(beamline.startup / "emitted")
    for path in beamline.data.iterdir():  # what was changed just now may be somebody's
        os.utime(path, (0, 0))
    server.open()
    server.wait_for_text("an earlier session ended before it had written these files")
    server.close()
    recovered = subprocess.run(
        [sys.executable, "-c", MAIN, "recover", str(beamline.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    early = [doc for when, name, doc in killed if name == "event" and when < killed[-1][0] - 1]
    assert len(early) > 20
    for name in CONTRACTS:
        (run,) = CONTRACTS[name]().read_back(beamline.data)
        rows = len(run.seq_num["primary"])
        assert rows >= len(early), name
        found = [(name, doc) for _, name, doc in killed[: 2 + rows]]
        check_files(beamline.data, found, [name])


def test_a_misspelt_key_is_told_at_the_console(beamline):
    server = beamline.server
    beamline.configure(beamline.data, NEXUS_DATA_FILES={"ENABEL": True})
    server.ask("environment_open")
    server.wait_until("idle")
    assert not server.status()["worker_environment_exists"]
    place = f"{beamline.startup / 'iconfig.yml'}, line 4"
    server.wait_for_text(f"{place}: NEXUS_DATA_FILES.ENABEL: unknown key; did you mean ENABLE?")


def test_the_how_to_in_an_ipython_kernel(tmp_path, capsys):
    with running(tmp_path, "--use-ipython-kernel=ON") as beamline:
        (beamline.startup / "00-start.py").unlink()
        shutil.copy(TOP / "examples" / "queueserver" / "00-bluesky.py", beamline.startup)
        shutil.copy(TOP / "iconfig.yml", beamline.startup)
        server = beamline.server
        server.open()
        server.add("scan", ["det"], "motor", -1, 1, 11, meta={"sample": "steel"})
        server.play()
        data = server.folder / "data"  # where the manager was started
        (journal,) = data.glob("*.jsonl")
        documents = jsonl.read_documents(journal)
        assert documents[0][1]["sample"] == "steel"
        check_files(data, documents, ["csv", "jsonl", "nexus", "spec"])
        exec(client_of_the_page(server.address), {})
        assert re.search(r"^nexus +on +1 +11 +0 ", capsys.readouterr().out, re.M)
        server.close()
        check_files(data, documents, ["csv", "jsonl", "nexus", "spec"])


def client_of_the_page(address):
    """Return the Python of the how-to, for another address."""
    page = (TOP / "docs" / "how-to" / "queueserver.md").read_text()
    (code,) = re.findall("```python\n(.*?)```", page, re.DOTALL)
    assert "tcp://localhost:60615" in code
    return code.replace("tcp://localhost:60615", address)
