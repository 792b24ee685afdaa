"""What was measured is what is on the server."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict

import event_model
import pytest

import bluescribe
from bluescribe.testing import documents, interleave
from tests.extent import IS_LONG
from tests.system.delivery.tiled.runs import (
    CORPUS,
    a_run,
    catalog,
    eventually,
    is_all_delivered,
    play,
    rows,
)

SHAPES = ["baseline", "aborted", *(["count", "grid_scan_snaked", "strings"] if IS_LONG else [])]
STREAMS = sorted(CORPUS.glob("*.jsonl"))[:: 1 if IS_LONG else 8]

# tiled's clients leave their sockets to the collector, and its server's storage warns
pytestmark = pytest.mark.filterwarnings("ignore")


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


@pytest.mark.ci
@pytest.mark.timeout(900)  # thirty runs by way of a server: minutes, on a busy machine
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


@pytest.mark.ci
def test_two_runs_at_once(shared_server, deliver, tmp_path):
    one, other = (documents(name, tmp_path) for name in ("count", "baseline"))
    delivery = deliver(shared_server.url)
    play(delivery, interleave(one, other))
    eventually(lambda: is_all_delivered(delivery))
    raw = catalog(shared_server)
    for pairs in (one, other):
        check_values(raw[pairs[0][1]["uid"]], pairs)
        assert raw[pairs[0][1]["uid"]].metadata["stop"]["exit_status"] == "success"


@pytest.mark.ci
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
    ][:: 1 if IS_LONG else 3],
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


@pytest.mark.parametrize("shape", SHAPES)
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
