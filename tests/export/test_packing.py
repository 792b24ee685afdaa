"""Packs are catalogs at the other end, and zip files are all that a user needs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

import bluescribe
from bluescribe.archive.packing import PackError, pack, verify, zip_for_user
from bluescribe.archive.packing.unfinished import unfinished
from bluescribe.testing import documents
from tests import warm
from tests.contracts import CONTRACTS

SHAPES = ("count", "baseline", "resource_npy", "resource_hdf5", "stream_scan_rollover", "mca")


@pytest.fixture
def runs(tmp_path):
    played = {}
    for name in SHAPES:
        (tmp_path / "external" / name).mkdir(parents=True)
        played[name] = documents(name, tmp_path / "external" / name)
    return played


def test_a_pack_is_a_source_with_files_of_its_own(runs, tmp_path):
    box = pack(runs.values(), tmp_path / "box", roots=[tmp_path / "external"])
    assert not box.failures
    assert box.runs == len(SHAPES)
    assert box.external_files >= 5
    (tmp_path / "external").rename(tmp_path / "gone")
    (tmp_path / "box").rename(tmp_path / "moved")
    done = bluescribe.export(tmp_path / "moved", tmp_path / "out", ["nexus"])
    assert not done.failures
    (frames,) = [run for run in done if run.uid == runs["resource_hdf5"][0][1]["uid"]]
    with h5py.File(frames.files["nexus"][0]) as file:
        images = file["entry/data"][file["entry/data"].attrs["signal"]]
        assert images.shape[0] == sum(n == "event" for n, _ in runs["resource_hdf5"])


def test_damage_on_the_way_is_found(runs, tmp_path):
    pack(runs["count"], tmp_path / "box")
    assert verify(tmp_path / "box").is_intact
    (path,) = (tmp_path / "box" / "documents").iterdir()
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    (tmp_path / "box" / "documents_manifest.txt").unlink()
    (tmp_path / "box" / "notes.txt").write_text("mine")
    verdict = verify(tmp_path / "box")
    assert verdict.changed == (f"documents/{path.name}",)
    assert verdict.missing == ("documents_manifest.txt",)
    assert verdict.added == ("notes.txt",)
    done = command("unpack", "--verify", "box", cwd=tmp_path)
    assert done.returncode == 1
    assert f"changed: documents/{path.name}" in done.stdout


def test_verify_checks_a_zip_file_and_unpacks_nothing(runs, tmp_path):
    path = tmp_path / "sent.zip"
    zip_for_user(runs["count"], path, ["csv"])
    done = command("unpack", "--verify", "sent.zip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"(\d+) of \1 files are as packed", done.stdout)
    assert not (tmp_path / "sent").exists()
    with zipfile.ZipFile(path) as file:
        (member,) = [m for m in file.infolist() if m.filename.endswith("primary.csv")]
    content = bytearray(path.read_bytes())
    content[member.header_offset + 30 + len(member.filename) + 5] ^= 0xFF  # in what is compressed
    path.write_bytes(content)
    done = command("unpack", "--verify", "sent.zip", cwd=tmp_path)
    assert done.returncode == 1
    assert f"changed: data/{Path(member.filename).name}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verify", "nothing"], "no such file or folder"),
        (["empty"], "has no SHA256SUMS"),
        (["text.zip"], "is no pack, or only part of one"),
        (["--verify", "text.zip", "--out", "there"], "--verify unpacks nothing"),
        (["empty", "--out", "there"], "is no zip file"),
    ],
)
def test_what_is_no_pack_is_told_in_one_line(tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("text")
    done = command("unpack", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_pack_can_leave_external_files_where_they_are(runs, tmp_path):
    box = pack(runs["resource_hdf5"], tmp_path / "box", external=False)
    assert box.external_files == 0
    done = bluescribe.export(tmp_path / "box", tmp_path / "out", ["nexus"])
    with h5py.File(done.files[0]) as file:
        images = file["entry/data"][file["entry/data"].attrs["signal"]]
        assert images.shape[0] == sum(n == "event" for n, _ in runs["resource_hdf5"])


def test_sha256sum_checks_a_pack(runs, tmp_path):
    pack(runs.values(), tmp_path / "box")
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "box", check=True)


def test_a_folder_with_something_in_it_is_left_alone(runs, tmp_path):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "mine").write_text("x")
    with pytest.raises(PackError, match="not empty"):
        pack(runs["count"], tmp_path / "box")


def test_an_external_file_that_is_not_there_is_told(runs, tmp_path):
    for path in (tmp_path / "external" / "resource_hdf5").rglob("*.h5"):
        path.unlink()
    box = pack(runs["resource_hdf5"], tmp_path / "box", roots=[tmp_path / "external"])
    assert box.runs == 1
    assert "not there" in box.failures[0]


def test_a_zip_file_holds_all_that_a_user_needs(runs, tmp_path):
    roots = [tmp_path / "external"]
    done = zip_for_user(runs.values(), tmp_path / "beamtime.zip", ["nexus", "csv"], roots=roots)
    assert not done.failures
    (tmp_path / "external").rename(tmp_path / "gone")
    result = command("unpack", "beamtime.zip", "--out", "there", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "there" / "beamtime"
    text = (folder / "README.txt").read_text()
    for run in runs.values():
        assert run[0][1]["uid"] in text
    assert "stream baseline:" in text
    assert "plan_name: count" in text
    contract = CONTRACTS["csv"]()
    wanted = [pair for run in runs.values() for pair in run]
    contract.check_runs(contract.read_back(folder / "data"), wanted)
    for path in (folder / "data").glob("*.hdf"):
        assert f"data/{path.name}" in text
    assert [path.name for path in tmp_path.glob(".*")] == []
    with zipfile.ZipFile(tmp_path / "beamtime.zip") as file:
        assert file.testzip() is None


def command(*arguments, cwd, before=""):
    code = f"{before}from bluescribe.commands.cli import main; main()"
    return warm.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


DIES = """
import os, signal, sys
seen = []
def look(event, args):
    if event == "open" and args[2] & os.O_RDWR and str(args[0]).endswith({ending!r}):
        seen.append(args[0])
        if len(seen) == {number}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
"""


@pytest.mark.parametrize(
    ("options", "ending", "number"),
    [
        ("--zip --to json,nexus --out sent.zip", ".part", 2),
        ("--zip --to csv --out sent.zip", "SHA256SUMS", 1),
        ("--out sent", ".jsonl", 4),
        ("--out sent", "SHA256SUMS", 1),
    ],
)
def test_what_a_killed_pack_leaves_goes_with_the_next_one(runs, tmp_path, options, ending, number):
    bluescribe.export(runs.values(), tmp_path / "journals", ["jsonl"])
    (tmp_path / "there").mkdir()
    told = ("pack", "../journals", "--all", "--root", "../external", *options.split())
    before = DIES.format(ending=ending, number=number)
    killed = command(*told, cwd=tmp_path / "there", before=before)
    assert killed.returncode == -signal.SIGKILL
    left = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert left
    assert any(path.suffix == ending for path in left) or ending == "SHA256SUMS"
    done = command(*told, cwd=tmp_path / "there")
    assert done.returncode == 0, done.stderr
    assert f": {len(SHAPES)} runs" in done.stdout
    (made,) = (tmp_path / "there").iterdir()
    assert made.name == options.split()[-1]
    assert verify(made).is_intact
    assert not verify(made).added
    assert [*made.rglob(".*"), *made.rglob("*.part")] == []
    again = bluescribe.export(made, tmp_path / "out", ["csv"]) if made.is_dir() else None
    assert again is None or {run.uid for run in again} == {r[0][1]["uid"] for r in runs.values()}


def test_a_folder_that_another_pack_fills_is_left_alone(runs, tmp_path):
    (tmp_path / "box").mkdir()
    with unfinished(tmp_path / "box") as folder:
        (folder / "documents").mkdir()
        with pytest.raises(PackError, match="filled by another pack"):
            pack(runs["count"], tmp_path / "box")
        assert [*(tmp_path / "box").iterdir()] == [folder]
    assert pack(runs["count"], tmp_path / "box").runs == 1


def test_what_a_killed_unpack_leaves_goes_with_the_next_one(runs, tmp_path):
    zip_for_user(runs["count"], tmp_path / "sent.zip", ["csv"])
    arguments = ("unpack", "sent.zip", "--out", "there")
    killed = command(*arguments, cwd=tmp_path, before=DIES.format(ending=".csv", number=1))
    assert killed.returncode == -signal.SIGKILL
    assert command(*arguments, cwd=tmp_path).returncode == 0
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["sent"]


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore")
def test_databroker_unpack_makes_a_pack_a_catalog(runs, tmp_path, monkeypatch):
    pytest.importorskip("databroker_pack")
    chosen = {name: runs[name] for name in ("count", "baseline", "resource_npy", "mca")}
    pack(chosen.values(), tmp_path / "box", roots=[tmp_path / "external"])
    (tmp_path / "external").rename(tmp_path / "gone")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    name = f"box_{uuid.uuid4().hex[:6]}"
    unpack = Path(sys.executable).with_name("databroker-unpack")
    subprocess.run([unpack, "inplace", tmp_path / "box", name], check=True)
    code = """
import sys, json, databroker
catalog = databroker.catalog[sys.argv[1]]
for run in catalog.values():
    list(run().documents(fill="yes"))  # external files are found
rows = {uid: sum(len(doc["seq_num"]) for name, doc in run.documents(fill="no")
                 if name == "event_page") for uid, run in catalog.items()}
print(json.dumps(rows))
"""
    read = warm.run(
        [sys.executable, "-W", "ignore", "-c", code, name],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(read.stdout.splitlines()[-1]) == {
        run[0][1]["uid"]: sum(n == "event" for n, _ in run) for run in chosen.values()
    }
    arguments = ("--all", "--to", "csv", "--out", "back")
    done = command("export", f"databroker:{name}", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    contract = CONTRACTS["csv"]()
    wanted = [pair for n, run in chosen.items() if n != "resource_npy" for pair in run]
    uids = {doc["uid"] for n, doc in wanted if n == "start"}
    found = [r for r in contract.read_back(tmp_path / "back") if r.uid in uids]
    # a catalog does not keep the order of the descriptors of different streams
    contract.check_runs([replace(r, descriptors=None) for r in found], wanted)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["jsonl", "msgpack"])
def test_packs_of_databroker_pack_are_exported(runs, tmp_path, kind):
    databroker_pack = pytest.importorskip("databroker_pack")
    v2 = pytest.importorskip("databroker.v2")
    serializers = pytest.importorskip(f"suitcase.{kind}")
    from suitcase.utils import MultiFileManager

    chosen = {name: runs[name] for name in ("count", "baseline", "mca")}
    catalog = v2.temp()
    for run in chosen.values():
        for name, doc in run:
            catalog.v1.insert(name, doc)
    catalog.force_reload()
    box = tmp_path / "box"
    databroker_pack.export_catalog(catalog, box, serializer_class=serializers.Serializer)
    manager = MultiFileManager(box)
    write = getattr(databroker_pack, f"write_{kind}_catalog_file")
    write(manager, str(box), [f"documents/*.{kind}"], {})
    done = bluescribe.export(box, tmp_path / "out", ["csv"])
    assert not done.failures
    contract = CONTRACTS["csv"]()
    found = [replace(r, descriptors=None) for r in contract.read_back(tmp_path / "out")]
    contract.check_runs(found, [pair for run in chosen.values() for pair in run])


def test_nothing_is_written_outside_of_a_pack(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "secret.npy").write_bytes(b"x")
    start = {"uid": "a" * 8, "time": 1.0}
    resource = {
        "uid": "r",
        "run_start": start["uid"],
        "spec": "NPY",
        "root": str(tmp_path / "images"),
        "resource_path": "../secret.npy",
        "resource_kwargs": {},
    }
    pack([("start", start), ("resource", resource)], tmp_path / "box", roots=[tmp_path])
    (copy,) = tmp_path.rglob("box/external_files/*/*")
    assert copy.name == "secret.npy"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box", "images", "secret.npy"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["box/SHA256SUMS", "box/../../out.txt"], "'box/../../out.txt' leads out of it"),
        (["../SHA256SUMS"], "'../SHA256SUMS' leads out of it"),
        (["/box/SHA256SUMS"], "'/box/SHA256SUMS' leads out of it"),
        (["notes.txt"], "it has no SHA256SUMS"),
        ([], "it holds 0 things, not one"),
    ],
)
def test_a_zip_file_of_others_is_not_unpacked(tmp_path, members, message):
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as file:
        for member in members:
            file.writestr(member, "")
    for option in (["--verify"], ["--out", "there/in"]):
        done = command("unpack", "sent.zip", *option, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr == f"bluescribe: sent.zip is no pack of bluescribe: {message}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["sent.zip"]


def test_what_cannot_be_unpacked_leaves_nothing_behind(runs, tmp_path):
    zip_for_user(runs["count"], tmp_path / "sent.zip", ["csv", "nexus"])
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    done = command("unpack", "sent.zip", "--out", "there", cwd=tmp_path, before=limit)
    assert done.returncode == 2
    assert done.stderr == "bluescribe: sent.zip cannot be unpacked into there: File too large\n"
    assert not list((tmp_path / "there").iterdir())
    done = command("unpack", "sent.zip", "--out", "there", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
