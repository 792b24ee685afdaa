"""A disk that refuses is tried again; what does not pass costs one run."""

from __future__ import annotations

import errno
from typing import ClassVar

import pytest

from bluescribe.errors import DocumentError
from bluescribe.log_once import LogOnce
from bluescribe.testing import HOSTILE
from tests.core.books import Book, Play, descriptor, event, page, start, stop, told

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "method", ["open", "record", "add_descriptor", "write_events", "sync", "close"]
)
@pytest.mark.parametrize("error", [FULL, OSError("Can't write data (errno = 28, error message)")])
def test_what_the_disk_refuses_is_tried_again_until_it_passes(play, caplog, method, error):
    play.faults[method] = [error, error]
    play(start(), descriptor(), event(1), event(2))
    play.router.sync()
    play(event(3), stop())
    (book,) = play.books
    assert [n for _, _, n in book.rows] == [1, 2, 3]
    assert [len(book.did(m)) for m in ("open", "record", "add_descriptor", "close")] == [1, 3, 1, 1]
    first, second = told(caplog)
    assert f"book: run run (scan 7) cannot be written: {error}. Trying again for 5 s; " in first
    assert "run run (scan 7) is written again" in second
    assert not play.account.retrying
    assert not play.account.failures


def test_what_is_retried_stands_in_the_status_meanwhile(play):
    seen = []
    play(start(), descriptor(), event(1))
    book = play.books[0]
    play.faults["sync"] = [FULL]
    called = book._called

    def seeing(*what):
        seen.append(play.account.retrying)
        called(*what)

    book._called = seeing
    play.router.sync()
    assert seen[-1] == f"run run (scan 7): {FULL}"


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (FULL, "free space on that disk"),
        (OSError("unable to open a file that is no HDF5"), "please report this"),
        (RuntimeError("a fault"), "please report this"),
        (KeyError("a fault"), "please report this"),
        (MemoryError(), "please report this"),
    ],
    ids=repr,
)
def test_what_does_not_pass_retires_that_run_only(tmp_path, caplog, error, remedy):
    play = Play(tmp_path, retry_seconds=0.0 if error is FULL else 5.0)
    play.faults["a", "write_events"] = [error] * 10  # it is no value's fault
    play(start("a"), start("b"), descriptor("da", "a"), descriptor("db", "b"))
    play(event(1, "da"), event(1, "db"))
    play.router.sync()
    play(event(2, "da"), event(2, "db"))
    play.router.sync()
    play(page(3, of="da"), stop("a"), stop("b"))
    a, b = play.book("a"), play.book("b")
    assert not a.rows
    assert not a.did("close")
    assert len(a.did("abandon")) == 1
    assert [n for _, _, n in b.rows] == [1, 2]
    (failure,) = play.account.failures
    assert failure.run == "run a (scan 7)"
    assert failure.path == a.paths[0]
    assert failure.cause == f"{type(error).__name__}: {error}"
    assert failure.remedy.startswith(remedy)
    (message,) = told(caplog)
    for part in ("book: run a (scan 7) is INCOMPLETE", str(a.paths[0]), failure.cause, remedy):
        assert part in message
    assert (play.account.runs_written, play.account.events_written) == (1, 2)
    assert play.account.last_file == b.paths[0]


def test_a_retired_file_is_not_listed_as_being_written(play):
    play.faults["add_descriptor"] = [RuntimeError("a fault")]
    play(start(), descriptor())
    assert not play.account.open_files
    assert play.router.has_open_runs, "its other documents are no strays"


def test_a_fault_while_abandoning_is_no_second_failure(play, caplog):
    play.faults |= {"open": [RuntimeError("one")], "abandon": [RuntimeError("two")]}
    play(start(), descriptor(), stop())
    assert [f.cause for f in play.account.failures] == ["RuntimeError: one"]
    assert play.account.documents_refused == 0
    assert play.account.failures[0].path is None
    assert "NOT WRITTEN at all: no file could be made" in told(caplog)[0]


class LaterBook(Book):
    """Has something to do when it is closed."""

    def afterwards(self):
        self._called("afterwards")
        return self.work

    def work(self, give_up):
        self.calls.append(("later", give_up.is_set()))
        return []


@pytest.mark.parametrize("fault", [None, ZeroDivisionError("a bug in a format")])
def test_what_remains_is_done_when_the_file_is_closed(tmp_path, fault):
    play = Play(tmp_path, LaterBook)
    play.faults["afterwards"] = [fault] if fault else []
    play(start("a"), stop("a"), start("b"), stop("b"))
    play.router.post_run.close(None)
    assert play.book("b").calls[-1] == ("later", False)
    assert (play.book("a").calls[-1] == ("later", False)) is (fault is None)
    assert not play.router.has_open_runs
    assert play.account.runs_written == 2


# --- values that a format cannot take -----------------------------------------------------------


class Picky(Book):
    """Takes no page in which an odd value stands."""

    odd: ClassVar[set] = {b"odd", "odd"}
    fault: ClassVar[type[BaseException]] = TypeError

    def write_events(self, stream, page):
        if any(value in self.odd for column in page.data.values() for value in column):
            raise self.fault("not in this format")
        self.calls.append(("page", len(page), {k: list(v) for k, v in page.data.items()}))
        super().write_events(stream, page)


@pytest.mark.parametrize("fault", [TypeError, DocumentError, SystemExit])
def test_a_value_that_a_format_cannot_take_costs_itself(tmp_path, caplog, monkeypatch, fault):
    monkeypatch.setattr("bluescribe.recording.replaced_values._told", LogOnce())
    play = Play(tmp_path, Picky)
    Picky.fault = fault
    events = [event(n, x=b"odd" if n == 3 else n / 2, y=n, z="text") for n in range(1, 6)]
    play(start(), descriptor(), *events, stop())
    (book,) = play.books
    assert [n for _, _, n in book.rows] == [1, 2, 3, 4, 5]
    values = [data for _, _, data in (call for call in book.calls if call[0] == "page")]
    text = f"<unwritable: bytes that this format cannot take: {fault.__name__}: not in this format>"
    assert [data["x"][0] for data in values] == [0.5, 1.0, text, 2.0, 2.5]
    assert [data["y"][0] for data in values] == [1, 2, 3, 4, 5]
    assert {data["z"][0] for data in values} == {"text"}
    assert not play.account.failures
    assert play.account.documents_refused == 0
    assert play.account.events_written == 5
    (warning,) = told(caplog)
    assert "run run (scan 7): the value of 'x' in event 3 of stream 'primary'" in warning


def test_several_values_of_an_event_cost_themselves(tmp_path):
    play = Play(tmp_path, Picky)
    Picky.fault = TypeError
    play(start(), descriptor(), event(1, x=b"odd", y=1.5, z="odd"), stop())
    (book,) = play.books
    (data,) = [call[2] for call in book.calls if call[0] == "page"]
    assert data["y"] == [1.5]
    assert all(data[key][0].startswith("<unwritable: ") for key in "xz")


def test_a_column_of_a_page_that_cannot_be_written_costs_itself(tmp_path):
    play = Play(tmp_path, Picky)
    name, doc = page(1, 2)
    doc = {**doc, "data": {**doc["data"], "y": HOSTILE["all exits"]()}}
    play(start(), descriptor(), (name, doc), stop())
    (data,) = [call[2] for call in play.books[0].calls if call[0] == "page"]
    assert data["x"] == [0.5, 1.0]
    assert [text.startswith("<unwritable: Hostile that raises") for text in data["y"]] == [True] * 2


def test_a_hook_that_exits_does_not_end_the_thread(tmp_path, caplog):
    play = Play(tmp_path)
    play.faults["a", "write_events"] = [SystemExit(1)] * 10
    play(start("a"), descriptor("da", "a"), event(1, "da"), stop("a"))
    play(start("b"), descriptor("db", "b"), event(1, "db"), stop("b"))
    assert [failure.run for failure in play.account.failures] == ["run a (scan 7)"]
    assert play.book("b").rows


# --- what is told of a run that has ended ---------------------------------------------------------


class Shy(Book):
    def accepts(self, run):
        return False


class Several(Book):
    def files(self):
        return [*self.paths, self.paths[0].with_suffix(".more")]


def ended(play):
    """Return what is told of the runs that end."""
    heard = []
    play.account.on_finish.append(
        lambda report: heard.append((report.uid, len(report.files), not report.is_given_up))
    )
    return heard


@pytest.mark.parametrize(
    ("kind", "faults", "told_of"),
    [
        (Book, {}, (1, True)),
        (Several, {}, (2, True)),
        (Shy, {}, (0, True)),
        (Book, {"open": [RuntimeError("a fault")]}, (0, False)),
        (Book, {"write_events": [RuntimeError("a fault")] * 10}, (1, False)),
        (Book, {"close": [RuntimeError("a fault")]}, (1, False)),
        (Book, {"afterwards": [RuntimeError("a fault")]}, (1, True)),
    ],
)
@pytest.mark.parametrize("is_stopped", [True, False])
def test_the_end_of_a_run_is_told_once(tmp_path, kind, faults, told_of, is_stopped):
    play = Play(tmp_path, kind)
    play.faults |= {method: list(errors) for method, errors in faults.items()}
    heard = ended(play)
    play(start(), descriptor(), event(1))
    assert not heard
    play(*[stop()] * is_stopped)
    play.router.close()
    assert heard == [("run", *told_of)]


def test_a_run_whose_file_cannot_be_made_is_told_of(play, monkeypatch):
    def make():
        raise RuntimeError("a bug in a format")

    monkeypatch.setattr(play.router._session, "new_file", make)
    heard = ended(play)
    play(start(), stop())
    assert heard == [("run", 0, False)]


def test_files_that_cannot_be_named_are_no_complete_ones(tmp_path, caplog):
    class Confused(Book):
        def files(self):
            raise RuntimeError("a bug in a format")

    play = Play(tmp_path, Confused)
    heard = ended(play)
    play(start(), stop())
    assert heard == [("run", 1, False)]
    assert "a bug in a format" in told(caplog)[0]


def test_who_raises_when_told_costs_nothing(play, caplog):
    def fault(*_):
        raise RuntimeError("a bug in a delivery")

    play.account.on_finish.append(fault)
    heard = ended(play)
    play(start("a"), stop("a"), start("b"), stop("b"))
    assert [uid for uid, *_ in heard] == ["a", "b"]
    assert play.account.documents_refused == 0
    assert "please report it" in told(caplog)[0]


@pytest.mark.parametrize("seconds", [None, 0.1])
def test_a_run_is_told_of_when_its_images_are_there_or_given_up(tmp_path, seconds):
    class Waiting(LaterBook):
        def work(self, give_up):
            self.calls.append(("given up", give_up.wait(0.05 if seconds is None else 30)))
            return []

    play = Play(tmp_path, Waiting)
    heard = ended(play)
    play(start("a"), stop("a"), start("b"), stop("b"))
    assert not heard
    play.router.post_run.close(seconds)
    assert heard == [("a", 1, True), ("b", 1, True)]
    assert play.book("a").calls[-1] == ("given up", seconds is not None)
