"""Documents of sessions that were killed at each step of their closing."""

from __future__ import annotations

import json
import shutil

import pytest

from bluescribe import JsonWriter
from bluescribe.formats.json.spool import run_of
from tests.formats import test_json
from tests.formats.test_json import STOP
from tests.readers.json import read_file
from tests.recovering import recover
from tests.system.killed import ROWS, kill_session, run

UID = str(test_json.START["uid"])
LEFT = ".run.json.spool.0123456789abcdef.part"
"""What a session that was killed had begun to write in the place of the document."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "data"
    kill_session(folder, ("json", "jsonl"))
    return folder


@pytest.fixture
def folder(killed, tmp_path):
    return shutil.copytree(killed, tmp_path / "data")


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """Return the text of the whole document."""
    folder = tmp_path_factory.mktemp("whole")
    with JsonWriter(folder, file_name="run") as writer:
        for name, doc in [*run(), ("stop", STOP)]:
            writer(name, doc)
    return (folder / "run.json").read_bytes()


def outcome(folder):
    (step,) = recover(folder).steps
    assert step.path.name == "run.json.spool"
    assert (folder / "run.json.spool.damaged").exists()
    assert not (folder / "run.json.spool").exists()
    assert not recover(folder).steps
    return step.outcome


def test_the_temporary_file_tells_its_run(killed):
    assert run_of(killed / "run.json.spool") == UID


@pytest.mark.parametrize("has_empty", [False, True])
def test_the_document_is_written_from_the_journal(has_empty, folder):
    left, own = folder / LEFT, folder / "run.json.part"
    left.write_text('{"metadata": {"sta')
    own.write_text("a user's")
    if has_empty:
        (folder / "run.json").touch()
    assert outcome(folder) == "written anew"
    found = read_file(folder / "run.json")
    assert found.seq_num["primary"] == list(range(1, ROWS + 1))
    assert found.stop is None
    assert not left.exists()
    assert own.read_text() == "a user's"


def test_a_journal_of_another_name_is_found_by_the_run(folder):
    (folder / "run.jsonl").rename(folder / "journal.jsonl")
    assert outcome(folder) == "written anew"


@pytest.mark.parametrize("has_journal", [False, True])
@pytest.mark.parametrize("name", ["run.json", LEFT])
def test_a_document_that_was_whole_is_taken(name, has_journal, document, folder):
    (folder / "run.json").touch()
    (folder / name).write_bytes(document)
    if not has_journal:
        (folder / "run.jsonl").unlink()
    outcome(folder)
    assert (folder / "run.json").read_bytes() == document


def test_a_document_of_another_run_is_left(document, folder):
    other = document.replace(UID.encode(), b"another")
    (folder / "run.json").write_bytes(other)
    assert outcome(folder) == "written anew"
    assert (folder / "run.json").read_bytes() == other
    assert read_file(folder / "run-2.json").uid == UID


def test_without_a_journal_it_is_said_that_there_is_no_document(folder):
    (folder / "run.jsonl").unlink()
    (folder / "run.json.part").write_text('{"metadata": {"sta')
    assert outcome(folder) == "set aside"
    assert not (folder / "run.json").exists()


def test_an_empty_temporary_file_is_put_away(tmp_path):
    (tmp_path / "run.json.spool").touch()
    assert outcome(tmp_path) == "set aside"


def test_json_of_others_is_not_touched(tmp_path):
    (tmp_path / "theirs.json").write_text(json.dumps({"a": 1}))
    assert not recover(tmp_path).steps
