"""A small use of what each extra brings, run where nothing else is installed."""

from __future__ import annotations

__all__ = ["USES"]

_SCAN = """
import warnings
from bluesky import RunEngine
from bluesky.plans import scan
from ophyd.sim import det, motor
from bluescribe import export, subscribe_writers

def measure(**blocks):
    RE = RunEngine()
    with subscribe_writers(RE, {"DATA_FILES": {"DIRECTORY": "data"}, **blocks}) as writers:
        RE(scan([det], motor, -1, 1, 11))
        assert writers.flush()
        assert not any(status.failures for status in writers.status().values()), writers.status()
    return writers
"""

_ALL = """
FORMATS = ("spec", "nexus", "csv", "jsonl", "json", "hdf5", "tiff", "dx")
measure(**{f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS})
report = export("data", "again", FORMATS)
assert report, report
import h5py
from pathlib import Path
for name in ("data", "again"):
    for path in [*Path(name).glob("*.hdf"), *Path(name).glob("*.h5")]:
        with h5py.File(path) as file:
            assert len(file), path
    with h5py.File(next(Path(name).glob("*.hdf"))) as file:
        assert len(file["entry/data/det"]) == 11
"""

_COMPRESSION = """
for name in ("lz4", "zstd", "bitshuffle", "blosc"):
    measure(NEXUS_DATA_FILES={"ENABLE": True, "COMPRESSION": name})
"""

_IMAGES = """
import hdf5plugin, numpy, tifffile
from PIL import Image
from bluesky.plans import count
from bluescribe import TiffWriter
measure(NEXUS_DATA_FILES={"ENABLE": True, "IMAGES": "copy"})
from ophyd.sim import direct_img
RE = RunEngine()
with TiffWriter("data") as writer:
    RE.subscribe(writer.receiver)
    RE(count([direct_img], 3))
from pathlib import Path
(stack,) = Path("data").glob("*.tif")
assert tifffile.imread(stack).shape == (3, 10, 10), tifffile.imread(stack).shape
"""

_DATABROKER = """
from databroker.v2 import temp
catalog = temp()
RE = RunEngine()
RE.subscribe(catalog.v1.insert)
RE(scan([det], motor, -1, 1, 11))
assert export(catalog[-1], "again", ("nexus", "csv"))
"""

_TILED = """
import bluesky_tiled_plugins, tiled.client
from bluescribe.delivery import load_delivery
load_delivery("tiled")
measure(JSONL_DATA_FILES={"ENABLE": True})
"""

_ZMQ = """
import signal, subprocess, sys, time
from pathlib import Path
import zmq
command = ["-m", "bluescribe", "listen", "--zmq", "127.0.0.1:5998", "--iconfig", "listen.yml"]
Path("listen.yml").write_text("JSONL_DATA_FILES: {ENABLE: true}\\n")
child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
assert child.stdout.readline()
child.send_signal(signal.SIGINT)
assert child.wait(60) == 0, child.returncode
"""

_BROKER = """
from bluesky import RunEngine
from bluescribe import publish_to
from bluescribe.sources.brokers import frames_of
publish_to(RunEngine(), "{0}://127.0.0.1:5997", spool="spool").close()  # no broker is there
assert list(frames_of(1, "start", dict(uid="u"), encoding="msgpack", part_bytes=10))
"""

_METRICS = """
from bluescribe.listening.health import Health
from bluescribe.listening.metrics import Metrics
assert b"bluescribe_ready 0.0" in Metrics(Health("a broker")).text()
"""

_GLOBUS = """
import globus_sdk
from bluescribe.delivery import load_delivery
load_delivery("globus")
"""

_DASK = """
from distributed import Client, LocalCluster
measure(JSONL_DATA_FILES={"ENABLE": True})
with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
    with Client(cluster) as client:
        report = export("data", "again", ["csv"], executor=client)
assert report and not report.failures, report
"""

_APS = """
import apstools.callbacks
measure(SPEC_DATA_FILES={"ENABLE": True}, NEXUS_DATA_FILES={"ENABLE": True})
"""

_TESTING = """
from bluescribe.testing import SHAPES, documents, runs
from bluescribe.testing import FormatContract
from bluescribe import CsvWriter
with CsvWriter("data") as writer:
    for name, doc in documents("count", "shape"):
        writer(name, doc)
assert writer.status().runs_written == 1
"""

_DEMO = """
from pathlib import Path
from rich.console import Console
from bluescribe.demo import run_demo
assert run_demo(Path("demo"), Console()) == 0
"""

USES = {
    "": _SCAN + _ALL,
    "aps": _SCAN + _APS,
    "compression": _SCAN + _COMPRESSION,
    "dask": _SCAN + _DASK,
    "databroker": _SCAN + _DATABROKER,
    "demo": _DEMO,
    "globus": _SCAN + _GLOBUS,
    "images": _SCAN + _IMAGES,
    "kafka": _BROKER.format("kafka"),
    "metrics": _METRICS,
    "nats": _BROKER.format("nats"),
    "redis": _BROKER.format("redis"),
    "testing": _TESTING,
    "tiled": _SCAN + _TILED,
    "zmq": _SCAN + _ZMQ,
}
"""Python by the name of the extra; without a name: what every user has."""
