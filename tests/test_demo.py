"""The demonstration, run as a user runs it; its files are read by what users have."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import pandas
import pytest
from spec2nexus.spec import SpecDataFile

import bluescribe
from bluescribe.demo.report import Played, opening_lines
from tests import warm
from tests.readers import nexus_rules

README = Path(__file__).resolve().parent.parent / "README.md"

MAIN = "from bluescribe.commands.cli import main; main()"

BREAK_NEXUS = f"""
from bluescribe.formats.nexus import NexusFile

def write_events(self, stream, page):
    raise RuntimeError("broken on purpose")

NexusFile.write_events = write_events
{MAIN}
"""


def run(*args, cwd, code=MAIN):
    command = [sys.executable, "-c", code, *args]
    with TemporaryDirectory() as state:  # or it finishes what sessions of other tests have left
        env = {**os.environ, "XDG_STATE_HOME": state}
        return warm.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=100
        )


def shell(line, cwd):
    return warm.run(
        line, cwd=cwd, shell=True, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Return a folder in which the demo ran, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


@pytest.mark.ci
def test_it_tells_what_it_measures(demo):
    _, text = demo
    for line in ("scan theta: 41 points", "grid x y: 221 points", "camera scan: 5 points"):
        assert line in text.splitlines()


def test_every_file_of_the_table_is_there(demo):
    folder, text = demo
    names = re.findall(r"(?m)^│? *(?:SPEC|NeXus|CSV|JSONL|images) +(\S+\.\S+)", text)
    assert len(names) == 1 + 4 + 4 + 4 + 1
    assert all(list((folder / "bluescribe-demo").glob(name)) for name in names)


def test_the_lines_that_open_files_work(demo):
    folder, text = demo
    lines = [line for line in text.splitlines() if " -c " in line]
    assert len(lines) == 4
    for line in lines:
        done = shell(line, cwd=folder)
        assert (done.returncode, done.stderr) == (0, ""), line
        assert len(done.stdout) > 100, line


def test_the_lines_work_for_a_folder_with_an_awkward_name(demo, monkeypatch):
    folder, _ = demo
    awkward = folder / "user's $data"
    shutil.copytree(folder / "bluescribe-demo", awkward)
    monkeypatch.chdir(folder)
    stem = min(awkward.glob("*-S00001-*.hdf")).with_suffix("")
    endings = {"nexus": ".hdf", "csv": ".datapackage.json", "jsonl": ".jsonl"}
    files = {name: Path(f"{stem}{ending}") for name, ending in endings.items()}
    played = Played("scan", {**files, "spec": min(awkward.glob("*.dat"))})
    for _, line in opening_lines([played]):
        done = shell(line, cwd=folder)
        assert (done.returncode, done.stderr) == (0, ""), line


def test_the_picture_is_where_it_says(demo):
    folder, text = demo
    (path,) = re.findall(r"^Picture .*: (.*\.png)$", text, re.MULTILINE)
    picture = (folder / path).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000


def test_the_readers_of_each_format_find_the_runs(demo):
    data = demo[0] / "bluescribe-demo"
    (spec,) = data.glob("*.dat")
    assert SpecDataFile(str(spec)).getScanNumbers() == ["1", "2", "3", "4"]
    (table,) = data.glob("*-S00001-*-primary.csv")
    assert len(pandas.read_csv(table)) == 41
    (journal,) = data.glob("*-S00003-*.jsonl")
    names = [json.loads(line)[0] for line in journal.read_text().splitlines()]
    assert names[0] == "start"
    assert "event_page" in names
    assert names[-1] == "stop"


def test_the_nexus_file_of_the_camera_scan_leads_to_the_images(demo):
    (path,) = (demo[0] / "bluescribe-demo").glob("*-S00004-*.hdf")
    with h5py.File(path) as file:
        images = file["/entry/instrument/bluesky/streams/primary/camera/value"]
        assert images.ndim == 3
        assert len(images) == 5
        assert images[()].any()


@pytest.mark.parametrize("scan", [1, 2, 3, 4])
def test_the_nexus_files_break_no_rule(demo, scan):
    (path,) = (demo[0] / "bluescribe-demo").glob(f"*-S{scan:05d}-*.hdf")
    assert not [*nexus_rules.broken_rules(path), *nexus_rules.findings(path)]


def test_the_lines_in_the_readme_open_the_files(demo, tmp_path, monkeypatch):
    data = demo[0] / "bluescribe-demo"
    names = {
        "session.dat": "*.dat",
        "run.hdf": "*-S00001-*.hdf",
        "run-primary.csv": "*-S00001-*-primary.csv",
        "run.jsonl": "*-S00001-*.jsonl",
    }
    for name, pattern in names.items():
        shutil.copy(min(data.glob(pattern)), tmp_path / name)
    bluescribe.export(tmp_path / "run.jsonl", tmp_path, ("json", "hdf5"), file_name="run")
    rows = [line.split(" | ") for line in README.read_text().splitlines() if line.startswith("| ")]
    lines = [row[2].strip("`") for row in rows if row[2].startswith("`")]
    assert len(lines) == 6
    monkeypatch.chdir(tmp_path)
    code = "import h5py, json, pandas, xarray\nfrom spec2nexus.spec import SpecDataFile\n"
    for line in lines:
        assert len(shell(f"{sys.executable} -c '{code}print({line})'", tmp_path).stdout) > 20, line


def test_a_writer_that_fails_is_told_of_and_earlier_files_stay(demo):
    folder, _ = demo
    files = [path for path in (folder / "bluescribe-demo").rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    done = run("demo", cwd=folder, code=BREAK_NEXUS)
    assert done.returncode == 1
    assert re.search(r"^FAILED nexus: .*broken on purpose", done.stdout, re.MULTILINE)
    assert {path: path.read_bytes() for path in files} == before
