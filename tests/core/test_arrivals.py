"""What came of a run is compared with what its stop document promises."""

from __future__ import annotations

from copy import deepcopy

import pytest
from event_model import compose_run
from hypothesis import given
from hypothesis import strategies as st

from bluescribe import JsonlWriter, JsonWriter
from bluescribe.model.seq_nums import SeqNums, worded
from bluescribe.testing.contract.playing import played


def amiss(folder, documents, writer_class=JsonlWriter):
    """Write a run, and return in what it is not as it was promised."""
    with writer_class(folder) as writer:
        for name, doc in documents:
            writer.post(name, doc)
        writer.request_finish().wait()
        return [text for entry in writer.status().discrepancies for text in entry.what]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return tmp_path_factory.mktemp("shapes")


def places(documents, name):
    return [i for i, (kind, _) in enumerate(documents) if kind == name]


@pytest.mark.parametrize(
    ("what", "which", "text"),
    [
        ("scan event", 0, "4 of 5 events of primary came: seq_num 1 did not"),
        ("scan event", 2, "4 of 5 events of primary came: seq_num 3 did not"),
        ("scan event", -1, "4 of 5 events of primary came: seq_num 5 did not"),
        ("scan descriptor", 0, "5 events of primary were promised, and no descriptor came"),
        ("baseline event", -1, "1 of 2 events of baseline came: seq_num 2 did not"),
        ("reconfigured descriptor", -1, "events of primary came: seq_num"),
        ("fly_pages event_page", 0, " came: seq_num 1"),
        ("stream_fly stream_datum", 0, "frames of"),
        ("stream_count stream_datum", 1, "came: seq_num 2 did not"),
        ("stream_count stream_datum", -1, "frames of"),
        ("stream_count stream_resource", 0, "0 of"),
        ("stream_count event", 1, "came: seq_num 2 did not"),
        ("stream_fly_two_detectors stream_datum", 0, "frames of"),
        ("resource_hdf5 datum", 1, "1 datums of"),
        ("resource_datum_page datum_page", 0, "datums of"),
    ],
)
def test_a_document_that_is_lost_is_told(tmp_path, shapes, what, which, text):
    shape, name = what.split()
    documents = list(played(shape, "plain", shapes))
    del documents[places(documents, name)[which]]
    for writer_class in (JsonlWriter, JsonWriter):  # one keeps documents, one takes pages
        (told,) = amiss(tmp_path / writer_class.format, documents, writer_class)
        assert text in told


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("scan event", "5 events of primary came twice: seq_num 1-5"),
        ("monitors event", "came twice: seq_num"),
        ("fly_pages event_page", "came twice: seq_num 1-"),
        ("pause_resume event", "came twice: seq_num 1-"),
        ("stream_fly stream_datum", "frames of"),
    ],
)
@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "when all came"])
def test_what_comes_twice_is_told(tmp_path, shapes, what, text, is_late):
    shape, name = what.split()
    documents = list(played(shape, "plain", shapes))
    found = [documents[i] for i in places(documents, name)]
    if is_late:
        documents[-1:-1] = deepcopy(found)
    else:
        for i in reversed(places(documents, name)):
            documents.insert(i, deepcopy(documents[i]))
    told = amiss(tmp_path, documents)
    assert told
    assert all(text in line for line in told)


def long_run(events, seconds=0.001):
    """Return the documents of a run, with an event each millisecond."""
    run = compose_run(time=0.0)
    keys = {"x": {"dtype": "number", "shape": [], "source": "s"}}
    stream = run.compose_descriptor(name="primary", data_keys=keys, time=0.0)
    events = [
        stream.compose_event(data={"x": 1}, timestamps={"x": 1.0}, time=i * seconds, validate=False)
        for i in range(events)
    ]
    head = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
    return head, [("event", doc) for doc in events], [("stop", run.compose_stop(time=1e6))]


def test_an_event_that_came_long_ago_is_known_by_its_time(tmp_path):
    head, events, stop = long_run(3_000)
    (told,) = amiss(tmp_path, [*head, *events, events[10], *stop])
    assert told == "1 events of primary came twice: seq_num 11"
    again = [(n, {**doc, "uid": f"{doc['uid']} again", "time": 9.0}) for n, doc in events]
    assert not amiss(tmp_path / "rewound", [*head, *events, *again, *stop])


def test_damaged_events_are_none(tmp_path):
    """A journal takes them, as it takes everything."""
    head, events, stop = long_run(5)
    for damage in ({"seq_num": None}, {"seq_num": "5"}, {"time": None}, {"uid": [1]}, {"uid": 5}):
        name, doc = events[4]
        told = amiss(tmp_path / str(damage), [*head, *events[:4], (name, {**doc, **damage}), *stop])
        is_lost = "seq_num" in damage
        assert told == ["4 of 5 events of primary came: seq_num 5 did not"] * is_lost


@pytest.mark.parametrize("length", [1_023, 1_024, 1_025, 2_500])
@pytest.mark.parametrize("writer_class", [JsonlWriter, JsonWriter])
def test_the_latest_events_are_known_by_their_uids(tmp_path, length, writer_class):
    head, events, stop = long_run(length, seconds=0.0)
    again = events[-1_000:]
    (told,) = amiss(tmp_path / "twice", [*head, *events, *again, *stop], writer_class)
    assert told == f"1000 events of primary came twice: seq_num {length - 999}-{length}"
    others = [(name, {**doc, "uid": f"{doc['uid']} again"}) for name, doc in again]
    assert not amiss(tmp_path / "again", [*head, *events, *others, *stop], writer_class)


def test_gaps_are_told_where_nothing_was_promised(tmp_path):
    head, events, ((_, stop),) = long_run(10)
    silent = {key: value for key, value in stop.items() if key != "num_events"}
    lost = events[:3] + events[4:9]
    (told,) = amiss(tmp_path / "silent", [*head, *lost, ("stop", silent)])
    assert told == "8 of 9 events of primary came: seq_num 4 did not"
    (told,) = amiss(tmp_path / "never", [*head, *lost])
    assert told == "8 of 9 events of primary came: seq_num 4 did not"


def test_who_counts_from_0_is_taken_at_his_word(tmp_path):
    head, events, stop = long_run(5)
    zero = [(name, {**doc, "seq_num": doc["seq_num"] - 1}) for name, doc in events]
    assert not amiss(tmp_path / "all", [*head, *zero, *stop])
    (told,) = amiss(tmp_path / "lost", [*head, *zero[:-1], *stop])
    assert told == "4 of 5 events of primary came: seq_num 4 did not"


@pytest.mark.parametrize(
    "said", [None, [], "5", {"primary": "5"}, {"primary": -1}, {"primary": 1e3}, {5: None}, {"": 5}]
)
def test_a_promise_that_is_none_is_no_promise(tmp_path, said):
    head, events, ((_, stop),) = long_run(5)
    documents = [*head, *events, ("stop", {**stop, "num_events": said})]
    assert not amiss(tmp_path, documents)


def test_a_stream_of_any_name_is_told_in_one_line(tmp_path):
    head, events, ((_, stop),) = long_run(1)
    promised = {f"\n{'x' * 500}{n}": 2 for n in range(50)}
    told = amiss(tmp_path, [*head, *events, ("stop", {**stop, "num_events": promised})])
    assert len(told) == 21
    assert told[-1] == "and 30 more of the kind"
    assert all(len(line) < 200 and line.isprintable() for line in told)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5))), st.integers(0, 50))
def test_seq_nums_are_counted_as_a_set_counts_them(ranges, promised):
    found = SeqNums()
    model: set[int] = set()
    for start, length in ranges:
        new = set(range(start, start + length))
        assert found.add(start, start + length) == bool(new - model)
        model |= new
    assert found.count == len(model)
    missing = set(range(1, promised + 1)) - model
    count, gaps = found.missing(promised)
    assert count == len(missing)
    assert {n for a, b in gaps for n in range(a, b)} == missing
    assert {n for a, b in found.came() for n in range(a, b)} == model


def test_memory_does_not_grow_with_gaps():
    found = SeqNums()
    for number in range(1, 100_000, 10):
        found.add(number, number + 1)
    assert found.missing(100_000) == (90_000, ())
    assert len(found._gaps) < 1_000


def test_ranges_are_worded():
    assert worded([(1, 2), (4, 7)]) == "1, 4-6"
    assert worded([(n, n + 1) for n in range(0, 20, 2)]) == "0, 2, 4 and 7 more"
