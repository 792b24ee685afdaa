"""What is needed of the log stays, and nothing else does."""

from __future__ import annotations

import threading

import pytest

from bluescribe.files import Place
from bluescribe.files.write_lock import is_held
from bluescribe.spool import Spool, keeping
from bluescribe.spool import spool as spools
from bluescribe.spool.entries import NOTE, read_segment
from bluescribe.spool.folder import SpoolFolder
from bluescribe.testing.contract import played
from tests.spool.readers import (
    PATIENCE,
    entries,
    play,
    played_on,
    run,
    segments,
    snapshots,
    wait_for,
)
from tests.spool.same import same

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "spools"


@pytest.fixture
def lane(follow, logged):
    return follow(logged)


def test_what_comes_is_in_the_log_at_once(lane, logged, home):
    """Also while the lane has not come to it yet."""
    lane.reader.gate.clear()
    play(logged, [("comment", {"text": "0"}, 0)])
    wait_for(lambda: lane.reader.is_waiting)
    posted = played_on(logged, run("a", 3)[:-1])
    logged.intake.items.append(("event", {"seq_num": 4}, 0, None))
    posted.append(("event", {"seq_num": 4}, ""))
    wait_for(lambda: entries(home)[1:] == posted, 5 * spools._INTERVAL)


def test_nothing_is_made_before_something_comes(lane, home):
    assert not home.exists()
    lane.close()
    assert not home.exists()


def test_who_finds_a_spool_knows_of_the_lanes(lane, logged, home):
    lane.about = lambda: {"directory": "data"}
    played_on(logged, run("a", 1)[:-1])
    wait_for(lambda: entries(home))
    assert logged._keeper._log._about["lanes"] == {"test-lane": {"directory": "data"}}
    (folder,) = home.iterdir()
    assert is_held(folder / "session")


def test_segments_go_when_all_runs_are_done(lane, logged, home):
    documents = run("a", 200)
    posted = played_on(logged, documents[:-1])
    assert len(segments(home)) > 3
    wait_for(lambda: lane.reader.opened)
    assert entries(home) == posted, "all of a run that is open stays"
    play(logged, documents[-1:])
    assert lane.request().wait(PATIENCE)
    wait_for(lambda: not segments(home), 0.5)
    (folder,) = home.iterdir()
    assert [path.name for path in folder.iterdir()] == ["session"]
    played_on(logged, run("b", 5))
    lane.close()
    assert not folder.exists()


def test_what_stands_before_the_runs_that_are_open_goes(lane, logged, home):
    played_on(logged, run("a", 50)[:-1])
    posted = played_on(logged, run("b", 50)[:-1])
    play(logged, run("a", 50)[-1:])
    assert lane.request().wait(PATIENCE)
    wait_for(lambda: ("start", {"uid": "a"}, "") not in entries(home), 0.5)
    kept = [*entries(home)]
    assert kept[-len(posted) - 1 : -1] == posted


def test_a_lane_that_is_slow_keeps_what_it_has_not_written(lane, logged, home, follow):
    other = follow(logged, "other")
    other.reader.gate.clear()
    posted = played_on(logged, run("a", 100))
    assert lane.request().wait(PATIENCE)
    assert not lane.reader.opened
    assert entries(home) == posted
    other.reader.gate.set()
    assert other.request().wait(PATIENCE)
    wait_for(lambda: not segments(home), 0.5)


def test_a_run_that_begins_behind_a_flush_is_kept(lane, logged):
    """The flush is answered when the run is with the lane already, and is not begun there yet."""
    lane.reader.gate.clear()
    play(logged, run("a", 0)[:1])
    wait_for(lambda: lane.reader.is_waiting)
    asked = lane.request()
    played_on(logged, run("b", 1)[:-1])
    lane.reader.gate.set()
    assert asked.wait(PATIENCE)
    assert lane.request().wait(PATIENCE)
    assert logged.keeps("b")


def test_a_run_that_is_late_is_kept(lane, logged, home):
    lane.reader.late.add("a")
    posted = played_on(logged, run("a", 50))
    assert lane.request().wait(PATIENCE)
    played_on(logged, run("b", 50))
    assert lane.request().wait(PATIENCE)
    assert entries(home)[: len(posted)] == posted
    assert logged.keeps("a")
    wait_for(lambda: not logged.keeps("b"))


@pytest.fixture
def late(lane, logged):
    """A lane that has a run late, and what was posted of it."""
    sync, reader = lane.reader.sync, lane.reader
    reader.sync = lambda: reader.late.update(reader.opened & {"late"}) or sync()
    posted = played_on(logged, [*run("before", 3), *run("late", 50), *run("after", 3)])
    assert lane.request().wait(PATIENCE)
    assert reader.late == {"late"}
    return lane, posted


def test_what_is_late_is_left_to_the_next_session(late, home, caplog):
    lane, posted = late
    found = segments(home)
    lane.close()
    assert segments(home) == found
    (folder,) = home.iterdir()
    assert f"what could not be written is kept in {folder}" in caplog.text
    taken = SpoolFolder.taken(folder)
    assert taken is not None
    kept = entries(home)
    start = kept.index(("start", {"uid": "late"}, ""))
    assert kept[start:] == posted[posted.index(kept[start]) :]
    taken.release()


def test_the_story_of_a_run_is_all_that_a_lane_has_got_since(late, logged, home, follow):
    lane, posted = late
    other = follow(logged, "other")
    lane.post("comment", {"text": "for this lane"})
    other.post("comment", {"text": "for another one"})
    posted.append(("comment", {"text": "for this lane"}, lane.name))
    assert lane.request().wait(PATIENCE)
    wait_for(lambda: len([*logged.story("late", lane)]) >= len(posted) - 10)
    story = [*logged.story("late", lane)]
    expected = posted[posted.index(("start", {"uid": "late"}, "")) :]
    assert same(story[-len(expected) :], expected)
    assert len(segments(home)) > 2
    assert logged.story("before", lane) is None, "it is done"


def test_the_story_ends_where_the_lane_is(lane, logged):
    posted = played_on(logged, run("a", 30)[:-1])
    assert lane.request().wait(PATIENCE)
    lane.reader.gate.clear()
    play(logged, [("comment", {}, 0)])
    wait_for(lambda: lane.reader.is_waiting)
    played_on(logged, [("event", {}, 0)] * 10)
    wait_for(lambda: logged._keeper._log.end > lane.cursor)
    assert [*logged.story("a", lane)][: len(posted)] == posted
    assert len([*logged.story("a", lane)]) < len(posted) + 10


@pytest.mark.parametrize("shape", ["scan", "images"])
def test_the_story_of_a_run_is_exact(shape, lane, logged, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "shapes"
    documents = snapshots(played(shape, "numpified", folder))
    uid = documents[0][1]["uid"]
    lane.reader.late.add(uid)
    posted = played_on(logged, documents)
    assert lane.request().wait(PATIENCE)
    wait_for(lambda: len([*logged.story(uid, lane)]) == len(posted))
    assert same([*logged.story(uid, lane)], posted)


def test_where_a_session_was_is_told_with_the_run(lane, logged, monkeypatch):
    """It comes before the start document, and whoever writes the run anew wants to know it."""
    post = logged.post
    monkeypatch.setattr(logged, "post", lambda *args: (post(*args), looked()))

    def looked():
        logged._wake.set()
        threading.Event().wait(0.02)  # it may look as soon as that

    lane.reader.late.add("a")
    logged.post("comment", {})
    logged.post("cwd", "/somewhere")
    logged.post("start", {"uid": "a"})
    monkeypatch.undo()
    assert lane.request().wait(PATIENCE)
    assert ("cwd", "/somewhere", "") in [*logged.story("a", lane)]


@pytest.mark.parametrize("kind", ["", "flush", "finish"])
def test_a_run_that_is_late_is_written_from_the_log(kind, late, monkeypatch):
    lane, posted = late
    lane.reader.is_away = False
    if kind:
        assert lane.request(kind).wait(PATIENCE)
    lane._next_try = 0.001  # its time has come
    lane.wake.set()
    wait_for(lambda: lane.reader.written)
    written = lane.reader.written["late"]
    assert written[-1] == posted[-1]
    assert ("start", {"uid": "late"}, "") in written


def test_who_closes_tries_once_more(late, home):
    lane, _ = late
    lane.reader.is_away = False
    lane.close()
    assert set(lane.reader.written) == {"late"}
    assert not [*home.iterdir()]


def test_what_was_written_after_all_goes(late, home):
    lane, _ = late
    lane.reader.is_away = False
    assert lane.request("flush").wait(PATIENCE)
    wait_for(lambda: not segments(home), 0.5)
    lane.close()
    assert not [*home.iterdir()]


def test_who_ends_as_a_run_begins_leaves_nothing(lane, logged, home, caplog):
    """What begins behind the end of the last lane is nobody's."""
    played_on(logged, run("a", 1))
    dismiss = logged.dismiss

    def late(lane):
        dismiss(lane)
        logged.intake.items.append(("start", {"uid": "b"}, 0, None))

    logged.dismiss = late
    lane.close()
    assert not [*home.iterdir()]
    assert not caplog.records


def test_a_note_is_in_the_log_at_once_and_no_lane_gets_it(lane, logged, home, follow, monkeypatch):
    """What a lane is about to do is for those who find the spool."""
    other = follow(logged, "other")
    posted = played_on(logged, run("a", 3)[:-1])
    assert lane.request().wait(PATIENCE)
    logged.note("file", {"path": "a.csv"}, lane)
    last = [*read_segment(Place.at(segments(home)[-1]))][-1]
    assert last == (f"{NOTE}file", {"path": "a.csv"}, lane.name)
    lane.reader.gate.clear()
    for _ in range(40):
        logged.note("file", {"path": "b.csv"}, lane)
        posted += played_on(logged, run("b", 3))
    wait_for(lambda: lane.is_behind)
    lane.reader.gate.set()
    assert lane.request().wait(PATIENCE)
    assert other.request().wait(PATIENCE)
    got = [(name, doc, "") for name, doc in lane.reader.received]
    assert got == posted
    assert other.reader.received == lane.reader.received


def test_two_lanes_of_one_name_have_each_their_own(logged, follow):
    """A delivery may have a writer of a format that its user writes, too."""
    lane, other = follow(logged, "jsonl"), follow(logged, "jsonl")
    lane.reader.gate.clear()
    play(logged, [("comment", {}, 0)])
    wait_for(lambda: lane.reader.is_waiting)
    other.post("comment", {"text": "for the other one"})
    posted = [("comment", {}, ""), *played_on(logged, run("a", 100))]
    wait_for(lambda: lane.is_behind)
    lane.reader.gate.set()
    assert lane.request().wait(PATIENCE)
    assert [(*each, "") for each in lane.reader.received] == posted


def test_a_segment_has_a_size(lane, logged, home):
    played_on(logged, run("a", 300)[:-1])
    sizes = [path.stat().st_size for path in segments(home)]
    assert len(sizes) > 5
    assert max(sizes) < 2 * keeping._SEGMENT_BYTES
    wait_for(lambda: logged._keeper._log.size == sum(p.stat().st_size for p in segments(home)))


def test_several_sessions_have_a_folder_each(follow, logged, home):
    others = [follow(Spool(logged._keeper._settings)) for _ in range(2)]
    first = follow(logged)
    for number, lane in enumerate([first, *others]):
        lane.post("start", {"uid": f"{number}"})
        assert lane.request().wait(PATIENCE)
    assert len([*home.iterdir()]) == 3
    assert len(segments(home)) == 3
    for lane in [first, *others]:
        threading.Thread(target=lane.close).start()
    wait_for(lambda: not [*home.iterdir()])
