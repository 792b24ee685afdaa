"""Sessions whose runs are sent by Globus, and what was sent of them."""

from __future__ import annotations

import logging
import time

import bluesky.plans as bp
import pytest
from ophyd.sim import det, motor

from bluescribe.delivery.outbox import Outbox

pytest.importorskip("globus_sdk", reason="globus-sdk is not installed: it is in the extra `test`")
pytest.importorskip("responses", reason="responses, which globus_sdk.testing wants, is missing")

SOURCE, DESTINATION = (f"{n * 8}-0000-4000-8000-{n * 12}" for n in "12")
CREDENTIALS = {"GLOBUS_CLIENT_ID": "3" * 8 + "-0000-4000-8000-" + "3" * 12}
CREDENTIALS["GLOBUS_CLIENT_SECRET"] = "a secret of the test"


def iconfig_for(folder, formats=("jsonl",), **keys):
    block = {
        "ENABLE": True,
        "SOURCE_ENDPOINT": SOURCE,
        "DESTINATION_ENDPOINT": DESTINATION,
        "LOCAL_ROOT": str(folder),
        "SOURCE_PATH": "/instrument",
        "DESTINATION_PATH": "/beamline/{proposal}",
        "OUTBOX": str(folder / "outbox"),
        **keys,
    }
    shared = {"DIRECTORY": str(folder / "data"), "RETRY_SECONDS": 0, "SHOW_FILES": False}
    on = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    return {"DATA_FILES": shared, **on, "GLOBUS": {k: v for k, v in block.items() if v != "-"}}


def scan(RE, **md):
    (uid,) = RE(bp.scan([det], motor, 0, 1, 3), **md)
    return uid


def wait(condition, seconds=60.0):  # on a machine that does much else
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


def delivered(writers, runs=1):
    wait(lambda: writers.globus.status().delivered == runs)
    assert not Outbox(writers.globus.outbox.folder).paths()


def kept_aside(writers, caplog):
    """Wait until a run is kept aside, which is told once it is; return where it is."""
    wait(lambda: any("cannot be delivered: " in text for text in told(caplog)))
    (kept,) = writers.globus.outbox.refused()
    assert writers.globus.status().refused == 1
    return kept


def told(caplog, level=logging.WARNING):
    return [r.getMessage() for r in caplog.records if r.levelno >= level and "bluescribe" in r.name]


def items(document):
    return {item["source_path"]: item["destination_path"] for item in document["DATA"]}


def here(folder):
    """Return what a transfer of all files in the data folder has as items."""
    paths = [p.relative_to(folder) for p in (folder / "data").rglob("*") if p.is_file()]
    return {f"/instrument/{p}": f"/beamline/GUP-7/{p}" for p in paths}
