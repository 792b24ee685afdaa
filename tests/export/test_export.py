"""An export goes on after a kill, and tells what it could not do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

import bluescribe
from bluescribe.archive.exporting import BusyError, Manifest
from bluescribe.errors import ConfigError
from bluescribe.sources import Selection, open_source
from tests import warm
from tests.contracts import CONTRACTS

FORMATS = ["csv", "nexus", "spec"]
COMMAND = "from bluescribe.commands.cli import main; main()"


def make_run(number, points=3):
    uid = f"{number:07d}-run"
    yield "start", {"uid": uid, "time": 1.7e9 + number, "scan_id": number, "plan_name": "scan"}
    keys = {"x": {"dtype": "number", "shape": [], "source": "sim"}}
    yield (
        "descriptor",
        {"uid": f"{uid}-d", "run_start": uid, "time": 1.7e9, "name": "primary", "data_keys": keys},
    )
    for row in range(1, points + 1):
        yield (
            "event",
            {
                "uid": f"{uid}-{row}",
                "descriptor": f"{uid}-d",
                "seq_num": row,
                "time": 1.7e9 + number + row,
                "data": {"x": float(row)},
                "timestamps": {"x": 1.7e9},
            },
        )
    stop = {"uid": f"{uid}-s", "run_start": uid, "time": 1.7e9, "exit_status": "success"}
    yield "stop", {**stop, "num_events": {"primary": points}}


def make_journals(folder, count, points=3):
    folder.mkdir()
    for number in range(1, count + 1):
        lines = [json.dumps(list(pair)) for pair in make_run(number, points)]
        (folder / f"{number:05d}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def scans_in(folder):
    """Return how often each scan is in the SPEC files of a folder."""
    text = "".join(path.read_text() for path in folder.glob("*.dat"))
    return Counter(re.findall(r"^#C uid = (.*)$", text, re.MULTILINE))


def check_complete(folder, count, points=3, formats=FORMATS):
    """Fail unless each run is there once in every format, with all its rows."""
    uids = {f"{number:07d}-run" for number in range(1, count + 1)}
    for name in formats:
        contract = CONTRACTS[name]()
        found = contract.read_back(folder)
        assert sorted(run.uid for run in found) == sorted(uids)
        assert all(len(run.seq_num["primary"]) == points for run in found)
    assert scans_in(folder) == (dict.fromkeys(uids, 1) if "spec" in formats else {})
    assert not [path for path in folder.iterdir() if re.search(r"-\d{1,2}\.\w+$", path.name)]


def command(*arguments, cwd):
    return warm.Popen(
        [sys.executable, "-c", COMMAND, "export", *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.ci
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_export_goes_on_without_loss_or_double_work(tmp_path, jobs):
    count, points = 25, 200
    make_journals(tmp_path / "src", count, points)
    out = tmp_path / "out"
    wanted = ("src", "--all", "--to", ",".join(FORMATS), "--out", "out", "--jobs", jobs)
    kills = 0
    for pause in (0.05, 0.3):
        process = command(*wanted, "--resume", cwd=tmp_path)
        before = lines(out)
        deadline = time.monotonic() + 60
        while process.poll() is None and lines(out) < before + 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(pause)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    assert kills
    done = Counter(tuple(line[1:3]) for line in read_manifest(out) if line[0] == "done")
    process = command(*wanted, "--resume", cwd=tmp_path)
    told, error = process.communicate(timeout=200)
    assert process.returncode == 0, error + told
    check_complete(out, count, points)
    again = Counter(tuple(line[1:3]) for line in read_manifest(out) if line[0] == "done")
    assert set(again.values()) == {1}, "what was complete was written again"
    assert set(done) <= set(again)


KILLED = """
import os, signal, sys
import bluescribe
from bluescribe.files import Place

replace, left = Place.replace, [int(sys.argv[1])]

def kill_in_time(place, *given):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(place, *given)

Place.replace = kill_in_time
bluescribe.export("src", "out", sys.argv[2].split(","))
"""


@pytest.mark.parametrize("moment", [1, 2, 5])
def test_what_a_killed_export_was_about_to_replace_is_removed(tmp_path, moment):
    make_journals(tmp_path / "src", 3)
    out = tmp_path / "out"
    killed = [sys.executable, "-c", KILLED, str(moment), ",".join(FORMATS)]
    assert warm.run(killed, cwd=tmp_path, check=False).returncode == -signal.SIGKILL
    assert list(out.glob(".*.part")), "it came too early"
    bluescribe.export(tmp_path / "src", out, FORMATS, resume=True)
    check_complete(out, 3)
    assert [path.name for path in out.glob(".*")] == [Manifest.name]


def lines(out):
    return len(read_manifest(out))


def read_manifest(out):
    path = out / Manifest.name
    text = path.read_text() if path.exists() else ""
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_what_is_complete_is_left_alone(tmp_path):
    make_journals(tmp_path / "src", 3)
    out = tmp_path / "out"
    bluescribe.export(tmp_path / "src", out, FORMATS, select=Selection(scan_ids=(1, 2)))
    times = {path: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix == ".hdf"}
    done = bluescribe.export(tmp_path / "src", out, FORMATS, resume=True)
    assert [run.skipped for run in done] == [tuple(FORMATS), tuple(FORMATS), ()]
    assert all(path.stat().st_mtime_ns == before for path, before in times.items())
    check_complete(out, 3)
    assert done.files


def test_a_file_that_was_deleted_is_written_again(tmp_path):
    make_journals(tmp_path / "src", 2)
    done = bluescribe.export(tmp_path / "src", tmp_path / "out", ["csv"])
    done[0].files["csv"][-1].unlink()
    again = bluescribe.export(tmp_path / "src", tmp_path / "out", ["csv"], resume=True)
    assert [run.skipped for run in again] == [(), ("csv",)]


def test_one_bad_run_does_not_end_the_rest(tmp_path):
    make_journals(tmp_path / "src", 3)
    bad = tmp_path / "src" / "00002.jsonl"
    bad.write_text(bad.read_text().replace('["event"', "<html>", 1))
    process = command("src", "--all", "--to", "csv,spec", "--out", "out", cwd=tmp_path)
    told, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    assert told.count("FAILED: scan 2") == 2
    assert "00002.jsonl, line 3: not a document" in told
    bad.write_text(bad.read_text().replace("<html>", '["event"', 1))
    process = command("src", "--all", "--to", "csv,spec", "--out", "out", "--resume", cwd=tmp_path)
    told, _ = process.communicate(timeout=100)
    assert process.returncode == 0, told
    (found,) = [run for run in CONTRACTS["csv"]().read_back(tmp_path / "out") if "2" in run.uid]
    assert len(found.seq_num["primary"]) == 3


def test_a_dry_run_writes_nothing(tmp_path):
    make_journals(tmp_path / "src", 2)
    process = command("src", "--last", "1", "--out", "out", "--dry-run", cwd=tmp_path)
    told, error = process.communicate(timeout=100)
    assert process.returncode == 0, error
    assert "0000002" in told
    assert "0000001" not in told
    assert "1 runs in 1 formats: 1 to write to out, 0 complete already" in told
    assert not (tmp_path / "out").exists()


def test_nothing_that_was_asked_for_is_told(tmp_path):
    make_journals(tmp_path / "src", 2)
    for arguments in (["src", "--since", "2033-01-01"], ["src", "--search", "plan_name=no"]):
        process = command(*arguments, "--out", "out", cwd=tmp_path)
        told, _ = process.communicate(timeout=100)
        assert process.returncode == 0
        assert told == "src holds no run that was asked for; nothing was written\n"
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["src"], "say which runs"),
        (["src", "--all", "--last", "1"], "--all leaves nothing to choose"),
        (["src", "--all", "--to", "nexsu"], "did you mean 'nexus'?"),
        (["src", "--scan-id", "77"], "there is no run with scan_id 77"),
        (["nothing/here", "--all"], "no such file or folder"),
        (["src", "--all", "--to", "jsonl", "--out", "src/again"], "would have each run twice"),
        (["src", "--since", "soon"], "is no time"),
        (["src", "--since", "2026-11-22", "--until", "2026-11-21"], "exchange --since and --until"),
    ],
)
def test_what_cannot_begin_is_told_in_one_line(tmp_path, arguments, message):
    make_journals(tmp_path / "src", 1)
    process = command(*arguments, cwd=tmp_path)
    _, error = process.communicate(timeout=100)
    assert process.returncode == 2
    assert error.startswith("bluescribe: ")
    assert message in error
    assert error.count("\n") == 1


def test_options_go_to_the_formats_that_have_them(tmp_path):
    run = list(make_run(5))
    done = bluescribe.export(
        run, tmp_path, ["csv", "nexus"], file_name="S{scan_id}", nexus={"file_extension": "h5"}
    )
    names = {path.name for path in done.files}
    assert names == {"S5.datapackage.json", "S5-primary.csv", "S5.h5"}
    with pytest.raises(ConfigError, match="colour: no such option of csv"):
        bluescribe.export(run, tmp_path, ["csv"], colour="red")


def test_settings_come_from_iconfig(tmp_path):
    iconfig = {"NEXUS_DATA_FILES": {"ENABLE": True, "FILE_EXTENSION": "nxs"}}
    done = bluescribe.export(list(make_run(5)), tmp_path, ["nexus"], iconfig=iconfig)
    assert done.files[0].suffix == ".nxs"


def test_a_run_that_was_never_stopped_is_finished_before_the_next(tmp_path):
    broken = list(make_run(1))[:-1]
    done = bluescribe.export([broken, list(make_run(2))], tmp_path, FORMATS)
    assert not done.failures
    assert scans_in(tmp_path) == {"0000001-run": 1, "0000002-run": 1}


def test_two_exports_into_one_folder_are_refused(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.lock()
    with pytest.raises(BusyError, match="another export"):
        bluescribe.export(list(make_run(1)), tmp_path, ["csv"])
    manifest.close()
    bluescribe.export(list(make_run(1)), tmp_path, ["csv"])


def test_several_processes_make_the_same_files(tmp_path):
    make_journals(tmp_path / "src", 6)
    seen = []
    done = bluescribe.export(
        tmp_path / "src",
        tmp_path / "out",
        FORMATS,
        jobs=2,
        progress=lambda events, run: seen.append((events, run and run.uid)),
    )
    assert not done.failures
    check_complete(tmp_path / "out", 6)
    uids = [run.uid for run in open_source(tmp_path / "src").find()]
    assert sorted(str(uid) for _, uid in seen) == uids
    assert done.events == 18


def test_a_folder_that_cannot_be_written_fails_each_run(tmp_path):
    done = bluescribe.export(
        list(make_run(1)), tmp_path, ["csv"], file_name="taken/here", retry_seconds=0
    )
    assert not done.failures
    (tmp_path / "file").write_text("")
    done = bluescribe.export(
        list(make_run(1)), tmp_path, ["csv"], file_name="file/here", retry_seconds=0
    )
    assert "Remedy: a file stands where a folder is needed" in done.failures[0]
    assert "FAILED" in str(done)
