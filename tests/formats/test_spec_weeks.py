"""A session of weeks in one file: each reader tells its points apart, on every day."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from silx.io.spech5 import SpecH5

from bluescribe import JsonlWriter, SpecWriter, export
from bluescribe.testing import documents, interleave
from tests.formats.test_spec_session import check, renamed
from tests.readers import spec
from tests.recovering import recover

DAY = 86_400
BEGAN = 1_767_225_600
POINTS = 20
DAYS = (0, 0.9, 1.1, 7, 30, 300)


def run_of_day(day, number, folder):
    """Return a scan with ten points a second that begins on a day."""
    played = [(name, dict(doc)) for name, doc in documents("scan", folder)]
    events = [doc for name, doc in played if name == "event"]
    times = [BEGAN + day * DAY + n / 10 for n in range(POINTS)]
    more = [
        ("event", {**events[0], "uid": f"e{n}", "seq_num": n, "time": second})
        for n, second in enumerate(times, 1)
    ]
    at = next(n for n, (name, _) in enumerate(played) if name == "event")
    head, stop = played[:at], dict(played[-1][1])
    stop["num_events"] = {"primary": POINTS}
    for doc in (*(doc for _, doc in head), stop):
        doc["time"] = BEGAN + day * DAY
    return renamed([*head, *more, ("stop", stop)], f"d{number}", number)


def in_order(runs):
    return [document for run in runs for document in run]


@pytest.fixture
def session(tmp_path):
    return [run_of_day(day, number, tmp_path / "x") for number, day in enumerate(DAYS, 1)]


def check_epochs(path, runs):
    """Fail unless all readers have all points, at their times, though in single precision."""
    by_xrayutilities = import_module("xrayutilities").io.SPECFile(str(path))
    told = {scan.scanNum: scan.header.epoch for scan in spec.scans(path)}
    with SpecH5(str(path)) as by_silx:
        for place, scan in enumerate(by_xrayutilities.scan_list):
            (_, start), *_ = run = next(r for r in runs if r[0][1]["scan_id"] == scan.nr)
            times = [doc["time"] for name, doc in run if name == "event"]
            epochs = by_silx[f"{start['scan_id']}.1/measurement/Epoch"][()]
            by_xrayutilities.scan_list[place].ReadData()
            for found in (epochs, by_xrayutilities.scan_list[place].data["Epoch"]):
                assert found.tolist() == sorted(set(found.tolist()))
                since = np.asarray(found, float) + told[str(scan.nr)]
                assert np.allclose(since, times, rtol=0, atol=0.01)


@pytest.mark.parametrize("how", ["live", "exported"])
def test_points_of_a_session_of_weeks_are_told_apart(how, session, tmp_path):
    folder = tmp_path / "data"
    if how == "live":
        with SpecWriter(folder) as writer:
            for document in in_order(session):
                writer(*document)
    else:
        export(in_order(session), folder, ["spec"])
    (path,) = folder.glob("*.dat")
    check(path, in_order(session))
    check_epochs(path, session)
    assert path.read_text().count("\n#E ") == 5, "0.9 days need none"


def test_a_run_that_goes_on_beside_one_of_another_day_keeps_its_own_beginning(session, tmp_path):
    with SpecWriter(tmp_path / "data") as writer:
        for document in interleave(session[0], session[3]):
            writer(*document)
        for document in session[4]:
            writer(*document)
    (path,) = (tmp_path / "data").glob("*.dat")
    runs = [session[0], session[3], session[4]]
    check(path, in_order(runs))
    check_epochs(path, runs)


def test_a_file_that_is_gone_on_in_after_days_has_a_header_of_its_day(session, tmp_path):
    for run in session:
        with SpecWriter(tmp_path / "data") as writer:
            writer.newfile("weeks")
            for document in run:
                writer(*document)
    (path,) = (tmp_path / "data").glob("*.dat")
    check(path, in_order(session))
    check_epochs(path, session)


def test_a_scan_that_is_written_anew_counts_from_its_own_header(session, tmp_path):
    folder = tmp_path / "data"
    with SpecWriter(folder) as writer, JsonlWriter(folder) as journal:
        for document in session[0] + session[3]:
            writer(*document)
            journal(*document)
    (path,) = folder.glob("*.dat")
    lines = path.read_bytes().splitlines(keepends=True)
    last_row = max(n for n, line in enumerate(lines) if line[:1].isdigit() or line[:1] == b"-")
    path.write_bytes(b"".join(lines[: last_row - 3]))
    (step,) = recover(folder).steps
    assert step.outcome == "written anew"
    runs = [session[0], session[3]]
    check(path, in_order(runs))
    check_epochs(path, runs)
