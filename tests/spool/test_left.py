"""What a spool tells of its dead session: runs, who was done with them, and their files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bluescribe.spool import Spool
from bluescribe.spool.entries import SCHEMA
from bluescribe.spool.folder import SpoolFolder
from bluescribe.spool.left import LeftSpool
from bluescribe.spool.problems import BrokenSpoolError
from bluescribe.spool.window import Batch
from tests.spool.readers import run, segments, wait_for


@pytest.fixture
def lanes(follow, logged):
    """Two lanes of a spool with a log, of which one is of a delivery."""
    one, other = follow(logged, "jsonl"), follow(logged, "csv")
    one.about = lambda: {"format": "jsonl", "settings": {"directory": "x"}}
    return one, other


@pytest.fixture
def died(logged, lanes, tmp_path) -> Callable[[], LeftSpool]:
    """Return what has a copy of the spool as it is now be one that was left."""

    def copied() -> LeftSpool:
        for lane in lanes:
            assert lane.request().wait(8)
        (own,) = (tmp_path / "spools").iterdir()
        copy = shutil.copytree(own, tmp_path / "dead" / own.name)
        folder = SpoolFolder.taken(copy)
        assert folder is not None
        return LeftSpool(folder)

    return copied


def post(spool: Spool, documents: list[tuple[str, Any, int]]) -> None:
    for name, doc, size in documents:
        spool.post(name, doc, size)


def test_who_wrote_with_which_settings(logged, died):
    post(logged, run("a", 2)[:-1])
    assert died().lanes == {"jsonl": {"format": "jsonl", "settings": {"directory": "x"}}, "csv": {}}


def test_runs_that_were_begun_and_which_of_them_were_stopped(logged, died, lanes):
    for lane in lanes:
        lane.reader.late = {"a"}  # or nobody would need it any more
    post(logged, [*run("a", 2), *run("b", 1)[:-1]])
    found = died().runs
    assert [(each.uid, each.has_stop, each.is_whole) for each in found.values()] == [
        ("a", True, True), ("b", False, True),
    ]  # fmt: skip
    assert found["a"].start == {"uid": "a"}


def test_a_run_that_gets_no_stop_any_more_is_over(logged, died, lanes):
    post(logged, [*run("a", 2)[:-1], ("unstopped", {"run_start": "a"}, 0)])
    assert died().runs["a"].has_stop


def test_who_is_done_with_a_run(logged, died, lanes):
    one, other = lanes
    other.reader.late = {"a"}
    post(logged, [*run("a", 2), *run("b", 2)[:-1]])
    wait_for(lambda: one.request().wait(8) and not one.reader.opened - {"b"})
    left = died()
    assert left.runs["a"].done == {"jsonl"}
    assert left.runs["b"].done == set()


def test_a_run_that_another_writer_has_is_done(logged, died, lanes):
    logged.post("elsewhere", {"uid": "a"}, 0, lanes[0])
    post(logged, run("a", 2)[:-1])
    found = died().runs["a"]
    assert found.done == {"jsonl"}
    assert found.start == {"uid": "a"}


def test_the_files_of_a_run_by_lane_each_once(logged, died, lanes):
    one, other = lanes
    post(logged, run("a", 2)[:-1])
    assert one.request().wait(8)
    for name in ("x", "y", "x"):
        one.note("file", {"run_start": "a", "path": f"/{name}"})
    other.note("file", {"run_start": "a", "path": "/z"})
    other.note("file", {"run_start": "nobody", "path": "/z"})
    assert died().runs["a"].files == {"jsonl": [Path("/x"), Path("/y")], "csv": [Path("/z")]}


def test_the_story_has_what_was_asked_of_that_lane_alone(logged, died, lanes):
    one, other = lanes
    post(logged, run("a", 1)[:-1])
    one.post("control", {"text": "to one"})
    other.post("control", {"text": "to the other"})
    left = died()
    said = [[doc["text"] for name, doc in left.story("a", lane) if name == "control"]
            for lane in ("jsonl", "csv")]  # fmt: skip
    assert said == [["to one"], ["to the other"]]


@pytest.mark.usefixtures("small")
def test_it_goes_through_all_segments(logged, died, tmp_path):
    post(logged, [("start", {"uid": "a"}, 0), ("descriptor", {"uid": "d", "run_start": "a"}, 0)])
    for number in range(300):
        logged.post("event", {"descriptor": "d", "seq_num": number, "text": "x" * 100})
        logged.hasten()
    left = died()
    assert len(segments(tmp_path / "dead")) > 3
    events = [doc["seq_num"] for name, doc in left.story("a", "jsonl") if name == "event"]
    assert events == [*range(300)]
    assert left.runs["a"].is_whole


@pytest.mark.usefixtures("small")
def test_a_segment_that_is_torn_in_the_middle_of_them_is_a_gap(logged, died, tmp_path):
    """A power cut may lose a part of one, and nothing of the next one."""
    post(logged, [("start", {"uid": "a"}, 0)])
    for number in range(300):
        logged.post("event", {"descriptor": "a", "seq_num": number, "text": "x" * 100})
        logged.hasten()
    folder = died().folder
    folder.release()
    middle = segments(tmp_path / "dead")[2]
    with middle.open("r+b") as file:
        file.truncate(middle.stat().st_size // 2)
    taken = SpoolFolder.taken(folder.path)
    assert taken is not None
    assert not LeftSpool(taken).runs["a"].is_whole


def test_a_gap_is_of_the_runs_that_were_open(logged, died, lanes):
    for lane in lanes:
        lane.reader.late = {"a", "b", "c"}
    post(logged, [*run("a", 1), *run("b", 1)[:-1]])
    assert lanes[0].request().wait(8)
    with logged._window.lock:
        logged._keeper.lose(Batch(10**6, [], 0))
    post(logged, [*run("b", 1)[1:], *run("c", 1)])
    found = died().runs
    assert {uid: each.is_whole for uid, each in found.items()} == {"a": True, "b": False, "c": True}


def test_a_later_version_is_told(logged, died, monkeypatch):
    post(logged, run("a", 1)[:-1])
    died().folder.release()
    monkeypatch.setattr("bluescribe.spool.entries.SCHEMA", SCHEMA - 1)
    with pytest.raises(BrokenSpoolError, match="use that version"):
        died_again(logged)


def died_again(spool: Spool) -> LeftSpool:
    dead = Path(str(spool._keeper.path).replace("spools", "dead"))
    folder = SpoolFolder.taken(dead)
    assert folder is not None
    return LeftSpool(folder)


def test_a_spool_of_which_nothing_was_written_has_no_runs(tmp_path):
    folder = SpoolFolder.made(tmp_path)
    (folder.path / "000001.spool").touch()
    left = LeftSpool(folder)
    assert (left.runs, left.lanes) == ({}, {})
    folder.remove()


def test_odd_documents_are_no_runs(logged, died, lanes):
    odd: list[Any] = [None, 5, "text", [], {"uid": None}, {"uid": 5}, {}]
    for lane in lanes:
        lane.reader.receive = lambda name, doc: None
        lane.reader.opened.add("a")
    for doc in odd:
        logged.post("start", doc)
    post(logged, run("a", 1)[:-1])
    assert [*died().runs] == ["a"]
