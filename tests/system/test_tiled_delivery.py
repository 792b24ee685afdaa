"""Runs stand in a tiled server whole and once, whatever fails, and the scan never waits for it."""

from __future__ import annotations

import csv
import gc
import json
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import warnings
from collections import defaultdict
from pathlib import Path

import bluesky.plan_stubs as bps
import event_model
import pytest
from bluesky import RunEngine
from ophyd.sim import det, motor

import bluescribe
from bluescribe.delivery.tiled import TiledDelivery
from bluescribe.errors import ConfigError
from bluescribe.subscribe import Writers, subscribe_writers
from bluescribe.testing import documents, interleave
from tests.tiled_server import Between, TiledServer, free_port

pytest.importorskip("tiled.server.app", reason="the server is not installed: tiled[server]")
pytest.importorskip("bluesky_tiled_plugins", reason="the extra is not installed: bluescribe[tiled]")

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
IS_LONG = bool(os.environ.get("BLUESCRIBE_LONG_FAULTS"))
STREAMS = sorted(CORPUS.glob("*.jsonl"))[:: 1 if IS_LONG else 8]

# tiled's clients leave their sockets to the collector, and its server's storage warns
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def _key():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILED_API_KEY", "secret")
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    server = TiledServer(
        tmp_path_factory.mktemp("tiled") / "server", tmp_path_factory.getbasetemp(), CORPUS
    )
    server.start()
    make_catalog(server)
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path):
    """Return a server that a test may kill; it is not started."""
    server = TiledServer(tmp_path / "server", tmp_path)
    yield server
    server.stop()


@pytest.fixture
def between(shared_server):
    between = Between(shared_server.port)
    yield between
    between.stop()


@pytest.fixture
def deliver(tmp_path):
    """Return what makes a delivery with an outbox of its own; all end with the test."""
    made = []

    def make(url, outbox="outbox", **settings):
        delivery = TiledDelivery(
            **{"uri": url, "path": "raw", "outbox": tmp_path / outbox, "interval": 0.2, **settings}
        )
        made.append(delivery)
        delivery.follow([])
        return delivery

    yield make
    for delivery in made:
        delivery.writer.close()
        delivery.close(5.0)


@pytest.fixture
def RE():
    return RunEngine({}, context_managers=[])


def make_catalog(server):
    from tiled.client import from_uri
    from tiled.structures.core import Spec

    from_uri(server.url).create_container("raw", specs=[Spec("CatalogOfBlueskyRuns", "3.0")])


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


# --- what was measured is what is there ----------------------------------------------------------


def same(one, other):
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(other):
        return math.isnan(one)
    if isinstance(one, str) and not isinstance(other, str):
        return same(json.loads(one), other)  # as the notes of the run tell
    return one == other


def check_values(run, pairs):
    """Compare all values that are not in external files."""
    wanted, external = defaultdict(list), set()
    streams = {}
    for name, doc in pairs:
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
            keys = doc["data_keys"].items()
            external |= {(doc["name"], key) for key, said in keys if "external" in said}
        events = event_model.unpack_event_page(doc) if name == "event_page" else [doc]
        for event in events if name in ("event", "event_page") else ():
            wanted[streams[event["descriptor"]]].append(event)
    for stream, events in wanted.items():
        inside = [key for key in events[0]["data"] if (stream, key) not in external]
        for key in inside:
            found = run[stream][key].read().tolist()
            assert same(found, [event["data"][key] for event in events]), (stream, key)
        if inside:
            table = run[stream].base["internal"].read()
            assert table["seq_num"].tolist() == [event["seq_num"] for event in events]


@pytest.mark.skipif(not STREAMS, reason=f"the corpus is not at {CORPUS}")
def test_the_runs_of_the_corpus_are_there(shared_server, deliver):
    delivery = deliver(shared_server.url)
    runs = {}
    for path in STREAMS:
        text = path.read_text(encoding="utf-8").replace("/@ASSETS@", str(CORPUS / "assets"))
        pairs = [tuple(json.loads(line)) for line in text.split("\n") if line]
        play(delivery, pairs)
        if sum(name == "start" for name, _ in pairs) == 1:  # the others are told apart elsewhere
            runs[pairs[0][1]["uid"]] = pairs
    delivery.writer.request_finish().wait()
    eventually(lambda: is_all_delivered(delivery), 280)
    assert not delivery.outbox.refused()
    raw = catalog(shared_server)
    for uid, pairs in runs.items():
        check_values(raw[uid], pairs)
        assert bool(raw[uid].metadata.get("stop")) == (pairs[-1][0] == "stop")


def test_two_runs_at_once(shared_server, deliver, tmp_path):
    one, other = (documents(name, tmp_path) for name in ("count", "baseline"))
    delivery = deliver(shared_server.url)
    play(delivery, interleave(one, other))
    eventually(lambda: is_all_delivered(delivery))
    raw = catalog(shared_server)
    for pairs in (one, other):
        check_values(raw[pairs[0][1]["uid"]], pairs)
        assert raw[pairs[0][1]["uid"]].metadata["stop"]["exit_status"] == "success"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 2.5, 3], "f"),
        ([2**53 + 1, 0.5], "text"),
        ([True, 7], "text"),
        ([2**63, 1], "text"),
        ([None, 1.5], "f"),
        ([[1, 2], [3, 4]], "i"),
        ([[1, 2], [3, 4.5]], "f"),
        ([["a", "b"], ["c", "d" * 30]], "U"),
        ([[1, 2], [3]], "text"),
    ],
)
def test_a_column_that_changes_keeps_its_values(shared_server, deliver, values, kind):
    """Live, the first value is on the server before the others are known."""
    delivery = deliver(shared_server.url)
    pairs = list(a_run(values))
    uid = pairs[0][1]["uid"]
    play(delivery, pairs[:3])
    eventually(lambda: uid in catalog(shared_server) and rows(shared_server, uid) == [1])
    play(delivery, pairs[3:])
    eventually(lambda: is_all_delivered(delivery))
    assert not delivery.outbox.refused()
    run = catalog(shared_server)[uid]
    found = run["primary"]["x"].read()
    if kind == "text":
        assert [json.loads(text) for text in found.tolist()] == values
        assert any("JSON text" in note for note in run.metadata["notes"])
    else:
        assert found.dtype.kind == kind
        wanted = [math.nan if value is None else value for value in values]
        assert same(found.tolist(), wanted)
    assert rows(shared_server, uid) == list(range(1, len(values) + 1))


def test_names_that_no_database_takes(shared_server, deliver):
    delivery = deliver(shared_server.url)
    for key, name in (("motor: 'x'", "motor_ _x_"), ("_private", "x__private"), ("1st", "x_1st")):
        pairs = list(a_run([1.5, 2.5], key))
        play(delivery, pairs)
        eventually(lambda: is_all_delivered(delivery))
        run = catalog(shared_server)[pairs[0][1]["uid"]]
        assert run["primary"][name].read().tolist() == [1.5, 2.5]
        assert run.metadata["notes"] == [f"Renamed data_key '{key}' to '{name}' in stream primary"]


@pytest.mark.parametrize("shape", ["count", "baseline", "grid_scan_snaked", "strings", "aborted"])
def test_what_is_exported_from_there_is_what_was_written_live(
    shared_server, deliver, tmp_path, shape
):
    (tmp_path / "external").mkdir()
    pairs = documents(shape, tmp_path / "external")
    delivery = deliver(shared_server.url)
    live = bluescribe.CsvWriter(tmp_path / "live")
    for name, doc in pairs:
        delivery.writer(name, doc)
        live(name, doc)
    live.close()
    eventually(lambda: is_all_delivered(delivery))
    uid = pairs[0][1]["uid"]
    url = f"{shared_server.url}/api/v1/metadata/raw/{uid}"
    done = bluescribe.export(url, tmp_path / "exported", ["csv"])
    assert not done.failures
    tables = [path.name for path in (tmp_path / "live").glob("*.csv")]
    assert tables
    for name in tables:
        assert cells(tmp_path / "exported" / name) == cells(tmp_path / "live" / name)


def cells(path):
    """Return the cells of a table; 0 and 0.0 are the same, as a column on a server has one type."""
    with path.open(newline="", encoding="utf-8") as file:
        return [[number(cell) for cell in row] for row in csv.reader(file)]


def number(cell):
    try:
        return str(float(cell))  # text, as NaN is not itself
    except ValueError:
        return cell


# --- live ----------------------------------------------------------------------------------------


def points(number):
    for value in range(number):
        yield from bps.mv(motor, value)
        yield from bps.trigger_and_read([det, motor])


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


# --- the server fails ----------------------------------------------------------------------------


def test_the_server_is_killed_in_mid_run_and_comes_back(own_server, RE, tmp_path):
    own_server.start()
    make_catalog(own_server)
    with subscribe_writers(RE, block(tmp_path, own_server.url)) as writers:

        def plan():
            uid = yield from bps.open_run()
            yield from points(5)
            eventually(lambda: len(rows(own_server, uid)) == 5)
            own_server.stop(signal.SIGKILL)
            yield from points(5)
            eventually(lambda: writers.tiled.status().trouble)
            own_server.start()
            yield from points(5)
            yield from bps.close_run()

        (uid,) = RE(plan())
        eventually(lambda: writers.tiled.status().delivered == 1)
        assert not writers.tiled.status().trouble
    assert rows(own_server, uid) == list(range(1, 16))
    assert catalog(own_server)[uid].metadata["stop"]["num_events"] == {"primary": 15}


def test_the_server_is_absent_at_the_start(own_server, RE, tmp_path, caplog):
    began = time.monotonic()
    writers = subscribe_writers(RE, block(tmp_path, own_server.url))
    assert time.monotonic() - began < 5
    with writers:
        RE(plan_of(3))
        eventually(lambda: "cannot be reached" in writers.tiled.status().trouble)
        (uid,) = RE(plan_of(3))
        assert "look whether the server runs" in caplog.text
        own_server.start()
        make_catalog(own_server)
        eventually(lambda: writers.tiled.status().delivered == 2)
    assert rows(own_server, uid) == [1, 2, 3]


def plan_of(number):
    yield from bps.open_run()
    yield from points(number)
    yield from bps.close_run()


@pytest.mark.parametrize("status", ["403", "404", "500", "503"])
def test_a_server_that_is_not_itself_refuses_no_run(between, shared_server, deliver, status):
    between.fault = lambda method, path: status
    delivery = deliver(between.url)
    runs = [list(a_run([1.0])) for _ in range(2)]
    for pairs in runs:
        play(delivery, pairs)
    eventually(lambda: delivery.status().trouble)
    assert delivery.status().waiting == 2
    between.fault = lambda method, path: ""
    eventually(lambda: is_all_delivered(delivery))
    assert [rows(shared_server, pairs[0][1]["uid"]) for pairs in runs] == [[1], [1]]


def test_a_catalog_that_is_not_there_is_told(shared_server, deliver):
    delivery = deliver(shared_server.url, path="nowhere")
    play(delivery, a_run([1.0]))
    eventually(lambda: "no catalog 'nowhere'" in delivery.status().trouble)
    assert len(journals(delivery)) == 1


def test_an_answer_that_is_lost_doubles_nothing(between, shared_server, deliver):
    lost = []

    def lose_second_append(method, path):
        if method == "PATCH" and "partition=0" in path:
            lost.append(path)
            return "lose" if len(lost) == 2 else ""
        return ""

    between.fault = lose_second_append
    delivery = deliver(between.url)
    pairs = list(a_run(range(10)))
    uid = pairs[0][1]["uid"]
    play(delivery, pairs[:5])
    eventually(lambda: len(lost) == 1)
    play(delivery, pairs[5:])
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == list(range(1, 11))


def test_a_server_that_refuses_us_is_told_and_tried_again(between, shared_server, deliver, caplog):
    between.fault = lambda method, path: "403" if method == "POST" else ""
    delivery = deliver(between.url)
    pairs = list(a_run([1.0]))
    play(delivery, pairs)
    eventually(lambda: "403" in delivery.status().trouble)
    assert "write:data" in caplog.text
    between.fault = lambda method, path: ""
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]


def test_a_run_that_the_server_fails_at_lets_others_pass(between, shared_server, deliver):
    bad, *good = (list(a_run([1.0])) for _ in range(2))
    uid = bad[0][1]["uid"]
    between.fault = lambda method, path: "500" if uid in path and method != "GET" else ""
    delivery = deliver(between.url)
    play(delivery, bad)
    play(delivery, good[0])
    eventually(delivery.outbox.refused)
    assert rows(shared_server, good[0][0][1]["uid"]) == [1]
    assert [path.stem for path in journals(delivery)] == [uid]
    # moved back when the server is mended, it goes there
    between.fault = lambda method, path: ""
    (entry,) = delivery.outbox.refused()
    entry.rename(delivery.outbox.folder / entry.name)
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == [1]


def test_a_run_that_no_server_takes_is_kept_aside(shared_server, deliver, caplog):
    delivery = deliver(shared_server.url)
    bad = list(a_run([1.0]))
    bad[0][1]["scan_id"] = "A-7/b"  # as an old session may have had it
    play(delivery, bad)
    good = list(a_run([1.0]))
    play(delivery, good)
    eventually(lambda: delivery.status().delivered == 1)
    assert rows(shared_server, good[0][1]["uid"]) == [1]
    assert delivery.status().refused == 1
    assert "'A-7/b' is not of type 'integer'" in caplog.text
    assert journals(delivery)[0].read_text().count("\n") == len(bad)


def test_a_server_that_never_answers_costs_the_scan_nothing(deliver):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        delivery = deliver(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=20)
        writers = Writers({}, {"tiled": delivery})
        longest = 0.0
        for _ in range(3):
            for pair in a_run(range(200)):
                began = time.monotonic()
                writers(*pair)
                longest = max(longest, time.monotonic() - began)
        assert longest < 2  # a tenth of what the server is waited for
        assert len(journals(delivery)) == 3
        began = time.monotonic()
        delivery.close(1.0)
        assert time.monotonic() - began < 5


# --- once ----------------------------------------------------------------------------------------


def test_a_run_that_is_there_already_counts_as_delivered(between, shared_server, deliver):
    pairs = list(a_run([1.0, 2.0]))
    first = deliver(shared_server.url, outbox="first")
    play(first, pairs)
    eventually(lambda: is_all_delivered(first))
    second = deliver(between.url, outbox="second")
    play(second, pairs)
    eventually(lambda: is_all_delivered(second))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1, 2]
    assert set(between.requests) == {"GET"}


def test_what_somebody_else_is_sending_is_left_alone(shared_server, deliver):
    from bluesky_tiled_plugins import TiledWriter

    pairs = list(a_run([1.0, 2.0]))
    uid = pairs[0][1]["uid"]
    other = TiledWriter(catalog(shared_server), batch_size=1)
    for pair in pairs[:3]:
        other(*pair)
    delivery = deliver(shared_server.url)
    play(delivery, pairs)
    eventually(lambda: "not begun by us" in delivery.status().trouble)
    assert rows(shared_server, uid) == [1]
    for pair in pairs[3:]:
        other(*pair)
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == [1, 2]


# --- the session ends ----------------------------------------------------------------------------

SESSION = """
    import sys, time
    from bluescribe.delivery.tiled import TiledDelivery
    from tests.system.test_tiled_delivery import a_run

    if __name__ == "__main__":
        delivery = TiledDelivery(uri=sys.argv[1], path="raw", outbox=sys.argv[2], interval=0.2)
        delivery.follow([])
        for name, doc in a_run(range(100_000)):
            delivery.writer(name, doc)
            if name == "start":
                print(doc["uid"], flush=True)
            time.sleep(0.01)
"""


def session(tmp_path, url):
    """Begin a scan in another process, with the same outbox; return it and the run's uid."""
    script = tmp_path / "session.py"
    script.write_text(textwrap.dedent(SESSION))
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), str(root / "src")])
    child = subprocess.Popen(
        [sys.executable, str(script), url, str(tmp_path / "outbox")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert child.stdout is not None
    uid = child.stdout.readline().strip()
    eventually((tmp_path / "outbox" / "runs" / f"{uid}.jsonl").exists)
    eventually(lambda: list((tmp_path / "outbox").glob("*.json")))
    return child, uid


@pytest.mark.parametrize("is_up", [True, False])
def test_a_session_is_killed_in_mid_run(shared_server, deliver, tmp_path, caplog, is_up):
    url = shared_server.url if is_up else f"http://127.0.0.1:{free_port()}"
    child, uid = session(tmp_path, url)
    journal = tmp_path / "outbox" / "runs" / f"{uid}.jsonl"
    try:
        if is_up:
            eventually(lambda: len(rows(shared_server, uid)) > 10)
        eventually(lambda: journal.read_text().count("\n") > 50)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    received = sum(line.startswith('["event"') for line in journal.read_text().splitlines())
    with caplog.at_level(logging.WARNING):
        delivery = deliver(shared_server.url)
        eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == list(range(1, received + 1))
    assert "stop" not in catalog(shared_server)[uid].metadata
    assert "has no stop document" in caplog.text
    assert (tmp_path / "outbox" / "unfinished" / journal.name).exists()


def test_a_run_that_another_session_takes_is_left_open(shared_server, deliver, tmp_path):
    child, uid = session(tmp_path, f"http://127.0.0.1:{free_port()}")
    try:
        delivery = deliver(shared_server.url)
        time.sleep(2.0)
        assert not (tmp_path / "outbox" / "unfinished").exists()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid)


def test_what_remains_at_the_end_goes_with_the_next_session(shared_server, deliver, tmp_path):
    first = deliver(f"http://127.0.0.1:{free_port()}")
    pairs = list(a_run([1.0]))
    play(first, pairs)
    first.writer.close()
    first.close(2.0)
    assert len(journals(first)) == 1
    next_one = deliver(shared_server.url)
    eventually(lambda: is_all_delivered(next_one))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]


def test_an_end_of_session_waits_for_what_can_be_sent(shared_server, deliver):
    delivery = deliver(shared_server.url, interval=60.0)
    pairs = list(a_run([1.0]))
    play(delivery, pairs)
    delivery.writer.close()
    delivery.close(30.0)
    assert is_all_delivered(delivery)
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]


# --- the settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"URI": "http://here?api_key=abcdef"}, "TILED_API_KEY"),
        ({"URI": "http://me:abcdef@here"}, "TILED_API_KEY"),
        ({"URI": "http://here", "API_KEY": "abcdef"}, "TILED_API_KEY"),
        ({"URI": "here"}, "a URL is needed"),
        ({}, "needed: Where the server is"),
    ],
)
def test_a_wrong_block_is_told(RE, said, words):
    with pytest.raises(ConfigError) as caught:
        subscribe_writers(RE, {"TILED": {"ENABLE": True, **said}})
    assert words in str(caught.value)
    assert "TILED" in str(caught.value)
    assert "abcdef" not in str(caught.value)


def test_a_missing_extra_is_told_when_it_is_switched_on(RE, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bluesky_tiled_plugins.writing.tiled_writer", None)
    with pytest.raises(bluescribe.BluescribeError, match=r"pip install 'bluescribe\[tiled\]'"):
        subscribe_writers(RE, block(tmp_path, "http://127.0.0.1:1"))


def test_nobody_is_asked_for_a_key(shared_server, deliver, monkeypatch):
    monkeypatch.delenv("TILED_API_KEY")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked on the terminal"))
    delivery = deliver(shared_server.url)
    play(delivery, a_run([1.0]))
    eventually(lambda: "there is no key" in delivery.status().trouble)
