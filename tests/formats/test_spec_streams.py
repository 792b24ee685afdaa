"""Streams that are not the primary one: named, or scans of their own."""

from __future__ import annotations

import errno
import os

import pytest

from bluescribe import SpecWriter
from bluescribe.testing import SHAPES, documents, interleave
from bluescribe.testing.contract import received
from tests.extent import some
from tests.formats.test_spec_session import only, play, renamed
from tests.readers import spec
from tests.spoolless import spoolless


def rows_of(path):
    """Return the seq_nums of each scan by run and stream."""
    runs = [spec.read_run(scan) for scan in spec.scans(path)]
    return {(run.uid, stream): seq for run in runs for stream, seq in run.seq_num.items()}


def expected(played):
    """Return the same as it was measured."""
    return {
        (run.uid, stream): seq
        for run in received(played)
        for stream, seq in run.seq_num.items()
        if stream not in ("baseline", "label_start_motor") and seq
    }


@pytest.mark.parametrize("name", ["monitors", "baseline", "scan", "mca"])
def test_every_stream_is_a_scan_where_that_is_wanted(name, tmp_path):
    played = documents(name, tmp_path)
    runs = [renamed(played, "one", 4), renamed(played, "two", 5)]
    for i, order in enumerate(([*runs[0], *runs[1]], interleave(*runs))):
        with SpecWriter(tmp_path / f"data{i}", streams="scans") as writer:
            play(writer, order)
            assert not writer.status().failures
        path = only(tmp_path / f"data{i}")
        assert rows_of(path) == expected(order)
        found = [int(float(scan.scanNum)) for scan in spec.scans(path)]
        assert found == sorted(found)
        spec.check_silx(path)
        spec.check_xrayutilities(path)


@pytest.mark.parametrize("name", some(SHAPES))
def test_the_streams_of_any_run_are_scans(name, tmp_path):
    (tmp_path / "source").mkdir()
    played = documents(name, tmp_path / "source")
    with SpecWriter(tmp_path / "data", streams="scans", command="apstools") as writer:
        play(writer, played)
        assert not writer.status().failures
    path = only(tmp_path / "data")
    assert {key: rows for key, rows in rows_of(path).items() if rows} == expected(played)
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_a_full_disk_costs_a_run_with_several_scans_and_no_other(tmp_path, monkeypatch):
    runs = [renamed(documents("monitors", tmp_path), i, i) for i in (1, 2)]
    refuses = [True]
    original = os.pwrite

    def pwrite(fd, data, offset):
        if refuses:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with spoolless(SpecWriter(tmp_path / "data", streams="scans", retry_seconds=0)) as writer:
        play(writer, runs[0])
        assert len(writer.status().failures) == 1
        refuses.clear()
        play(writer, runs[1])
        assert len(writer.status().failures) == 1
    (path,) = (p for p in (tmp_path / "data").iterdir() if "-open" not in p.stem)
    assert rows_of(path) == expected(runs[1])
    spec.check_silx(path)


def test_a_run_without_primary_has_one_scan_a_stream(tmp_path):
    played = documents("monitors", tmp_path)
    primary = {d["uid"] for n, d in played if n == "descriptor" and d["name"] == "primary"}
    others = [d for d in played if d[1]["uid"] not in primary]
    others = [d for d in others if d[1].get("descriptor") not in primary]
    with SpecWriter(tmp_path / "data", streams="scans") as writer:
        play(writer, others)
    path = only(tmp_path / "data")
    assert rows_of(path) == expected(others)
    assert "primary" not in [stream for _, stream in rows_of(path)]
    assert path.read_text().count("\n#S ") == len(expected(others))


def test_a_run_that_is_written_anew_leaves_no_comments_of_its_scans_beside(tmp_path, monkeypatch):
    """Where each run has a file of its own, comments wait beside each of its scans."""
    played = documents("monitors", tmp_path)
    names = {d["uid"]: d["name"] for n, d in played if n == "descriptor"}
    played = [
        (name, {**doc, "data": dict.fromkeys(doc["data"], "high")})
        if name == "event" and names[doc["descriptor"]] != "primary"
        else (name, doc)
        for name, doc in played
    ]
    refuses: list[bool] = []
    original = os.pwrite

    def pwrite(fd, data, offset):
        if refuses and os.path.realpath(f"/proc/self/fd/{fd}").startswith(f"{tmp_path}/data/"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    settings = {"streams": "scans", "one_file_a_run": True, "retry_seconds": 0}
    with SpecWriter(tmp_path / "data", **settings) as writer:
        play(writer, played[:-1])
        assert writer.flush(30)
        beside = {path.suffix for path in (tmp_path / "data").iterdir() if "-open" in path.name}
        assert beside == {".dat", ".notes"}
        refuses.append(True)
        play(writer, played[-1:])
        assert not writer.flush(5)
        assert writer.status().late
        refuses.clear()
    assert not writer.status().failures
    assert only(tmp_path / "data").suffix == ".dat"


@pytest.mark.parametrize("settings", [{}, {"one_file_a_run": True}])
def test_what_was_said_of_a_run_without_a_primary_stream_is_in_its_first_scan(tmp_path, settings):
    played = documents("no_primary", tmp_path)
    at = [kind for kind, _ in played].index("event") + 1
    with SpecWriter(tmp_path / "data", streams="scans", **settings) as writer:
        writer.comment("said before the run")
        play(writer, played[:at])
        writer.comment("said of its end", at_end=True)
        writer.comment("said after one")
        play(writer, played[at:])
    path = only(tmp_path / "data")
    said = [line.split("said ")[1] for line in path.read_text().splitlines() if "said " in line]
    assert said == ["before the run", "after one", "of its end"]
    assert rows_of(path) == expected(played)
    spec.check_silx(path)
