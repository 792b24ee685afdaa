"""A session that starts names the runs that an earlier one left incomplete."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter, subscribe_writers
from bluescribe.files.write_lock import Hold, is_held
from bluescribe.recording.unfinished_runs import find_incomplete, log_incomplete, places_of
from bluescribe.testing import documents
from tests import warm
from tests.core.scanning import told
from tests.recovering import recover

SWITCHES = {"JSONL_DATA_FILES": {"ENABLE": True}}


@pytest.fixture
def journals(tmp_path):
    """Two journals: of a run that ended, and of one that was cut short."""
    folder = tmp_path / "data"
    played = documents("scan", tmp_path)
    for name, number in (("whole", len(played)), ("cut", len(played) - 1)):
        with JsonlWriter(folder, file_name=name) as writer:
            for document in played[:number]:
                writer(*document)
    for path in folder.iterdir():
        age(path)
    return folder


def cut_short(directory, writer_class=JsonlWriter, **settings):
    """Return what a session that writes into a folder would find there."""
    with writer_class(directory, **settings) as writer:
        (place,) = places_of([writer], Path.cwd())
    return find_incomplete(place)


def age(path, seconds=10):
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_run_without_an_end_is_found_until_it_is_recovered(journals):
    assert cut_short(journals) == [journals / "cut.jsonl"]
    recover(journals, dry_run=True)
    assert cut_short(journals) == [journals / "cut.jsonl"]
    recover(journals)
    assert cut_short(journals) == []


def test_a_torn_journal_is_found(journals):
    path = journals / "whole.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    age(path)
    assert len(cut_short(journals)) == 2


def test_the_command_is_told_once_at_the_start(journals, engine, caplog):
    writers = subscribe_writers(engine, {**SWITCHES, "DATA_FILES": {"DIRECTORY": str(journals)}})
    deadline = time.monotonic() + 20
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.01)
    (message,) = told(caplog)
    assert "cut.jsonl" in message
    assert "whole" not in message
    assert message.endswith(f"bluescribe recover {journals}")
    writers.close()


def test_nothing_is_told_of_a_folder_that_is_not_there(tmp_path):
    with JsonlWriter(tmp_path / "none") as writer:
        assert log_incomplete(places_of([writer], Path.cwd())) is None


@pytest.mark.parametrize("writer_class", [CsvWriter, JsonlWriter, NexusWriter, SpecWriter])
def test_each_format_tells_by_itself_that_a_run_was_cut_short(writer_class, tmp_path):
    """Without a journal too, and in folders that the templates make."""
    folder = tmp_path / "data"
    names = {"directory": folder / "{plan_name}", "file_name": "{scan_id}/{uid:.5}"}
    if writer_class is SpecWriter:
        del names["file_name"]
    played = documents("scan", tmp_path)
    with writer_class(**names) as writer:
        for document in played:
            writer(*document)
    for path in folder.rglob("*"):
        age(path)
    assert cut_short(writer_class=writer_class, **names) == []
    killed = """
        import os, sys
        import bluescribe
        from pathlib import Path
        from bluescribe.testing import documents
        kind, names, shapes = sys.argv[1], eval(sys.argv[2]), Path(sys.argv[3])
        writer = getattr(bluescribe, kind)(**names)
        for document in documents("scan", shapes)[:-1]:
            writer(*document)
        writer.flush()
        os.kill(os.getpid(), 9)
    """
    texts = {name: str(value) for name, value in names.items()}
    command = [sys.executable, "-c", dedent(killed), writer_class.__name__, repr(texts)]
    assert warm.run([*command, str(tmp_path)], check=False).returncode == -9
    assert cut_short(writer_class=writer_class, **names) == []  # it was changed just now
    for path in folder.rglob("*"):
        age(path)
    (found,) = cut_short(writer_class=writer_class, **names)
    assert folder in found.parents
    recover(folder)
    for path in folder.rglob("*"):
        age(path)
    assert cut_short(writer_class=writer_class, **names) == []


def test_many_journals_are_looked_at_in_no_time(tmp_path):
    for number in range(3000):
        (tmp_path / f"{number}.jsonl").write_bytes(b'["start",{}]\n["stop",{}]\n')
    began = time.perf_counter()
    assert cut_short(tmp_path) == []
    assert time.perf_counter() - began < 5


def test_the_running_writer_of_another_process_is_not_called_incomplete(tmp_path, caplog):
    """Nor is its run touched by `recover`; once it is killed, both find it."""
    program = """
        import sys
        from pathlib import Path
        from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter
        from bluescribe.testing import documents
        writers = [w(sys.argv[1]) for w in (JsonlWriter, CsvWriter, NexusWriter, SpecWriter)]
        for document in documents("scan", Path(sys.argv[2]))[:-1]:
            for writer in writers:
                writer(*document)
        for writer in writers:
            writer.flush()
        print("written", flush=True)
        sys.stdin.read()
    """
    folder = tmp_path / "data"
    command = [sys.executable, "-c", dedent(program), str(folder), str(tmp_path / "shapes")]
    with warm.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "written\n"
        for path in folder.iterdir():
            age(path)
            assert is_held(path) or path.suffix == ".dat"
        before = {path: path.read_bytes() for path in folder.iterdir()}
        assert cut_short(folder) == []
        report = recover(folder)
        assert {step.outcome for step in report.steps} == {"left"}
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
        other.kill()
    (journal,) = folder.glob("*.jsonl")
    assert cut_short(folder) == [journal]
    report = recover(folder)
    assert not report.failed
    assert {step.outcome for step in report.steps} == {"written anew"}
    assert len(report.steps) == 3


def test_a_forked_child_does_not_hold_what_its_parent_held(tmp_path):
    path = tmp_path / "file"
    path.touch()
    hold = Hold(path)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    assert is_held(path)
    hold.release()
    deadline = time.monotonic() + 20
    while is_held(path):  # the child lets go in its first moments
        assert time.monotonic() < deadline
    os.close(writer)
    os.waitpid(child, 0)


def test_a_file_that_cannot_be_locked_is_held_while_it_is_fresh(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    path = tmp_path / "file"
    path.touch()
    monkeypatch.setattr("fcntl.fcntl", refuse)
    Hold(path).release()
    assert is_held(path)
    age(path, 7200)
    assert not is_held(path)


def test_a_hold_fails_for_nothing(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    Hold(tmp_path / "none").release()
