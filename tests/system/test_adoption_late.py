"""Runs that were late when their session ended are written when their folder is back."""

from __future__ import annotations

import sys

import pytest

from bluescribe.archive.adoption.adopting import adopt
from bluescribe.archive.recover import recover
from tests import warm
from tests.readers import spec
from tests.system.adopting import (
    FORMATS,
    adopted,
    check,
    check_as_undisturbed,
    iconfig,
    left,
    next_session,
    session,
    told,
)
from tests.system.dying import put_back
from tests.system.faults.test_kill import fingerprint

pytestmark = pytest.mark.usefixtures("soon")

RUNS = ("open a", "take a 3", "close a", "open b", "take b 2", "close b")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def config(folder):
    return iconfig(folder, RETRY_SECONDS=0)


@pytest.fixture
def few(folder):
    """Settings of few formats: each is tried for a second."""
    return iconfig(folder, ["jsonl", "csv"], RETRY_SECONDS=0)


def late(tmp_path, config, folder, steps=RUNS):
    """Have a session whose folder was away all the time; return what it measured."""
    documents = session(tmp_path, config, f"away {folder}", *steps)
    assert len(left()) == 1
    assert folder.is_file(), "the folder is away"
    return documents


def test_the_next_session_writes_them(tmp_path, folder, config, caplog):
    documents = late(tmp_path, config, folder)
    put_back(folder)
    with next_session(config):
        pass
    assert left() == []
    assert any(text.startswith("an earlier session ended before") for text in told(caplog))
    check(folder, documents)
    for path in folder.glob("*.dat"):
        path.unlink()
    check_as_undisturbed(folder, documents, iconfig(folder, [f for f in FORMATS if f != "spec"]))


def test_late_scans_of_a_session_go_into_one_file(tmp_path, folder):
    config = iconfig(folder, ["spec"], RETRY_SECONDS=0)
    documents = late(tmp_path, config, folder)
    put_back(folder)
    with next_session(config):
        pass
    check(folder, documents, ["spec"])
    assert len([*folder.iterdir()]) == 1
    check_as_undisturbed(folder, documents, config)


def test_a_late_scan_goes_into_the_file_that_was_named_for_it(tmp_path, folder):
    config = iconfig(folder, ["spec"], RETRY_SECONDS=0)
    steps = ("newfile mine", f"away {folder}", "open a", "take a 2", "close a")
    documents = session(tmp_path, config, *steps)
    put_back(folder)
    with next_session(config):
        pass
    check(folder, documents, ["spec"])
    assert [path.name for path in folder.iterdir()] == ["mine.dat"]


NAMED = ("newfile one", "away {}", "open a", "take a 2", "close a", "newfile two")
"""The first run is late when the second file is named."""


@pytest.mark.parametrize("is_in_time", [True, False])
def test_late_scans_go_into_the_file_that_was_named_before_each(tmp_path, folder, is_in_time):
    config = iconfig(folder, ["spec"], RETRY_SECONDS=0)
    steps = [step.format(folder) for step in NAMED]
    back = [f"back {folder}", "flush"] if is_in_time else []
    documents = session(tmp_path, config, *steps, *back, "open b", "take b 1", "close b")
    if not is_in_time:
        put_back(folder)
        with next_session(config):
            pass
    check(folder, documents, ["spec"])
    assert sorted(path.name for path in folder.iterdir()) == ["one.dat", "two.dat"]
    uids = [doc["uid"] for name, doc in documents if name == "start"]
    for name, uid in zip(("one.dat", "two.dat"), uids, strict=True):
        assert [scan.MD["uid"] for scan in spec.scans(folder / name)] == [uid]


def test_a_session_that_begins_without_the_folder_goes_on_trying(tmp_path, folder, few, caplog):
    documents = late(tmp_path, few, folder, RUNS[:3])
    other = iconfig(tmp_path / "other", ["json"])
    with next_session(other, is_adopted=False):
        with pytest.raises(AssertionError, match="goes on"):
            adopted(2.5)
        folder.unlink()  # and is not made: whoever writes there makes it
        adopted()
    assert left() == []
    messages = [message for message in told(caplog) if not message.startswith("dx: ")]
    *waits, done = messages
    assert all("is not written yet" in message for message in waits)
    assert len(waits) == len(set(waits)), "each is told once"
    assert done.startswith("an earlier session ended before")
    check(folder, documents, ["jsonl", "csv"])


def test_one_word_is_enough_for_a_folder_that_is_away(tmp_path, folder, few, caplog):
    late(tmp_path, few, folder, RUNS[:3])
    with next_session(iconfig(tmp_path / "other", ["json"]), is_adopted=False):
        with pytest.raises(AssertionError, match="goes on"):
            adopted(3.0)
        waits = [message for message in told(caplog) if str(folder) in message]
    assert len(waits) == 1


def test_a_session_that_ends_meanwhile_leaves_them(tmp_path, folder, few):
    documents = late(tmp_path, few, folder, RUNS[:3])
    with next_session(iconfig(tmp_path / "other", ["json"]), is_adopted=False):
        pass
    session(tmp_path, iconfig(tmp_path / "other", ["jsonl"]), "open a", "take a 1", "close a")
    assert len(left()) == 1
    put_back(folder)
    adopted()
    adopt()
    check(folder, documents, ["jsonl", "csv"])
    assert left() == []


def test_recover_writes_them(tmp_path, folder, config):
    documents = late(tmp_path, config, folder)
    folder.unlink()
    before = fingerprint(tmp_path)
    foreseen = recover(tmp_path, dry_run=True)
    assert fingerprint(tmp_path) == before, "a dry run changes nothing"
    report = recover(tmp_path)
    outcomes = {step.outcome for step in report.steps}
    assert outcomes == {step.outcome for step in foreseen.steps} == {"written anew"}
    assert len(report.steps) == len(foreseen.steps) == 2 * len(FORMATS)
    assert left() == []
    check(folder, documents)
    assert recover(tmp_path).steps == []


def test_the_command_writes_them_from_the_spool_that_was_set(tmp_path, folder):
    spool = tmp_path / "spools"
    config = iconfig(folder, ["jsonl", "csv"], RETRY_SECONDS=0, SPOOL=str(spool))
    documents = session(tmp_path, config, f"away {folder}", *RUNS)
    put_back(folder)
    folder.mkdir()
    assert left() == []
    assert len(left(spool)) == 1
    assert "0 files recovered" in command(folder)
    assert "4 files to recover" in command(folder, "--spool", spool, "--dry-run")
    assert list(folder.iterdir()) == []
    assert "4 files recovered" in command(folder, "--spool", spool)
    assert left(spool) == []
    check(folder, documents, ["jsonl", "csv"])


def test_a_spool_that_was_set_is_found_by_a_session_that_has_it_set(tmp_path, folder):
    spool = {"SPOOL": str(tmp_path / "spools")}
    config = iconfig(folder, ["jsonl"], RETRY_SECONDS=0, **spool)
    documents = session(tmp_path, config, f"away {folder}", *RUNS)
    put_back(folder)
    with next_session(iconfig(folder, ["csv"])):
        assert len(left(tmp_path / "spools")) == 1, "it is not known"
    with next_session(iconfig(folder, ["csv"], **spool)):
        pass
    assert left(tmp_path / "spools") == []
    check(folder, documents, ["jsonl"])


def command(*args):
    """Return what `bluescribe recover` says."""
    code = "from bluescribe.commands.cli import main; main()"
    given = [sys.executable, "-c", code, "recover", *map(str, args)]
    done = warm.run(given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
