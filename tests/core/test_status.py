"""The account of a writer, and how it prints."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from bluescribe.contract.report import Discrepancy, Failure
from bluescribe.files.remedies import remedy
from bluescribe.recording.account import Account
from bluescribe.recording.process.serialized import AccountMirror, state_of
from bluescribe.spool.values import decode, encode

FAILURE = Failure(0.0, "run abc (scan 1)", Path("/d/a.csv"), "OSError: full", "free space")


def test_all_is_well():
    account = Account("csv")
    account.runs_written, account.events_written = 2, 30
    account.last_file = Path("/d/a.csv")
    text = str(account.status(Path("/d"), 4))
    assert text.splitlines() == [
        "csv: 2 runs, 30 events, 4 documents waiting, 0 failures",
        "  now writing: -",
        "  last file:   /d/a.csv",
    ]


def test_what_is_wrong_stands_on_lines_of_its_own():
    account = Account("csv")
    account.open_files = {"b": Path("/d/b.csv"), "c": Path("/d/c.csv")}
    account.retrying = "run x: full"
    account.documents_refused = 3
    account.fail(FAILURE)
    status = account.status(Path("/d"), 0)
    first, *lines = repr(status).splitlines()
    assert first.endswith("1 failure")
    assert "  now writing: /d/b.csv, /d/c.csv" in lines
    assert "  RETRYING:    run x: full" in lines
    assert "  refused:     3 damaged documents" in lines
    assert lines[-1].startswith("  FAILED:      ")
    assert lines[-1].endswith(
        "run abc (scan 1) is incomplete in /d/a.csv: OSError: full; free space"
    )


def test_files_that_images_are_copied_into_are_named():
    account = Account("nexus")
    account.copying = [Path("/d/a.hdf"), Path("/d/b.hdf")]
    status = account.status(Path("/d"), 0)
    account.copying.clear()
    assert status.copying == (Path("/d/a.hdf"), Path("/d/b.hdf"))
    assert "  copying:     /d/a.hdf, /d/b.hdf" in str(status).splitlines()


def test_a_failure_without_a_file_names_none():
    assert " is not written at all: " in str(Failure(0.0, "run a", None, "OSError: x", "y"))


def test_a_status_does_not_change_afterwards():
    account = Account("csv")
    status = account.status(Path(), 0)
    account.fail(FAILURE)
    account.runs_written += 1
    assert (status.failures, status.runs_written) == ((), 0)


def test_the_latest_failures_are_kept():
    account = Account("csv")
    for number in range(100):
        account.fail(Failure(float(number), "run", None, "", ""))
    kept = [failure.time for failure in account.failures]
    assert kept == list(range(80, 100))
    assert [failure.time for failure in account.unraised] == [99]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "free space"), (errno.EDQUOT, "quota"), (errno.EACCES, "writable"),
     (errno.EROFS, "read-only"), (errno.ENOENT, "mount"), (errno.ENOTDIR, "file stands where"),
     (errno.EMFILE, "ulimit"), (errno.EIO, "check the mount"), (errno.ESTALE, "remount")],
)  # fmt: skip
def test_each_refusal_of_the_system_has_its_remedy(number, words):
    assert words in remedy(OSError(number, "x"), [])


def test_any_other_error_is_to_be_reported_with_what_was_saved():
    assert remedy(KeyError("x"), []) == "please report this with the traceback in the log"
    assert remedy(OSError("no number"), [Path("/d/a")]).endswith("; /d/a holds the run up to there")


NEVER_SENT = {
    *("format_name", "told", "claims", "on_begin", "notifier", "on_finish", "unraised"),
    "postponed",  # it has a way of its own
}
SENT = {*Account.COUNTS, *Account.LATEST, *Account.CURRENT, *Account.HISTORY}


def test_what_an_account_holds_is_known_in_the_session_too():
    """Nothing is forgotten where a process writes the format: a new attribute is in a list."""
    held = {name for name in vars(Account("nexus")) if not name.startswith("_")}
    assert held - NEVER_SENT <= SENT, "put it into COUNTS, LATEST, CURRENT or HISTORY"


def test_the_session_says_what_its_processes_say():
    session, first, second = Account("nexus"), Account("nexus"), Account("nexus")
    mirror = AccountMirror(session)
    enter(first, "a", 3)
    mirror.take(sent(first))
    assert session.status(Path("/d"), 0) == first.status(Path("/d"), 0)
    assert session.holds("a") == Path("/d/a.hdf")

    first.retrying, first.open_files = "run a: full", {"b": Path("/d/b.hdf")}
    mirror.take(sent(first))
    mirror.renew(["a"])  # it died, and the run is written again
    assert session.status(Path("/d"), 0).current_files == ()
    enter(second, "c", 2)
    mirror.take(sent(second))
    status = session.status(Path("/d"), 0)
    assert (status.runs_written, status.events_written, status.retrying) == (2, 2, "")
    assert status.last_file == Path("/d/c.hdf")
    assert [failure.run for failure in status.failures] == ["run a", "run c"]
    assert status.owed == (Path("/d/a.hdf"), Path("/d/c.hdf"))


def enter(account: Account, uid: str, events: int) -> None:
    """Enter a run of all that an account holds."""
    path = Path(f"/d/{uid}.hdf")
    account.runs_written += 1
    account.count_events(uid, events, events)
    account.last_file = path
    account.note_whole(uid, path)
    account.copying, account.owed = [path], [path]
    account.fail(Failure(0.0, f"run {uid}", path, "OSError: full", "free space"))
    account.discrepancies.append(Discrepancy(0.0, uid, f"run {uid}", path, ("a point lacks",)))


def sent(account: Account) -> Any:
    """Return what an account says, as it comes out of a channel."""
    data, arrays = encode(state_of(account))
    return decode(data, arrays)
