"""What a writer tells of each run once nothing more is done for it."""

from __future__ import annotations

import errno
from pathlib import Path

import bluesky.plans as bp
import pytest
from bluesky import RunEngine
from ophyd.sim import det, motor

from bluescribe import CsvWriter, NexusWriter, Writer, subscribe_writers
from bluescribe.contract.report import Failure, LeftOut, RunReport
from bluescribe.formats import format_names, load_format
from bluescribe.formats.csv import CsvFile
from bluescribe.model.run import Run
from bluescribe.recording.process.serialized import report_from, report_told
from bluescribe.testing import documents, interleave
from tests.core.scanning import told


def reports_of(writer: Writer) -> list[RunReport]:
    found: list[RunReport] = []
    writer.on_complete(found.append)
    return found


@pytest.mark.parametrize("name", format_names())
def test_each_run_is_reported_once_with_its_files(name: str, tmp_path: Path) -> None:
    engine, uids = RunEngine(), list[str]()
    with load_format(name)(tmp_path) as writer:
        reports = reports_of(writer)
        engine.subscribe(writer.receiver)
        engine.subscribe(lambda _, start: uids.append(start["uid"]), "start")
        engine(bp.scan([det], motor, 0, 1, 3))
        engine(bp.count([det], 2))
    assert [report.uid for report in reports] == uids
    assert [report.stop and report.stop["run_start"] for report in reports] == uids
    for report in reports:
        assert (report.format, report.failures, report.discrepancies) == (name, (), ())
        assert (report.is_given_up, report.is_owed, report.refused) == (False, False, 0)
        assert bool(report.files) == (name != "dx"), "only a run with images is a tomogram"
        assert all(path.is_absolute() and path.stat().st_size for path in report.files)
    assert reports[-1].files[:1] == tuple(filter(None, [writer.status().last_file]))


def test_the_fault_of_one_run_is_in_its_report_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = documents("scan", tmp_path / "a"), documents("strings", tmp_path / "b")
    lost = first[0][1]["uid"]
    sync = CsvWriter.file_class.sync

    def refuse(file: CsvFile) -> None:
        if lost[:7] in str(file.paths):
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        sync(file)

    monkeypatch.setattr(CsvWriter.file_class, "sync", refuse)
    with CsvWriter(tmp_path, file_name="{uid}") as writer:
        reports = reports_of(writer)
        for number, document in enumerate(interleave(first, second)):
            writer(*document)
            if number == 5:
                writer.flush()
    by_uid = {report.uid: report for report in reports}
    assert len(by_uid) == len(reports) == 2
    bad, good = by_uid.pop(lost), *by_uid.values()
    assert bad.is_given_up
    assert not good.is_given_up
    assert ["name too long" in failure.cause for failure in bad.failures] == [True]
    assert good.failures == ()
    assert [str(lost[:7] in text) for text in told(caplog)] == ["True"]


def test_damaged_documents_are_counted_where_they_came(tmp_path: Path) -> None:
    good, bad = documents("count", tmp_path / "a"), documents("scan", tmp_path / "b")
    event = next(n for n, (name, _) in enumerate(bad) if name == "event")
    del bad[event][1]["seq_num"]
    with NexusWriter(tmp_path / "data") as writer:
        reports = reports_of(writer)
        for document in [*bad, *good]:
            writer(*document)
    assert [report.refused for report in reports] == [1, 0]
    assert ["event" in text for text in reports[0].discrepancies] == [True]


def test_a_run_that_the_format_does_not_want_has_no_files(tmp_path: Path) -> None:
    class Choosy(CsvFile):
        def accepts(self, run: Run) -> bool:
            return False

    class ChoosyWriter(CsvWriter):
        file_class = Choosy

    with ChoosyWriter(tmp_path) as writer:
        reports = reports_of(writer)
        for document in documents("count", tmp_path / "a"):
            writer(*document)
    (report,) = reports
    assert (report.files, report.failures, report.is_given_up) == ((), (), False)


def test_a_run_without_a_stop_is_reported_without_one(tmp_path: Path) -> None:
    with CsvWriter(tmp_path) as writer:
        reports = reports_of(writer)
        for name, doc in documents("scan", tmp_path / "a")[:-1]:
            writer(name, doc)
    (report,) = reports
    assert report.stop is None


def test_a_report_comes_through_a_channel_as_it_was() -> None:
    failure = Failure(1.7e9, "run 1", Path("/a"), "cause", "remedy")
    left_out = (LeftOut("primary", "x", "why"), LeftOut("baseline", None, "because"))
    report = RunReport(
        "csv", {"uid": "u"}, (Path("/a"),), (failure,), stop={"a": 1}, left_out=left_out
    )
    assert report_from(report_told(report)) == report
    assert [str(each) for each in left_out] == [
        "'x' of 'primary': why",
        "stream 'baseline': because",
    ]


def test_all_writers_are_asked_at_once(tmp_path: Path) -> None:
    formats, engine = ("csv", "jsonl"), RunEngine()
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    found: list[RunReport] = []
    with subscribe_writers(
        engine, {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **blocks}
    ) as writers:
        writers.on_complete(found.append)
        engine(bp.count([det], 2))
    assert sorted(report.format for report in found) == list(formats)
