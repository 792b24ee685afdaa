"""Runs for a tiled server, and what is there of them."""

from __future__ import annotations

import time
from pathlib import Path

import bluesky.plan_stubs as bps
import event_model
from ophyd.sim import det, motor

from tests.needs import needs

needs("tiled", "bluesky_tiled_plugins", reason="the extra is not installed: bluescribe[tiled]")
needs("fastapi", reason="the server is not installed: tiled[server]")

CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"


def make_catalog(server):
    from tiled.client import from_uri
    from tiled.structures.core import Spec

    from_uri(server.url, api_key="secret").create_container(
        "raw", specs=[Spec("CatalogOfBlueskyRuns", "3.0")]
    )


def catalog(server):
    from tiled.client import from_uri

    return from_uri(f"{server.url}/api/v1/metadata/raw")


def eventually(condition, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def journals(delivery):
    return sorted((delivery.outbox.folder / "runs").glob("*.jsonl"))


def is_all_delivered(delivery):
    return not journals(delivery) and not delivery.outbox.paths()


def play(delivery, pairs):
    for name, doc in pairs:
        delivery.writer(name, doc)


def rows(server, uid, stream="primary"):
    """Return the sequence numbers of the events on the server; none while there is no table."""
    try:
        table = catalog(server)[uid][stream].base["internal"].read()
    except KeyError:
        return []
    return table["seq_num"].tolist()


def a_run(values, key="x"):
    """Return the documents of a run with one column."""
    bundle = event_model.compose_run()
    yield "start", bundle.start_doc
    described = bundle.compose_descriptor(
        name="primary", data_keys={key: {"source": "s", "dtype": "number", "shape": []}}
    )
    yield "descriptor", described.descriptor_doc
    for value in values:
        event = described.compose_event(data={key: value}, timestamps={key: 0.0})
        yield "event", event
    yield "stop", bundle.compose_stop()


def points(number):
    for value in range(number):
        yield from bps.mv(motor, value)
        yield from bps.trigger_and_read([det, motor])


def plan_of(number):
    yield from bps.open_run()
    yield from points(number)
    yield from bps.close_run()


def block(tmp_path, url, **settings):
    return {
        "TILED": {
            "ENABLE": True,
            "URI": url,
            "PATH": "raw",
            "OUTBOX": str(tmp_path / "outbox"),
            "INTERVAL": 0.2,
            **settings,
        }
    }
