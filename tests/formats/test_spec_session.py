"""One SPEC file a session: scans after one another, whatever runs do, and files that are named."""

from __future__ import annotations

import errno
import os
import sys
import threading
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from bluescribe import SpecWriter
from bluescribe.errors import ConfigError
from bluescribe.testing import documents, interleave
from bluescribe.testing.contract import received
from tests import warm
from tests.contracts import SpecContract as Contract
from tests.extent import IS_LONG
from tests.readers import spec
from tests.spoolless import spoolless


def play(writer, played) -> None:
    for name, doc in played:
        writer(name, doc)


def renamed(played, tag, scan_id=None):
    """Return the same run as another one, with uids of its own."""
    uids = {doc["uid"] for _, doc in played}
    keys = ("uid", "run_start", "descriptor")
    found = []
    for name, doc in played:
        changed = {k: f"{tag}-{doc[k]}" for k in keys if doc.get(k) in uids}
        number = {} if name != "start" or scan_id is None else {"scan_id": scan_id}
        found.append((name, {**doc, **changed, **number}))
    return found


def check(path, played) -> None:
    """Fail unless the file holds these runs, each of them whole."""
    Contract().check_runs(map(spec.read_run, spec.scans(path)), played)
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def numbers(path):
    return [scan.scanNum for scan in spec.scans(path)]


def only(folder):
    (path,) = (p for p in folder.rglob("*") if p.is_file())
    return path


def test_scans_follow_one_another_in_a_file_named_by_the_first(tmp_path):
    runs = [renamed(documents("scan", tmp_path), i, i) for i in (1, 2, 3)]
    for number, run in enumerate(runs):
        run[0][1]["time"] = 1795379877.25 + number
    with SpecWriter(tmp_path / "data") as writer:
        assert writer.spec_filename is None
        for run in runs:
            play(writer, run)
            assert writer.spec_filename == only(tmp_path / "data")
    path = only(tmp_path / "data")
    assert len(path.stem) == len("20261122-094501")
    assert path.read_bytes().count(b"\n#F ") == 0, "one header for one list of motors"
    assert path.read_bytes().startswith(b"#F " + path.name.encode() + b"\n#E 1795379877\n#D ")
    assert numbers(path) == ["1", "2", "3"]
    check(path, [document for run in runs for document in run])


def test_a_file_that_is_there_is_left_alone(tmp_path):
    run = documents("scan", tmp_path)
    for i in (1, 2):
        with SpecWriter(tmp_path / "data") as writer:
            play(writer, renamed(run, i, i))
    first, second = sorted((tmp_path / "data").iterdir())
    assert {*numbers(first), *numbers(second)} == {"1", "2"}
    assert len(numbers(first)) == 1


@pytest.mark.parametrize("names", [("scan", "mca", "strings"), ("baseline", "monitors", "scan")])
def test_interleaved_runs_are_appended_whole(names, tmp_path):
    played = interleave(*(renamed(documents(n, tmp_path), n, i) for i, n in enumerate(names, 1)))
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, played)
    check(only(tmp_path / "data"), played)


def test_a_run_beside_another_is_read_while_both_go_on(tmp_path):
    first, second = (renamed(documents("scan", tmp_path), i, i) for i in (1, 2))
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, first[:4])
        play(writer, second[:-1])
        writer.flush()
        files = sorted((tmp_path / "data").iterdir())
        assert [numbers(path) for path in files] == [["2"], ["1"]]
        assert len(spec.rows(spec.scan_of(files[0]))["seq_num"]) == 5
        play(writer, second[-1:])
        assert len(list((tmp_path / "data").iterdir())) == 2, "the first run is open"
        play(writer, first[4:])
        check(only(tmp_path / "data"), [*first, *second])


def test_a_uid_that_is_a_path_does_not_lead_out_of_the_directory(tmp_path):
    runs = [renamed(documents("scan", tmp_path), "../" * i + "x", i) for i in (1, 2)]
    with SpecWriter(tmp_path / "deep/data") as writer:
        play(writer, runs[0][:4])
        writer.flush()
        play(writer, runs[1][:-1])
        writer.flush()
        assert {p.parent for p in (tmp_path / "deep").rglob("*.dat")} == {tmp_path / "deep/data"}
        play(writer, [*runs[1][-1:], *runs[0][4:]])
    check(only(tmp_path / "deep"), [*runs[0], *runs[1]])


def test_a_kept_scan_that_somebody_deletes_does_not_hold_up_others(tmp_path, caplog):
    first, second, third = (renamed(documents("scan", tmp_path), i, i) for i in (1, 2, 3))
    with SpecWriter(tmp_path / "data", retry_seconds=0) as writer:
        play(writer, first[:4])
        writer.flush()
        play(writer, second)
        next((tmp_path / "data").glob("*-S00002-*.dat")).unlink()
        play(writer, [*first[4:], *third])
    assert "is gone" in caplog.text
    check(only(tmp_path / "data"), [*first, *third])


def test_runs_that_are_never_stopped_are_appended_at_the_end(tmp_path):
    runs = [renamed(documents("scan", tmp_path), i, i)[:-1] for i in (1, 2)]
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, interleave(*runs))
    path = only(tmp_path / "data")
    check(path, [document for run in runs for document in run])
    assert path.read_bytes().count(b"no stop document") == 2


def test_a_baseline_becomes_positions_and_a_new_list_a_new_header(tmp_path):
    names = ("baseline", "scan", "baseline", "label_start_motor", "label_start_motor")
    runs = [renamed(documents(n, tmp_path), i, i) for i, n in enumerate(names)]
    with SpecWriter(tmp_path / "data") as writer:
        for run in runs:
            play(writer, run)
    path = only(tmp_path / "data")
    check(path, [document for run in runs for document in run])
    found = [scan.positioner for scan in spec.scans(path)]
    told = received(document for run in runs for document in run)
    for run_told, positions in zip(told, found, strict=True):
        columns = run_told.events.get("baseline") or run_told.events.get("label_start_motor") or {}
        first = {name: column[0] for name, column in columns.items()}
        assert positions == {k: v for k, v in first.items() if not isinstance(v, str)}
    assert found[1] == {}
    assert path.read_bytes().count(b"\n#F ") == 3, "but none where the list stays"
    assert 'at the start: "sample_name" = "Fe₂O₃"' in spec.scans(path)[0].comments


def test_more_positions_than_silx_has_room_for_are_told(tmp_path):
    played = documents("baseline", tmp_path)
    for name, doc in played:
        if name == "event" and "sample_name" in doc["data"]:
            doc["data"] = {f"m{i}": i / 7 for i in range(400)}
            doc["timestamps"] = dict.fromkeys(doc["data"], 1.0)
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, played)
    path = only(tmp_path / "data")
    spec.check_silx(path)
    scan = spec.scan_of(path)
    told = {c.split('"')[1] for c in scan.comments if c.startswith("at the start: ")}
    assert {*scan.positioner, *told} == {f"m{i}" for i in range(400)}


def test_scan_ids_that_are_no_numbers_get_the_next_one(tmp_path, caplog):
    run = documents("count", tmp_path)
    ids = [5, "7", "sample A", -3, 10**30, 2.5, 12, 3, 3]
    runs = [renamed(run, i, scan_id) for i, scan_id in enumerate(ids)]
    without = renamed(run, "none")
    del without[0][1]["scan_id"]
    with SpecWriter(tmp_path / "data") as writer:
        for each in [*runs, without]:
            play(writer, each)
    path = only(tmp_path / "data")
    assert numbers(path) == ["5", "7", "8", "9", "10", "11", "12", "3", "3.1", "13"]
    assert [spec.metadata(s)["scan_id"] for s in spec.scans(path)[:-1]] == ids
    assert len([r for r in caplog.records if "comes again" in r.getMessage()]) == 1


def test_newfile_names_the_next_file_and_counts_on_in_one_that_exists(tmp_path):
    run = documents("scan", tmp_path)
    engine = SimpleNamespace(md={"scan_id": 40})
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, renamed(run, 1, 40))
        assert writer.newfile("LaB6 0.5", scan_id=0, RE=engine) == tmp_path / "data/LaB6 0.5.dat"
        assert engine.md["scan_id"] == 0
        assert not (tmp_path / "data/LaB6 0.5.dat").exists(), (
            "made when there is something to write"
        )
        for number in (1, 2):
            play(writer, renamed(run, f"new{number}", number))
        writer.newfile()
        assert engine.md["scan_id"] == 0
        play(writer, renamed(run, "other", 3))
    before = (tmp_path / "data/LaB6 0.5.dat").read_bytes()
    with SpecWriter(tmp_path / "data") as writer:
        path = writer.newfile("LaB6 0.5.dat", scan_id=1, RE=engine)
        assert engine.md["scan_id"] == 2
        play(writer, renamed(run, "again", 3))
    assert path.read_bytes().startswith(before)
    assert numbers(path) == ["1", "2", "3"]
    assert path.read_bytes().count(b"#F LaB6 0.5.dat\n#E ") == 2
    spec.check_silx(path)
    assert len(list((tmp_path / "data").iterdir())) == 3


@pytest.mark.parametrize(
    "title", ["../../evil", "..", "a/../../b", ".hidden", "{uid}", "x" * 400, "\n"]
)
def test_a_title_does_not_lead_out_of_the_directory(title, tmp_path):
    with SpecWriter(tmp_path / "deep/data") as writer:
        writer.newfile(title)
        play(writer, documents("count", tmp_path))
    assert only(tmp_path / "deep").parent == tmp_path / "deep/data"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_taken_as_it_is(kind, tmp_path):
    with SpecWriter(tmp_path / "data") as writer:
        assert writer.newfile(kind(tmp_path / "else/where.spec")) == tmp_path / "else/where.spec"
        play(writer, documents("count", tmp_path))
    assert numbers(tmp_path / "else/where.spec") == ["1"]


def test_a_file_that_is_not_spec_is_not_appended_to(tmp_path):
    (tmp_path / "notes.dat").write_text("my notes\n")
    with SpecWriter(tmp_path) as writer:
        with pytest.raises(ConfigError, match=r"notes\.dat is not a SPEC file"):
            writer.newfile("notes")
        play(writer, documents("count", tmp_path / "scratch"))
    assert (tmp_path / "notes.dat").read_text() == "my notes\n"


def test_a_torn_last_line_does_not_swallow_the_next_header(tmp_path):
    run = documents("scan", tmp_path)
    torn = b"#F old.dat\n#E 1\n#D now\n#C x\n\n#S 8 ascan\n#N 2\n#L a  b\n1 2\n3 4.5"
    (tmp_path / "old.dat").write_bytes(torn)
    with SpecWriter(tmp_path) as writer:
        writer.newfile("old")
        play(writer, renamed(run, 1, 9))
    assert (tmp_path / "old.dat").read_bytes().startswith(torn + b"\n\n#F old.dat\n")


def test_a_run_that_is_open_goes_on_in_the_file_it_began_in(tmp_path):
    first, second = (renamed(documents("scan", tmp_path), i, i) for i in (1, 2))
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, first[:4])
        newer = writer.newfile("newer")
        play(writer, second[:5])
        play(writer, first[4:])
        play(writer, second[5:])
    older = next(p for p in (tmp_path / "data").iterdir() if p != newer)
    check(older, first)
    check(newer, second)


def test_going_back_to_a_file_that_is_written_does_not_mix_scans(tmp_path):
    runs = [renamed(documents("scan", tmp_path), i, i) for i in (1, 2)]
    with SpecWriter(tmp_path / "data") as writer:
        writer.newfile("same")
        play(writer, runs[0][:4])
        writer.newfile("else")
        writer.newfile("same")
        play(writer, interleave(runs[0][4:], runs[1]))
    check(only(tmp_path / "data"), [*runs[0], *runs[1]])


def test_newfile_may_be_called_while_runs_come(tmp_path):
    run = documents("scan", tmp_path)
    runs = [renamed(run, i, i) for i in range(40)]
    with SpecWriter(tmp_path / "data") as writer:
        thread = threading.Thread(target=play, args=(writer, [d for each in runs for d in each]))
        thread.start()
        for i in range(40):
            writer.newfile(f"file{i % 4}")
        thread.join()
    found = [
        run
        for path in (tmp_path / "data").iterdir()
        for run in map(spec.read_run, spec.scans(path))
    ]
    Contract().check_runs(found, [document for each in runs for document in each])


def test_one_file_a_run(tmp_path):
    runs = [renamed(documents("baseline", tmp_path), i, i) for i in (1, 2)]
    with SpecWriter(tmp_path / "data", one_file_a_run=True, file_name="S{scan_id}") as writer:
        play(writer, interleave(*runs))
        with pytest.raises(ConfigError, match="every run"):
            writer.newfile("other")
    check(tmp_path / "data/S1.dat", runs[0])
    check(tmp_path / "data/S2.dat", runs[1])
    assert len(list((tmp_path / "data").iterdir())) == 2


def test_what_another_program_appends_stays_and_gets_its_scans_no_wrong_header(tmp_path):
    runs = [renamed(documents("baseline", tmp_path), i, i) for i in (1, 2)]
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, runs[0])
        path = only(tmp_path / "data")
        with path.open("ab") as file:
            file.write(b"\n#F x\n#E 9\n#D Thu Jan  1 00:00:00 1970\n#C x\n#O0 foreign\n")
            file.write(b"\n#S 77 ct\n#D Thu Jan  1 00:00:00 1970\n#P0 1\n#N 2\n#L a  b\n1 2\n")
        play(writer, runs[1])
    found = {scan.scanNum: scan for scan in spec.scans(path)}
    assert list(found) == ["1", "77", "2"]
    assert list(found["2"].positioner) == list(found["1"].positioner)
    spec.check_silx(path)


def test_a_file_that_is_moved_away_is_made_again(tmp_path):
    runs = [renamed(documents("scan", tmp_path), i, i) for i in (1, 2)]
    with SpecWriter(tmp_path / "data", retry_seconds=0) as writer:
        play(writer, runs[0])
        only(tmp_path / "data").rename(tmp_path / "elsewhere.dat")
        play(writer, runs[1])
        assert not writer.status().failures
    check(tmp_path / "elsewhere.dat", runs[0])
    check(only(tmp_path / "data"), runs[1])


def half_written(limit):
    """Return an os.pwrite that writes half and then fails, every other time."""
    calls = []
    original = os.pwrite

    def pwrite(fd, data, offset):
        calls.append(offset)
        if len(calls) < limit and len(calls) % 3:
            if len(calls) % 3 == 1:
                return original(fd, data[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(fd, data, offset)

    return pwrite


@pytest.mark.parametrize("names", [("scan",), ("baseline", "mca"), ("monitors", "scan", "strings")])
def test_a_disk_that_refuses_for_a_while_has_all_in_the_end(names, tmp_path, monkeypatch):
    played = interleave(*(renamed(documents(n, tmp_path), n, i) for i, n in enumerate(names, 1)))
    monkeypatch.setattr(os, "pwrite", half_written(12))
    with SpecWriter(tmp_path / "data", retry_seconds=30, drain_timeout=60) as writer:
        for name, doc in played:
            writer(name, doc)
            writer.flush()
        assert not writer.status().failures
    check(only(tmp_path / "data"), played)


def test_a_disk_that_stays_full_costs_the_run_and_no_other(tmp_path, monkeypatch):
    runs = [renamed(documents("scan", tmp_path), i, i) for i in (1, 2, 3)]
    refuses: list[bool] = []
    original = os.pwrite

    def pwrite(fd, data, offset):
        if refuses:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with spoolless(SpecWriter(tmp_path / "data", retry_seconds=0)) as writer:
        play(writer, runs[0])
        play(writer, runs[1][:5])
        writer.flush()
        refuses.append(True)
        play(writer, runs[1][5:])
        assert len(writer.status().failures) == 1
        refuses.clear()
        play(writer, runs[2])
        assert len(writer.status().failures) == 1
    path = only(tmp_path / "data")
    assert numbers(path) == ["1", "2", "3"]
    found = {run.uid: run for run in map(spec.read_run, spec.scans(path))}
    for run in (runs[0], runs[2]):
        Contract().check_runs([found[run[0][1]["uid"]]], run)
    spec.check_silx(path)


def test_a_scan_that_waits_survives_a_disk_that_was_full_when_its_turn_came(tmp_path, monkeypatch):
    first, second, third = (renamed(documents("scan", tmp_path), i, i) for i in (1, 2, 3))
    with SpecWriter(tmp_path / "data", retry_seconds=0) as writer:
        play(writer, first[:5])
        writer.flush()
        play(writer, second)
        play(writer, first[5:-1])
        writer.flush()
        size = max(p.stat().st_size for p in (tmp_path / "data").iterdir())
        original = os.pwrite

        def pwrite(fd, data, offset):
            if b"#S 2" in bytes(data) and size:
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(fd, data, offset)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            play(writer, first[-1:])
        assert len(list((tmp_path / "data").iterdir())) == 2, "the scan is kept beside the file"
        play(writer, third)
    check(only(tmp_path / "data"), [*first, *second, *third])


@pytest.mark.parametrize("stream", ["primary", "flown"])
def test_every_file_of_a_long_flight_is_named(stream, tmp_path):
    keys = {"img": {"dtype": "array", "shape": [4, 4], "source": "", "external": "STREAM:"}}
    with SpecWriter(tmp_path / "data") as writer:
        writer("start", {"uid": "fly", "time": 1.7e9, "scan_id": 1})
        writer("descriptor", {"uid": "d", "run_start": "fly", "name": stream, "data_keys": keys})
        for i in range(250):
            resource = {"uid": f"r{i}", "run_start": "fly", "data_key": "img", "parameters": {}}
            uri = f"file://localhost/data/image_{i}.h5"
            mimetype = {"mimetype": "application/x-hdf5", "uri": uri}
            writer("stream_resource", {**resource, **mimetype, "parameters": {"dataset": "/d"}})
            numbers = {"start": i, "stop": i + 1}
            datum = {"uid": f"r{i}/0", "stream_resource": f"r{i}", "descriptor": "d"}
            writer("stream_datum", {**datum, "indices": numbers, "seq_nums": numbers})
    scan = spec.scan_of(only(tmp_path / "data"))
    places = spec.read_run(scan).places[stream, "img"]
    assert places == [f"/data/image_{i}.h5:/d" for i in range(250)]
    spec.check_silx(only(tmp_path / "data"))


@pytest.mark.ci
@pytest.mark.parametrize("is_beside", [False, True] if IS_LONG else [True])
def test_memory_does_not_grow_with_the_run(is_beside, tmp_path):
    peaks = []
    for count in (2_000, 20_000):
        with SpecWriter(tmp_path / f"{count}{is_beside}") as writer:
            writer("start", {"uid": "long", "time": 1.7e9, "scan_id": 1})
            keys = {"x": {"dtype": "number", "shape": [], "source": ""}}
            name = "flown" if is_beside else "primary"
            writer("descriptor", {"uid": "d", "run_start": "long", "name": name, "data_keys": keys})
            tracemalloc.start()
            for i in range(count):
                event = {"descriptor": "d", "seq_num": i + 1, "time": 1.7e9 + i, "uid": f"{i}"}
                writer("event", {**event, "data": {"x": i / 7}, "timestamps": {"x": 1.7e9}})
                if i % 200 == 0:
                    writer.flush()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            writer(
                "stop", {"uid": "s", "run_start": "long", "time": 1.7e9, "exit_status": "success"}
            )
        path = only(tmp_path / f"{count}{is_beside}")
        assert len(spec.rows(spec.scan_of(path))["x"]) == count
    assert peaks[1] < 1.5 * peaks[0]


_KILLED = """
import os, sys
from bluescribe import SpecWriter
from bluescribe.testing import documents
writer = SpecWriter(sys.argv[1])
played = documents("many_events", ".")
for name, doc in played[:150]:
    writer(name, doc)
writer.flush()
os.kill(os.getpid(), 9)
"""


def test_what_was_flushed_is_there_after_kill(tmp_path):
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "data")]
    warm.run(command, check=False, timeout=60)
    path = only(tmp_path / "data")
    assert spec.rows(spec.scan_of(path))["seq_num"] == list(range(1, 149))
    spec.check_silx(path)
