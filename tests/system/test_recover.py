"""`recover` on files that are damaged in known ways."""

from __future__ import annotations

import json
import os
import re
import shutil
import time

import h5py
import numpy as np
import pytest

from bluescribe import JsonlWriter, SpecWriter
from bluescribe.formats import load_format
from bluescribe.testing import documents
from tests.contracts import CONTRACTS
from tests.readers import dx, spec
from tests.recovering import recover
from tests.system.faults.test_kill import fingerprint

HDF5 = ("dx", "hdf5", "nexus")
FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")


@pytest.fixture
def run(tmp_path):
    return documents("scan", tmp_path / "shapes")


@pytest.fixture
def run_of_images(tmp_path):
    return documents("images", tmp_path / "shapes")


def write(folder, played, names=FORMATS, **settings):
    for name in names:
        with load_format(name)(folder, **settings) as writer:
            for document in played:
                writer(*document)


def outcomes(report):
    return {step.path.suffix or step.path.name: step.outcome for step in report.steps}


@pytest.mark.parametrize("live", [True, False])
def test_whole_files_are_left_alone(live, tmp_path, run_of_images):
    """A document in JSON that is there is whole, and is not looked at."""
    folder = tmp_path / "data"
    write(folder, run_of_images, [name for name in FORMATS if name not in HDF5])
    write(folder, run_of_images, HDF5, live=live)
    before = fingerprint(folder)
    report = recover(folder)
    assert (report.steps, report.whole) == ([], 7)
    assert fingerprint(folder) == before


@pytest.mark.parametrize("live", [True, False])
def test_files_that_were_given_up_are_made_whole_from_the_journal(live, tmp_path, run_of_images):
    """As on a full disk: the run went on, its journal has the rest."""
    folder, run = tmp_path / "data", run_of_images
    write(folder, run, ["jsonl"])
    write(folder, run[:-3], ["csv", "spec", "tiff"])
    write(folder, run[:-3], HDF5, live=live)
    report = recover(folder)
    assert not report.failed
    assert {step.outcome for step in report.steps} == {"written anew"}
    assert len(report.steps) == 6
    for name in ("jsonl", "csv", "spec", "tiff", "hdf5", "nexus"):
        contract = CONTRACTS[name]()
        contract.check_runs(contract.read_back(folder), run)
        contract.check_files(folder)
    (found,) = dx.read_folder(folder)
    assert [len(images) for images in found.events["primary"].values()] == [3]
    assert found.stop is not None
    assert not recover(folder).steps


@pytest.mark.parametrize("has_stop", [True, False])
def test_files_whose_writer_failed_are_made_whole_from_the_journal(
    has_stop, tmp_path, run_of_images, monkeypatch
):
    """A file that was given up in mid-run is closed, and nothing marks it."""
    folder, played = tmp_path / "data", run_of_images if has_stop else run_of_images[:-1]
    names = [name for name in FORMATS if name != "jsonl"]
    for name in names:
        with load_format(name)(folder) as writer:
            for document in played[:-2]:
                writer(*document)
            writer.flush()
            monkeypatch.setattr(writer.file_class, "write_events", _fail)
            for document in played[-2:]:
                writer(*document)
        assert writer.status().failures, name
    monkeypatch.undo()
    write(folder, played, ["jsonl"])
    report = recover(folder)
    assert {step.outcome for step in report.steps} == {"written anew"}
    assert len(report.steps) == len(names)
    for name in CONTRACTS:
        contract = CONTRACTS[name]()
        contract.check_runs(contract.read_back(folder), played)
    (found,) = dx.read_folder(folder)
    assert len(found.seq_num["primary"]) == 3
    assert not recover(folder).steps


def _fail(*_):
    raise RuntimeError("a fault")


@pytest.mark.parametrize("name", ["dx", "nexus", "tiff"])
@pytest.mark.parametrize("has_copies", [False, True])
def test_images_that_are_gone_keep_no_file_from_being_written_anew(has_copies, name, tmp_path):
    """They are told of, and not waited for; unless the file has copies of them."""
    folder = tmp_path / "data"
    (tmp_path / "shapes").mkdir()
    played = documents("stream_count", tmp_path / "shapes")
    write(folder, played, ["jsonl"])
    settings = {"images": "copy", "images_timeout": 0.0}
    if has_copies:
        write(folder, played[:-1], [name], **settings)
    shutil.rmtree(tmp_path / "shapes")
    if not has_copies:
        write(folder, played[:-1], [name], **settings)
    before = fingerprint(folder)
    block = {f"{name.upper()}_DATA_FILES": {"ENABLE": True, "IMAGES": "copy"}}
    began = time.monotonic()
    report = recover(folder, iconfig=block)
    assert time.monotonic() - began < 20
    if has_copies:
        assert not report.steps, "a file without its images would be the worse one"
        assert fingerprint(folder) == before
    else:
        assert [step.outcome for step in report.steps] == ["written anew"]
        assert "camera" in report.steps[0].what
    assert not recover(folder, iconfig=block).steps


def test_a_journal_is_cut_and_nothing_is_invented(tmp_path, run):
    folder = tmp_path / "data"
    write(folder, run)
    (path,) = folder.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    report = recover(folder)
    assert outcomes(report) == {".jsonl": "mended"}
    (run_read,) = CONTRACTS["jsonl"]().read_back(folder)
    assert run_read.stop is None
    assert path.with_name(f"{path.name}.damaged").exists()
    assert not recover(folder).steps


def test_a_whole_line_without_an_end_is_kept(tmp_path, run):
    folder = tmp_path / "data"
    write(folder, run, ["jsonl"])
    (path,) = folder.glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    recover(folder)
    assert path.read_bytes() == whole


def test_without_a_journal_files_are_mended(tmp_path, run):
    folder = tmp_path / "data"
    write(folder, run, ["csv", "spec"])
    (table,) = folder.glob("*-primary.csv")
    (package,) = folder.glob("*.json")
    (scan,) = folder.glob("*.dat")
    rows = table.read_bytes().split(b"\r\n")
    table.write_bytes(b"\r\n".join(rows[:3]) + b"\r\n" + rows[3][:5])
    package.write_text(package.read_text().replace('"complete"', '"recording"'))
    text = scan.read_bytes()
    end = text.index(b"#C", text.index(b"#L "))
    scan.write_bytes(text[: end - 4])
    report = recover(folder)
    assert outcomes(report) == {".json": "mended", ".dat": "mended"}
    CONTRACTS["csv"]().check_files(folder)
    (found,) = CONTRACTS["csv"]().read_back(folder)
    assert found.seq_num["primary"] == [1, 2]
    assert len(spec.scan_of(scan).data["seq_num"]) == 4, "the scan had five points"
    assert not recover(folder).steps


def test_a_scan_in_the_midst_of_a_session_is_written_anew_in_its_place(tmp_path, run):
    folder = tmp_path / "data"
    others = [documents("count", tmp_path / "other"), documents("grid_scan", tmp_path / "grid")]
    for number, played in enumerate([others[0], run[:-2], others[1]]):
        with SpecWriter(folder) as writer:
            writer.newfile("session")
            for name, doc in played:
                writer(name, {**doc, "scan_id": number + 1} if name == "start" else doc)
    write(folder, [("start", {**run[0][1], "scan_id": 2}), *run[1:]], ["jsonl"])
    before = (folder / "session.dat").read_bytes()
    report = recover(folder)
    assert outcomes(report) == {".dat": "written anew"}
    assert (folder / "session.dat.damaged").read_bytes() == before
    contract = CONTRACTS["spec"]()
    contract.check_runs(contract.read_back(folder), [*others[0], *run, *others[1]])
    assert not recover(folder).steps


def test_files_of_others_are_not_touched(tmp_path):
    detector = tmp_path / "frames.hdf"
    with h5py.File(detector, "w", libver="v110") as file:
        file["entry/data"] = np.arange(9)
        file.flush()
        shutil.copy(detector, tmp_path / "being_written.h5")
    (tmp_path / "theirs.dat").write_text("#F theirs\n#E 1\n\n#S 1 ascan\n#N 1\n#L a\n1\n2.")
    (tmp_path / "notes.jsonl").write_text('{"a": 1}\n{"b"')
    (tmp_path / "tables.datapackage.json").write_text('{"resources": []}')
    (tmp_path / "empty.dat").touch()
    before = fingerprint(tmp_path)
    report = recover(tmp_path)
    assert not report.failed
    assert fingerprint(tmp_path) == before


def test_what_cannot_be_recovered_is_told_and_left(tmp_path, run):
    write(tmp_path / "data", run, ["nexus"])
    (path,) = (tmp_path / "data").glob("*.hdf")
    path.write_bytes(path.read_bytes()[:100])
    before = fingerprint(tmp_path / "data")
    report = recover(tmp_path / "data")
    (step,) = report.failed
    assert step.path == path
    assert "HDF5 cannot open it" in step.what
    assert fingerprint(tmp_path / "data") == before


@pytest.mark.parametrize("seconds", [0.2, 60.0])
def test_a_file_that_was_just_begun_holds_nothing_to_recover(seconds, tmp_path, run):
    """Its journal had not yet its first line. A file that was written for longer is no such."""
    folder = tmp_path / "data"
    write(folder, run, ["nexus"])
    (path,) = folder.glob("*.hdf")
    path.write_bytes(path.read_bytes()[:3000])
    journal = path.with_suffix(".jsonl")
    journal.touch()
    made = journal.stat().st_mtime
    os.utime(path, (made, made + seconds))
    before = path.read_bytes()
    foreseen = outcomes(recover(folder, dry_run=True))
    report = recover(folder)
    expected = "set aside" if seconds < 1 else "FAILED"
    assert outcomes(report) == foreseen == {".jsonl": "set aside", ".hdf": expected}
    kept = path if seconds > 1 else path.with_name(f"{path.name}.damaged")
    assert kept.read_bytes() == before
    assert recover(folder).steps == report.failed


def test_settings_of_the_session_are_used(tmp_path, run):
    folder = tmp_path / "data"
    write(folder, run, ["jsonl"])
    write(folder, run[:-1], ["nexus"], file_extension="nxs")
    blocks = {"NEXUS_DATA_FILES": {"ENABLE": True, "FILE_EXTENSION": "nxs", "LIVE": False}}
    report = recover(folder, iconfig=blocks)
    assert outcomes(report) == {".nxs": "written anew"}
    (path,) = folder.glob("*.nxs")
    assert path.read_bytes()[8] < 2, "LIVE: false is the oldest format"
    assert not recover(folder, iconfig=blocks).steps


def test_empty_files_of_ours_are_set_aside(tmp_path):
    path = tmp_path / "20261123-015411-S00001-52e58ae.jsonl"
    path.touch()
    report = recover(tmp_path, dry_run=True)
    assert path.exists()
    report = recover(tmp_path)
    assert outcomes(report) == {".jsonl": "set aside"}
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".damaged"]
    assert not recover(tmp_path).steps


def test_a_full_disk_leaves_the_damaged_file_where_it_is(tmp_path, run, monkeypatch):
    folder = tmp_path / "data"
    write(folder, run, ["jsonl"])
    write(folder, run[:-1], ["csv"])
    before = fingerprint(folder)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bluescribe.formats.csv.CsvFile.close", refuse)
    report = recover(folder)
    assert "No space left" in report.failed[0].what
    assert fingerprint(folder) == before


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(NotADirectoryError, match="is no folder"):
        recover(tmp_path / "none")


def test_files_below_are_found(tmp_path, run):
    with JsonlWriter(tmp_path, file_name="a/b/{scan_id}") as writer:
        for document in run:
            writer(*document)
    (path,) = tmp_path.rglob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:9])
    assert len(recover(tmp_path).steps) == 1
    assert [json.loads(line)[0] for line in path.read_bytes().splitlines()][-1] == "event"


@pytest.mark.timeout(60, method="thread")  # HDF5 would hold its lock, and no signal ends that
@pytest.mark.parametrize("has_zeros", [True, False])
@pytest.mark.parametrize("name", HDF5)
def test_texts_of_which_the_end_is_missing_hold_up_nothing(
    name, has_zeros, tmp_path, run_of_images
):
    """HDF5 has given them room, and the disk got the head of that: for ever, HDF5 looks on."""
    folder = tmp_path / "data"
    write(folder, run_of_images, [name], live=True)
    (path,) = folder.iterdir()
    data = path.read_bytes()
    heaps = [found.start() for found in re.finditer(b"GCOL\x01\0\0\0", data)]
    for heap in heaps:
        end = heap + 4096 if has_zeros else len(data)
        zeros = bytes(end - heap - 64) if has_zeros else b""
        path.write_bytes(data[: heap + 64] + zeros + data[end:])
        torn = fingerprint(folder)
        report = recover(folder)
        assert [step.outcome for step in report.steps] in (["left"], ["FAILED"])
        assert fingerprint(folder) == torn
    assert heaps
