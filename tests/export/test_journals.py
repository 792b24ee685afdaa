"""Folders and files of journals as people have them: of other writers, torn, or not readable."""

from __future__ import annotations

import json
import logging
import os

import pytest

import bluescribe
from bluescribe.sources import Selection, SourceError, open_source
from bluescribe.testing import documents
from tests.contracts import CONTRACTS
from tests.export.test_export import command, make_journals, make_run


@pytest.mark.parametrize("writer_name", ["JSONLinesWriter", "JSONWriter"])
def test_files_of_blueskys_own_writers(tmp_path, writer_name):
    writers = pytest.importorskip("bluesky.callbacks.json_writer")
    made = tmp_path / "made"
    made.mkdir()
    run = documents("baseline", tmp_path)
    writer = getattr(writers, writer_name)(made)
    for pair in run:
        writer(*pair)
    (made / "other.json").write_text('[\n{"a": 1}\n]')
    (file,) = [path for path in made.iterdir() if path.stem != "other"]
    for source, out in ((made, "folder"), (file, "file")):
        done = bluescribe.export(source, tmp_path / out, ["csv"])
        assert not done.failures
        contract = CONTRACTS["csv"]()
        contract.check_runs(contract.read_back(tmp_path / out), run)


def write_session(path, *runs):
    with path.open("w") as file:
        for pair in runs:
            file.write(json.dumps({"name": pair[0], "doc": pair[1]}) + "\n")


def test_runs_of_a_session_in_one_file_are_runs_of_their_own(tmp_path):
    one, two, three = (list(make_run(number)) for number in (1, 2, 3))
    # the second and the third go on at the same time, and the third is never stopped
    mixed = [pair for pairs in zip(two, three, strict=True) for pair in pairs][:-1]
    write_session(tmp_path / "session.jsonl", *one, *mixed)
    source = open_source(tmp_path / "session.jsonl")
    assert [run.scan_id for run in source.find()] == [1, 2, 3]
    found = {run.scan_id: list(run.documents()) for run in source.find()}
    assert found == {1: one, 2: two, 3: three[:-1]}
    done = bluescribe.export(
        tmp_path, tmp_path / "out", ["csv"], select=Selection(scan_ids=(2,)), jobs=2
    )
    assert [run.label for run in done] == ["scan 2 (0000002)"]
    assert done.events == 3


def test_the_line_that_is_no_document_is_named_in_a_file_of_several_runs(tmp_path):
    path = tmp_path / "session.jsonl"
    write_session(path, *make_run(1), *make_run(2))
    path.write_text(path.read_text() + "???\n")
    (_, second) = open_source(path).find()
    assert len(list(second.documents())) == 6  # what follows its stop is not its own
    lines = path.read_text().splitlines()
    lines[8] = "???"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(SourceError, match="line 9: not a document"):
        list(second.documents())


@pytest.mark.parametrize(
    "text", ["", '["start", {"uid": "1', "hello\n", "5\n", '{"name": "start"}\n']
)
def test_a_file_that_is_no_journal_is_told(tmp_path, text):
    (tmp_path / "file.jsonl").write_text(text)
    process = command("file.jsonl", "--out", "out", cwd=tmp_path)
    _, error = process.communicate(timeout=100)
    assert process.returncode == 2
    assert error == (
        "bluescribe: file.jsonl is no journal of a run: it does not begin with a start document\n"
    )


def test_what_cannot_be_read_in_a_folder_fails_and_the_rest_is_exported(tmp_path):
    src = make_journals(tmp_path / "src", 2)
    (src / "gone.jsonl").symlink_to(tmp_path / "nothing")
    (src / "folder.jsonl").mkdir()
    (src / "loop").symlink_to(src)
    process = command("src", "--all", "--to", "csv", "--out", "out", cwd=tmp_path)
    told, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    assert told.count("FAILED") == 2  # in the table, and a line
    assert "FAILED: src/gone.jsonl, csv: its documents cannot be read" in told
    assert len(list((tmp_path / "out").glob("*-primary.csv"))) == 2


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path, monkeypatch, caplog):
    src = make_journals(tmp_path / "src", 1)
    (src / "closed").mkdir()
    scandir = os.scandir

    def refuse(path):  # root may read everything, so that the test cannot take the right away
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with caplog.at_level(logging.WARNING):
        done = bluescribe.export(src, tmp_path / "out", ["csv"])
    assert len(done) == 2
    (failure,) = done.failures
    assert failure.startswith(f"{src / 'closed'}, csv: its documents cannot be read")
    assert "closed cannot be read: Permission denied" in caplog.text
    assert done.events == 3


def test_a_uid_that_is_not_enough_is_told_with_what_it_can_be(tmp_path):
    make_journals(tmp_path / "src", 3)
    source = open_source(tmp_path / "src")
    with pytest.raises(
        SourceError, match=r"3 runs .* such as 0000001-run and 0000003-run: give more"
    ):
        source.find(Selection(uids=("0000",)))
    with pytest.raises(SourceError, match=r"no run with scan_id 9. .*--dry-run` lists"):
        source.find(Selection(scan_ids=(9,)))


def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path):
    src = make_journals(tmp_path / "src", 1)
    os.mkfifo(src / "pipe.jsonl")
    os.mkfifo(src / "pipe.json")
    assert len(list(open_source(src).runs(Selection()))) == 1
