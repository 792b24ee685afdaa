"""What a program left to be done when it ended: who finds it, who does it, and what is told."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, subscribe_writers
from bluescribe.contract.report import RunReport
from bluescribe.delivery.globus.begun import Left, LeftFile
from bluescribe.delivery.globus.finishing import Finishing
from bluescribe.files import Place
from bluescribe.files.backup import keeping
from bluescribe.files.job_note import Note, exact, notes_of, restored
from bluescribe.files.run_names import OWED
from bluescribe.recording import backend
from bluescribe.recording.owed_jobs import take_up_owed
from bluescribe.recording.unfinished_runs import find_incomplete, places_of
from tests.core.scanning import PATIENCE, told
from tests.formats.images import CAMERA, Documents, area_detector_file, frames
from tests.formats.test_nexus_compact import tree
from tests.recovering import recover
from tests.system.killed_completing import FRAMES, documents
from tests.system.test_completing import undated


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "late.h5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def docs(raw: Path) -> Documents:
    return documents(raw)


@pytest.fixture
def left(folder: Path, raw: Path, docs: Documents, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a program that ended while it waited for images; they have come since."""
    path = end_early(folder, docs, monkeypatch)
    area_detector_file(raw, frames(FRAMES))
    return path


def end_early(
    folder: Path, docs: Documents, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> Path:
    """Write a run as a program does that ends at once."""
    monkeypatch.setattr(backend, "_EXIT_SECONDS", 0.01)
    writer = NexusWriter(folder, **{"images": "copy", "file_name": "run", **settings})
    for document in docs:
        writer(*document)
    (path,) = writer.status().copying
    writer._close()  # as the interpreter does at its end
    return path


def has_images(path: Path) -> bool:
    with h5py.File(path) as file:
        if not isinstance(file[CAMERA].get("value", getlink=True), h5py.HardLink):
            return False
        return np.array_equal(file["entry/data/camera"], frames(FRAMES))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_program_that_ends_says_who_goes_on(
    folder: Path, docs: Documents, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = end_early(folder, docs, monkeypatch)
    assert names(folder) == {path.name, f"{path.name}{OWED}"}
    (message,) = told(caplog)
    assert str(path) in message
    assert f"bluescribe recover {folder}" in message


def test_the_next_session_tells_and_does_it(
    left: Path, engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    switches = {"ENABLE": True, "DIRECTORY": str(left.parent)}
    writers = subscribe_writers(engine, {"NEXUS_DATA_FILES": switches})
    wait_for_finders()
    writers.close()
    (message,) = told(caplog)
    assert str(left) in message
    assert "ended before" in message
    assert has_images(left)
    assert names(left.parent) == {"run.hdf"}


def wait_for_finders() -> None:
    for name in ("bluescribe-begins", "bluescribe-owed"):  # the first one begins the second one
        for thread in [each for each in threading.enumerate() if each.name == name]:
            thread.join(PATIENCE)


def test_a_session_without_that_format_says_what_to_do(
    left: Path, engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    switches = {"ENABLE": True, "DIRECTORY": str(left.parent)}
    with subscribe_writers(engine, {"JSONL_DATA_FILES": switches}):
        wait_for_finders()
    (message,) = told(caplog)
    assert f"{left} is not complete" in message
    assert message.endswith(f"bluescribe recover {left.parent}")
    assert recover(left.parent).steps[0].outcome == "completed"
    assert has_images(left)


def test_the_file_is_as_if_nobody_had_ended(
    left: Path, raw: Path, docs: Documents, tmp_path: Path
) -> None:
    """Its images came when it was closed already: its default plot is another one since."""
    raw.rename(raw.with_suffix(".late"))
    with NexusWriter(tmp_path / "whole", images="copy", file_name="run") as writer:
        for document in docs:
            writer(*document)
        raw.with_suffix(".late").rename(raw)
    assert recover(left.parent).steps[0].outcome == "completed"
    assert undated(tree(left)) == undated(tree(tmp_path / "whole" / "run.hdf"))


def test_two_never_do_it_at_once(left: Path) -> None:
    note = Note.taken(Place.at(notes_of(left)[0]))
    assert note is not None
    with note:
        report = recover(left.parent)
        assert [(step.path, step.outcome) for step in report.steps] == [(left, "left")]
        assert report.whole == 0
        with NexusWriter(left.parent) as writer:
            finder = take_up_owed([writer], Path.cwd())
            assert finder is not None
            finder.join(PATIENCE)
        assert not has_images(left)
    assert [step.outcome for step in recover(left.parent).steps] == ["completed"]
    assert has_images(left)


def test_images_that_are_gone_are_told_and_stay_owed(
    left: Path, raw: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw.rename(raw.with_suffix(".away"))
    (step,) = recover(left.parent, iconfig=settings_of(images_timeout=0)).steps
    assert step.outcome == "FAILED"
    assert f"{raw} is not there" in step.what
    caplog.clear()
    for _ in range(2):  # it was told
        with NexusWriter(left.parent) as writer:
            age(left)
            finder = take_up_owed([writer], Path.cwd())
            assert finder is not None
            finder.join(PATIENCE)
        assert not told(caplog)
    raw.with_suffix(".away").rename(raw)
    assert [step.outcome for step in recover(left.parent).steps] == ["completed"]
    assert has_images(left)


def settings_of(**settings: Any) -> dict[str, Any]:
    values = {name.upper(): value for name, value in settings.items()}
    return {"NEXUS_DATA_FILES": {"ENABLE": True, **values}}


def age(path: Path) -> None:
    """Let a note be of long ago."""
    (note,) = notes_of(path)
    said = json.loads(note.read_bytes())
    note.write_text(json.dumps({**said, "made": 1e9}))


def test_a_folder_that_was_moved_as_a_whole_is_completed_where_it_is(
    left: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    moved = left.parent.rename(tmp_path / "there" / "data")
    (tmp_path / "raw").rename(tmp_path / "there" / "raw")
    settings = settings_of(path_map={str(tmp_path / "raw"): str(tmp_path / "there" / "raw")})
    assert [step.outcome for step in recover(moved, iconfig=settings).steps] == ["completed"]
    assert has_images(moved / "run.hdf")


def test_a_note_whose_file_is_being_recovered_stays(left: Path) -> None:
    with keeping(left) as kept:
        kept.keep(left)
        (step,) = recover(left.parent).steps
        assert (step.outcome, step.what) == ("left", f"{left} is being recovered")
        kept.restore()
        kept.names.clear()
    assert [step.outcome for step in recover(left.parent).steps] == ["completed"]


def test_a_note_whose_file_is_gone_is_set_aside(left: Path) -> None:
    left.unlink()
    (step,) = recover(left.parent).steps
    assert step.outcome == "set aside"
    assert f"{left} was not complete yet" in step.what
    assert not recover(left.parent).steps


@pytest.mark.parametrize("text", ["", "{", '{"bluescribe": 1}', "notes of the visit"])
def test_what_is_no_note_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / f"run.hdf{OWED}"
    path.write_text(text)
    assert not recover(tmp_path).steps
    assert path.exists() == bool(text)


def test_a_note_leads_nowhere_else(left: Path, tmp_path: Path) -> None:
    (note,) = notes_of(left)
    shutil.copy(left, tmp_path / "other.hdf")
    before = (tmp_path / "other.hdf").read_bytes()
    note.write_text(json.dumps({**json.loads(note.read_bytes()), "file": "../other.hdf"}))
    assert not recover(left.parent).steps
    assert (tmp_path / "other.hdf").read_bytes() == before


def test_a_full_disk_leaves_it_to_the_next_session(
    folder: Path, raw: Path, docs: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    area_detector_file(raw, frames(FRAMES))
    reported: list[RunReport] = []
    with (
        monkeypatch.context() as full,
        NexusWriter(folder, images="copy", file_name="run") as writer,
    ):
        full.setattr(Place, "copy_into", refuse)
        writer.on_complete(reported.append)
        for document in docs:
            writer(*document)
        writer.close()
    status = writer.status()
    assert status.owed == (folder / "run.hdf",)
    assert "OWED:" in str(status)
    (report,) = reported
    assert (report.is_owed, report.is_given_up) == (True, False), "it is not delivered as if whole"
    assert ["No space left" in failure.cause for failure in report.failures] == [True]
    assert [step.outcome for step in recover(folder).steps] == ["completed"]
    assert has_images(folder / "run.hdf")


def test_globus_waits_for_what_is_owed(left: Path, docs: Documents) -> None:
    run = Left(left.parent / "note", docs[0][1], [LeftFile("nexus", "hdf", left)])
    finishing = Finishing()
    assert finishing.files(run) is None
    assert recover(left.parent).steps[0].outcome == "completed"
    assert finishing.files(run) == [left]


def test_a_run_whose_journal_was_finished_is_named_by_its_other_files(
    tmp_path: Path, raw: Path, docs: Documents
) -> None:
    """The session was killed between the end of one file and that of another."""
    with JsonlWriter(tmp_path, file_name="run") as journal:
        for document in docs:
            journal(*document)
        with CsvWriter(tmp_path, file_name="run") as csv:
            for document in docs[:-1]:
                csv(*document)
            csv.flush()
            (package,) = (path for path in csv.status().current_files)
            cut = package.read_bytes()
        package.write_bytes(cut)
        for path in tmp_path.iterdir():
            if path.is_file():
                os.utime(path, (1e9, 1e9))
        (place,) = places_of([journal, csv], Path.cwd())
        assert find_incomplete(place) == [package]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only ends
def test_a_run_that_is_killed_before_its_end_is_written_anew_with_its_images(
    folder: Path, raw: Path, docs: Documents
) -> None:
    area_detector_file(raw, frames(FRAMES))
    with JsonlWriter(folder, file_name="run") as journal:
        for document in docs:
            journal(*document)
    child = os.fork()
    if not child:
        writer = NexusWriter(folder, images="copy", file_name="run")
        for document in docs[:-1]:
            writer(*document)
        writer.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [step.outcome for step in recover(folder).steps] == ["written anew"]
    assert has_images(folder / "run.hdf")


def test_documents_come_back_as_they_were() -> None:
    endless: list[Any] = []
    endless.append(endless)
    array = np.arange(6, dtype="<u2").reshape(2, 3)
    values: dict[str, Any] = {"a": np.float32(1.1), "b": array, "c": [1, "x"]}
    found: Any = restored(json.loads(json.dumps(exact({**values, "d": endless, "e": 10**5000}))))
    assert found["a"] == values["a"]
    assert found["a"].dtype == np.float32
    assert np.array_equal(found["b"], values["b"])
    assert found["b"].dtype == np.uint16
    assert found["c"] == values["c"]
