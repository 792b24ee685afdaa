"""Every document reaches the file of its run; a damaged one costs nothing but itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from event_model import DocumentNames

from bluescribe.errors import DocumentError
from bluescribe.model import grammar
from bluescribe.recording.router import Router
from tests.core.books import (
    IMAGE,
    Journal,
    Play,
    datum,
    descriptor,
    event,
    page,
    resource,
    start,
    stop,
    told,
)


def test_a_run_reaches_its_file_in_the_order_of_its_documents(play, caplog):
    play(start(), descriptor(), event(1), event(2), page(3, 4), event(5), stop())
    (book,) = play.books
    assert [name for (name,) in book.did("record")] == ["start", "descriptor", "stop"]
    assert book.did("write_events") == [("primary", [1, 2]), ("primary", [3, 4]), ("primary", [5])]
    assert [call[0] for call in book.calls][:2] == ["open", "record"]
    assert book.calls[-1] == ("close", "success")
    assert play.account.events_written == 5
    assert play.account.runs_written == 1
    assert play.account.last_file == book.paths[0]
    assert not play.account.open_files
    assert not told(caplog)


def test_events_become_a_page_at_each_batch(play):
    play(start(), descriptor(), event(1), event(2))
    assert not play.books[0].rows
    assert list(play.account.open_files.values()) == play.books[0].paths
    play.router.sync()
    play(event(3))
    play.router.sync()
    assert play.books[0].did("write_events") == [("primary", [1, 2]), ("primary", [3])]
    assert len(play.books[0].did("sync")) == 2
    play.router.sync()
    assert len(play.books[0].did("sync")) == 2, "nothing is new"


def test_a_journal_gets_documents_and_no_pages(tmp_path):
    play = Play(tmp_path, Journal)
    play(start(), descriptor(), event(1), page(2, 3), stop())
    assert not play.books[0].rows
    assert len(play.books[0].did("record")) == 5
    assert play.account.events_written == 3


def test_interleaved_runs_and_streams_keep_their_events(play):
    play(start("a"), start("b"), descriptor("da", "a"), descriptor("db", "b"))
    play(descriptor("dark", "a", "dark"), event(1, "da"), event(1, "db"), event(1, "dark"))
    play(event(2, "da"), stop("b"), event(3, "da"), stop("a"))
    assert play.book("b").rows == [("primary", "db", 1)]
    primary = [("primary", "da", n) for n in (1, 2, 3)]
    assert sorted(play.book("a").rows) == [("dark", "dark", 1), *primary]


def test_a_stream_keeps_its_order_over_two_descriptors(play):
    play(start(), descriptor("d1"), event(1, "d1"), descriptor("d2"), event(2, "d2"))
    play(event(3, "d1"), event(4, "d2"), stop())
    rows = play.books[0].rows
    assert rows == [("primary", of, n) for of, n in (("d1", 1), ("d2", 2), ("d1", 3), ("d2", 4))]


def test_a_reconfiguration_comes_after_the_events_before_it(play):
    play(start(), descriptor("d1"), event(1, "d1"), descriptor("d2"), event(2, "d2"), stop())
    told_file = [
        call[:3] for call in play.books[0].calls if call[0] in ("add_descriptor", "write_events")
    ]
    assert told_file == [
        ("add_descriptor", "primary", "d1"),
        ("write_events", "primary", [1]),
        ("add_descriptor", "primary", "d2"),
        ("write_events", "primary", [2]),
    ]


def test_a_datum_need_not_be_called_after_its_resource(play):
    for kind, datum_id in (("datum", "odd"), ("datum_page", ["odd"])):
        doc: dict[str, Any] = {"resource": "r", "datum_id": datum_id, "datum_kwargs": {}}
        play(start(), descriptor(image=IMAGE), resource(), (kind, doc))
        play(event(1, image="odd"), stop())
        assert play.books[-1].did("link_assets") == [("primary", "image", "r", None)]


def test_datums_are_linked_with_the_events_that_name_them(play):
    play(start(), descriptor(image=IMAGE), resource(), datum(0), event(1, image="r/0"))
    play(("datum_page", {"resource": "r", "datum_id": ["r/1", "r/2"], "datum_kwargs": {}}))
    play(event(2, image="r/1"), event(3, image="r/2"), stop())
    assert set(play.books[0].did("link_assets")) == {("primary", "image", "r", None)}


def test_a_resource_that_does_not_name_its_run_is_of_the_only_one(play, caplog):
    name, doc = resource()
    del doc["run_start"]
    play(start(), descriptor(image=IMAGE), (name, doc), datum(0), event(1, image="r/0"), stop())
    assert play.books[0].did("link_assets")
    assert not told(caplog)


def test_a_resource_that_could_be_of_two_runs_is_told_of(play, caplog):
    name, doc = resource()
    del doc["run_start"]
    play(start("a"), start("b"), (name, doc), stop("a"), stop("b"))
    (warning,) = told(caplog)
    assert "ignoring the resource" in warning


def test_a_datum_of_an_earlier_runs_resource_belongs_to_the_latest_run(play, caplog):
    play(start("a"), resource("r", "a"), datum(0), stop("a"))
    play(start("b"), descriptor("d", "b", image=IMAGE), datum(1), event(1, image="r/1"), stop("b"))
    assert [name for (name,) in play.book("b").did("record")] == [
        "start", "descriptor", "resource", "datum", "stop"
    ]  # fmt: skip
    assert play.book("b").did("link_assets") == [("primary", "image", "r", None)]
    assert not told(caplog)


def test_stream_datums_tell_frames(play):
    play(start(), descriptor(image=IMAGE))
    doc = {"uid": "sr", "run_start": "run", "data_key": "image", "mimetype": "application/x-hdf5",
           "uri": "file://localhost/a.h5", "parameters": {"dataset": "/x"}}  # fmt: skip
    ranges = {"seq_nums": {"start": 1, "stop": 4}, "indices": {"start": 0, "stop": 3}}
    play(("stream_resource", doc))
    play(("stream_datum", {"uid": "sr/0", "stream_resource": "sr", "descriptor": "d", **ranges}))
    ((stream, field, uid, frames),) = play.books[0].did("link_assets")
    assert (stream, field, uid) == ("primary", "image", "sr")
    assert (frames.seq_start, frames.seq_stop, frames.index_stop) == (1, 4, 3)


def test_documents_of_a_run_whose_start_was_not_seen_are_told_of_once_a_run(play, caplog):
    sr = {"uid": "sr", "run_start": "run", "uri": "file:///a"}
    sd = {"uid": "sr/0", "stream_resource": "sr", "descriptor": "d"}
    strays = [descriptor(), event(), page(1), resource(), datum(), ("stream_resource", sr),
              ("stream_datum", sd), stop()]  # fmt: skip
    play(*strays)
    (warning,) = told(caplog)
    assert "book: ignoring the descriptor" in warning
    assert "start this writer has not seen" in warning
    play(start("next"), stop("next"), *strays)
    assert len(told(caplog)) == 2
    assert play.account.runs_written == 1
    assert play.account.documents_refused == 0


def test_a_start_or_descriptor_that_comes_again_is_refused(play, caplog):
    play(start(), start(), descriptor(), event(1), descriptor(), event(2), stop())
    assert len(play.books) == 1
    assert [n for _, _, n in play.books[0].rows] == [1, 2]
    assert play.account.documents_refused == 2
    first, second = told(caplog)
    assert "run run was started twice" in first
    assert "descriptor d of run run (scan 7) came twice" in second


@pytest.mark.parametrize(
    "damaged",
    [
        ("start", None), ("start", {}), ("descriptor", {"run_start": "run", "uid": "x"}),
        ("descriptor", {"run_start": []}), ("event", {}), ("event", None),
        ("event", {"descriptor": []}), ("event", {"descriptor": "d"}),
        ("event", {**event(9)[1], "data": 5}), ("event_page", {**page(9)[1], "data": {"x": []}}),
        ("event_page", {**page(9)[1], "time": None}),
        ("datum", {}), ("resource", {"run_start": "run", "uid": "r"}), ("stop", None),
        ("stream_datum", {"descriptor": "d", "stream_resource": "nobody"}), ("unheard_of", {}),
        ("sync", {}), ("close", {}), (5, {}),
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_document_is_refused_and_told_of(play, caplog, damaged):
    play(start(), descriptor(), event(1), damaged, event(2), stop())
    assert [n for _, _, n in play.books[0].rows] == [1, 2]
    assert play.account.documents_refused == 1
    assert play.account.runs_written == 1
    (warning,) = told(caplog)
    assert "book: refused a damaged" in warning


@pytest.mark.parametrize(
    "method", ["open", "record", "write_events", "link_assets", "sync", "close"]
)
def test_a_document_that_the_format_refuses_costs_that_document_only(play, caplog, method):
    """In a batch, at a sync or at the stop too: the run is finished and the thread goes on."""
    faults = 2 if method == "write_events" else 1  # without its value, too
    play.faults[method] = [DocumentError("not in this format")] * faults
    play(start(), resource(), datum(0), descriptor(image=IMAGE), event(1, image="r/0"))
    play.router.sync()
    play(event(2, image="r/0"), stop(), start("next"), stop("next"))
    assert play.account.documents_refused == 1
    assert play.account.runs_written == 2
    assert not play.account.failures
    assert play.book("next").did("close")
    assert not play.router.has_open_runs
    (warning,) = told(caplog)
    assert "not in this format" in warning


def test_a_stop_that_cannot_be_recorded_still_ends_the_run(play):
    play(start(), descriptor(), event(1))
    play.faults["record"] = [DocumentError("no")]
    play(stop())
    assert play.books[0].did("close") == [("success",)]
    assert not play.router.has_open_runs


def test_an_event_that_was_not_recorded_is_not_counted(tmp_path):
    play = Play(tmp_path, Journal)(start(), descriptor(), event(1))
    play.faults["record"] = [DocumentError("no"), DocumentError("no")]
    play(event(2), page(3), event(4), stop())
    assert play.account.events_written == 2
    assert play.account.documents_refused == 2


def test_runs_that_were_never_stopped_are_closed(play):
    play(start("a"), start("b"), descriptor("d", "b"), event(1))
    play.router.close()
    assert [book.did("close") for book in play.books] == [[(None,)], [(None,)]]
    assert play.book("b").rows == [("primary", "d", 1)]
    assert not play.router.has_open_runs


def test_nothing_of_a_finished_run_is_kept(play, monkeypatch):
    monkeypatch.setattr(
        "bluescribe.recording.router._EARLIER_RUNS", 100
    )  # uids alone, of the latest

    def one(number):
        run, d, r = f"run{number}", f"d{number}", f"r{number}"
        play(start(run), descriptor(d, run, image=IMAGE), resource(r, run), datum(0, r))
        play(event(1, d, image=f"{r}/0"), page(2, of=d), descriptor(d + "b", run), stop(run))
        play.books.clear()

    def sizes():
        held = vars(play.router) | vars(play.router.index) | vars(play.router.strays)
        return {k: len(v) for k, v in held.items() if hasattr(v, "__len__")}

    for number in range(100):
        one(number)
    before = sizes()
    for number in range(100, 200):
        one(number)
    assert sizes() == before
    assert before["runs"] == before["by_descriptor"] == before["by_resource"] == 0
    assert play.account.runs_written == 200


def test_the_folder_holds_one_file_a_run(play, tmp_path):
    play(start("a"), stop("a"), start("a"), stop("a"))
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["a-2.book", "a.book"]


def test_documents_are_those_of_the_event_model():
    """Which is not imported for their names."""
    assert {*DocumentNames.__members__} == grammar._NAMES
    for name in DocumentNames.__members__:
        assert callable(getattr(Router, name))
