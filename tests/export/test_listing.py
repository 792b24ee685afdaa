"""`bluescribe list` and `show`: which runs are in which files, whoever wrote them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from bluescribe.archive import listing as listing_module
from bluescribe.archive.listing import list_runs, runs_beside
from bluescribe.commands.cli import app
from bluescribe.commands.list import list_folder
from bluescribe.errors import BluescribeError
from bluescribe.formats import format_names
from bluescribe.session.subscribe import make_writers
from bluescribe.testing import documents

FORMATS = tuple(name for name in format_names() if name != "lines")
RUNS = ("scan", "several streams")


def written(folder: Path, formats=FORMATS, shape="scan", /, *, cut=False, **md):
    """Write a run of the corpus into files; return its start document."""
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    docs = documents(shape, folder)
    docs[0] = ("start", {**docs[0][1], **md})
    with make_writers({"DATA_FILES": {"DIRECTORY": str(folder)}, **blocks}) as writers:
        for name, doc in docs[: -2 if cut else None]:
            writers(name, doc)
        if cut:
            writers.flush()
    return docs[0][1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    written(folder / "one", sample={"name": "Fe"})
    return folder


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, words)])
    return result.exit_code, result.output


def test_one_run_in_all_formats_is_one_run(folder):
    (found,) = list_runs(folder).runs
    assert found.main.sample == "Fe"
    assert found.main.plan == "scan"
    assert found.main.status == "success"
    assert found.main.points is not None
    assert found.main.points["primary"] > 1
    assert set(found.files) >= {"csv", "hdf5", "json", "jsonl", "nexus", "spec", "tiff"}
    assert any(path.name.endswith("-primary.csv") for path in found.files["csv"])


def test_each_file_tells_of_the_same_run_and_where_the_others_are(folder):
    (expected,) = list_runs(folder).runs
    for paths in expected.files.values():
        for path in paths:
            (found,) = runs_beside(path)
            assert found.main.uid == expected.main.uid
            assert found.main.points == expected.main.points
            assert found.main.status == "success"
            same = {name: set(files) for name, files in found.files.items()}
            assert same == {name: set(files) for name, files in expected.files.items()}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_alone_tells_what_it_knows(folder, name, tmp_path):
    (expected,) = list_runs(folder).runs
    if name not in expected.files:
        pytest.skip("the format does not want this run")
    for path in expected.files[name]:
        shutil.copy(path, tmp_path)
    (found,) = list_runs(tmp_path).runs
    told = found.main
    assert (told.uid, told.scan_id) == (expected.main.uid, expected.main.scan_id)
    assert (told.points, told.status) == (expected.main.points, "success")
    assert told.sample == "Fe"


def test_a_run_that_was_cut_short_has_no_end(tmp_path):
    written(tmp_path, ("jsonl", "csv", "spec", "nexus"), cut=True)
    (found,) = list_runs(tmp_path).runs
    assert found.main.status == "no end"


def test_files_of_others_are_passed_over(tmp_path):
    for name, text in {
        "a.jsonl": "{}\n", "b.jsonl": '["start", 3]\n', "c.json": "[1]", "d.json": "{",
        "e.hdf": "\x89HDF\r\n", "f.csv": "a,b\n1,2\n", "g": "", "h.datapackage.json": '{"a": 1}',
        "i.tiff.json": '{"uid": 1}', "j.json": '{"metadata": {"start": 1}}', "k.dat": "#F\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text, encoding="latin-1")
    (tmp_path / "l").symlink_to("nowhere")
    listing = list_runs(tmp_path)
    assert (listing.runs, listing.others, listing.refused) == ([], 11, [])
    with pytest.raises(BluescribeError, match="there is no run in it"):
        runs_beside(tmp_path / "f.csv")


def test_spec_files_of_spec_are_listed_too(tmp_path):
    (tmp_path / "fourc").write_text(
        "#F fourc\n#E 1000\n#D Sat Mar 01 10:00:00 2025\n\n#S 1  ascan  th 0 1 2 1\n"
        "#D Sat Mar 01 10:00:01 2025\n#N 2\n#L th  det\n0 1\n1 2\n2 3\n\n#S 2  ct 1\n"
    )
    first, second = sorted(list_runs(tmp_path).runs, key=lambda run: run.main.scan_id)
    assert (first.main.plan, first.main.points) == ("ascan  th 0 1 2 1", {"primary": 3})
    assert first.main.began is not None
    assert first.main.began.year == 2025
    assert (second.main.scan_id, second.main.status) == (2, "no end")
    assert len(runs_beside(tmp_path / "fourc")) == 2


def test_hdf5_of_a_known_run_is_not_opened(folder, monkeypatch):
    from bluescribe.hdf5.finished import recovery

    def refuse(path):
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(recovery, "opened", refuse)
    (found,) = list_runs(folder).runs
    assert "nexus" in found.files


def test_the_commands(folder):
    result = CliRunner().invoke(app, ["list", str(folder)])
    assert result.exit_code == 0
    header, line = result.stdout.splitlines()
    assert header.split("\t")[:3] == ["scan", "began", "plan"]
    cells = dict(zip(header.split("\t"), line.split("\t"), strict=True))
    assert (cells["plan"], cells["status"], cells["sample"]) == ("scan", "success", "Fe")
    assert (folder / cells["file"]).is_file()
    status, text = run("show", folder / cells["file"])
    assert status == 0
    lines = dict(line.split(maxsplit=1) for line in text.splitlines())
    assert lines["status"] == "success"
    assert Path(lines["nexus"]).is_file()


def test_the_latest(tmp_path):
    uids = [written(tmp_path, ("jsonl",), time=1e9 + n)["uid"] for n in range(3)]
    status, text = run("list", tmp_path, "--last", "1")
    assert status == 0
    assert uids[-1][:7] in text
    assert uids[0][:7] not in text
    assert "3 runs, the latest 1 are shown" in text


def test_what_cannot_be_begun_or_read(tmp_path, monkeypatch):
    assert run("list", tmp_path / "away")[0] == 2
    assert run("show", tmp_path / "away")[0] == 2
    (tmp_path / "a.txt").touch()
    assert run("show", tmp_path / "a.txt")[0] == 2

    def refuse(self, path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(listing_module._Readers, "read", refuse)
    status, text = run("list", tmp_path)
    assert status == 1
    assert "a.txt cannot be read: Permission denied" in text


def test_a_table_at_a_terminal(folder, capsys):
    console = Console(force_terminal=True, width=160, color_system=None)
    assert list_folder(folder, None, console) == 0
    assert "scan" in capsys.readouterr().out


def test_a_folder_of_thousands_of_files_is_listed_from_their_ends(tmp_path, monkeypatch):
    """The time is measured elsewhere: here, no file is read as a whole."""
    written(tmp_path / "one", ("jsonl",))
    (path,) = (tmp_path / "one").glob("*.jsonl")
    text, uid = path.read_text(), path.name[-13:-6]
    for number in range(2000):
        copy = path.with_name(path.name.replace(uid, f"{number:07d}"))
        copy.write_text(text.replace(uid, f"{number:07d}"))
    told: list[tuple[int, int]] = []
    listing = list_runs(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert len(listing.runs) == 2001
    assert told[-1] == (2001, 2001)
