"""A run is on the server while it goes on."""

from __future__ import annotations

import time

import bluesky.plan_stubs as bps
import pytest

from bluescribe.checking import check_iconfig
from bluescribe.session.subscribe import subscribe_writers
from tests.system.delivery.tiled.runs import (
    a_run,
    block,
    catalog,
    eventually,
    is_all_delivered,
    points,
    rows,
)

# tiled's clients leave their sockets to the collector, and its server's storage warns
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.ci
def test_a_run_is_seen_while_it_goes_on(shared_server, RE, tmp_path):
    seen = []
    with subscribe_writers(RE, block(tmp_path, shared_server.url)) as writers:

        def plan():
            uid = yield from bps.open_run()
            yield from points(5)
            eventually(lambda: len(rows(shared_server, uid)) == 5)
            seen.append(catalog(shared_server)[uid].metadata.get("stop"))
            yield from points(5)
            yield from bps.close_run()

        (uid,) = RE(plan())
        eventually(lambda: writers.tiled.status().delivered == 1)
    assert seen == [None]
    assert rows(shared_server, uid) == list(range(1, 11))
    assert catalog(shared_server)[uid].metadata["stop"]["exit_status"] == "success"


def test_a_check_before_beam_looks_up_the_catalog(shared_server, tmp_path, monkeypatch):
    monkeypatch.setattr("bluescribe.checking.disk._SECONDS", 0.01)
    before = len(catalog(shared_server))
    for path, level in (("", "ok"), ("nowhere", "FAILED")):
        content = block(tmp_path, shared_server.url)
        content["TILED"] |= {"PATH": path} if path else {}
        report = check_iconfig(content)
        (found,) = [each for each in report if each.what == "delivery tiled"]
        assert found.level == level, found
        assert shared_server.url in found.found
    assert len(catalog(shared_server)) == before


def test_a_fast_scan_costs_few_requests(between, shared_server, deliver):
    delivery = deliver(between.url, interval=1.0)
    pairs = list(a_run(range(400)))
    began = time.monotonic()
    for pair in pairs:
        delivery.writer(*pair)
        time.sleep(0.01)  # 100 Hz
    eventually(lambda: is_all_delivered(delivery))
    assert len(rows(shared_server, pairs[0][1]["uid"])) == 400
    seconds = time.monotonic() - began
    assert between.requests["PATCH"] <= seconds + 3  # one a second, the last, the stop document
