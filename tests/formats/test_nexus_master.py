"""Master files, read by h5py, silx and nexusformat."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import silx.io
from event_model import compose_run
from nexusformat.nexus import NXfield, NXgroup, nxload
from silx.io import nxdata

from bluescribe import NexusWriter
from bluescribe.errors import ConfigError
from bluescribe.files import Place
from bluescribe.formats.nexus.masterentry import MasterEntry
from bluescribe.testing import documents
from tests import warm
from tests.readers.nexus import text

Documents = list[tuple[str, Any]]


def run(scan_id: Any, first: float = 0.0, **metadata: Any) -> Documents:
    """Return a run of three events."""
    made = compose_run(metadata={"plan_name": "count", **metadata})
    made.start_doc["scan_id"] = scan_id
    keys = {"det": {"dtype": "number", "shape": [], "source": "x"}}
    stream = made.compose_descriptor(name="primary", data_keys=keys)
    docs: Documents = [("start", made.start_doc), ("descriptor", stream.descriptor_doc)]
    docs += [
        ("event", stream.compose_event(data={"det": first + n}, timestamps={"det": 1.0}))
        for n in range(3)
    ]
    return [*docs, ("stop", made.compose_stop())]


def session(folder: Path, *runs: Documents, template: str = "visit.hdf", **settings: Any) -> Any:
    """Write runs as one session does; return the writer's last words."""
    with NexusWriter(folder, master_file=template, **settings) as writer:
        for docs in runs:
            for name, doc in docs:
                writer(name, doc)
    return writer.status()


def name_of(docs: Documents) -> str:
    start = docs[0][1]
    return f"S{start['scan_id']:05d}_{start['uid'][:7]}"


def runs_in(master: Path) -> dict[str, list[float]]:
    """Return the readings of all runs of a master file."""
    with h5py.File(master) as file:
        return {name: file[f"{name}/data/det"][()].tolist() for name in file}


def test_every_finished_run_stands_in_it(tmp_path: Path) -> None:
    runs = [run(n, 10.0 * n) for n in (1, 2, 2)]  # a scan number that is used again
    assert not session(tmp_path, *runs).failures
    expected = [[first, first + 1, first + 2] for first in (10.0, 20.0, 20.0)]
    assert runs_in(tmp_path / "visit.hdf") == dict(zip(map(name_of, runs), expected, strict=True))
    with h5py.File(tmp_path / "visit.hdf") as file:
        for name in file:
            assert text(file[name].attrs["NX_class"]) == "NXentry"
            link = file[name].get("data", getlink=True)
            assert isinstance(link, h5py.ExternalLink)
            assert Path(link.filename).name == link.filename, "relative"
    assert {path.name for path in tmp_path.glob(".*")} == {".visit.hdf.lock"}


def test_readers_open_the_whole_visit_and_plot_the_latest_run(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    docs = documents("scan", tmp_path)
    last = next(doc["uid"] for name, doc in docs if name == "start")
    session(folder, run(41), docs)
    shutil.move(folder, tmp_path / "there")
    master = tmp_path / "there" / "visit.hdf"
    expected = [doc["data"]["det"] for name, doc in docs if name == "event"]
    with silx.io.open(str(master)) as file:  # type: ignore[attr-defined]  # silx re-exports
        assert len(file) == 2
        plot: Any = nxdata.get_default(file)  # type: ignore[attr-defined]  # it too
        assert plot.is_valid
        assert plot.signal[()].tolist() == expected
        assert plot.axes_dataset_names == ["m1"]
    root = nxload(str(master))
    assert text(root.attrs["default"]).endswith(last[:7])
    assert [entry.nxclass for entry in root.entries.values()] == ["NXentry"] * 2
    assert np.asarray(root.plottable_data.nxsignal.nxvalue).tolist() == expected
    with h5py.File(master) as file:
        assert {"creator", "file_name", "file_time", "HDF5_Version"} <= {*file.attrs}
        assert text(file.attrs["NX_class"]) == "NXroot"


def leaves(group: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of all that is in a group."""
    for name, item in group.items():
        if isinstance(item, kind):
            yield from ((f"{name}/{path}", value) for path, value in leaves(item, kind))
        else:
            yield name, item.nxvalue if isinstance(item, NXfield) else item[()]


@pytest.mark.parametrize(
    "shape", ["scan", "baseline", "monitors", "mca", "resource_hdf5", "configuration"]
)
def test_nexusformat_reads_all_that_is_in_the_runs(tmp_path: Path, shape: str) -> None:
    status = session(tmp_path / "data", documents(shape, tmp_path))
    expected = dict(leaves(nxload(str(status.last_file))["entry"], NXgroup))
    (entry,) = nxload(str(tmp_path / "data" / "visit.hdf")).entries.values()
    found = dict(leaves(entry, NXgroup))
    assert "instrument/bluesky/documents/stop" in found
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        np.testing.assert_array_equal(found[path], value, path)


def test_h5py_reads_all_that_is_in_a_run_of_hundreds_of_fields(tmp_path: Path) -> None:
    keys = {f"m{n}": {"dtype": "number", "shape": [], "source": "x"} for n in range(300)}
    made = compose_run(metadata={"scan_id": 1})
    stream = made.compose_descriptor(name="baseline", data_keys=keys)
    event = stream.compose_event(data=dict.fromkeys(keys, 1.5), timestamps=dict.fromkeys(keys, 1.0))
    docs: Documents = [("start", made.start_doc), ("descriptor", stream.descriptor_doc)]
    status = session(tmp_path, [*docs, ("event", event), ("stop", made.compose_stop())])
    with h5py.File(tmp_path / "visit.hdf") as file, h5py.File(status.last_file) as run_file:
        (entry,) = file.values()
        expected = dict(leaves(run_file["entry"], h5py.Group))
        assert len(expected) > 900
        assert dict(leaves(entry, h5py.Group)).keys() == expected.keys()
    assert (tmp_path / "visit.hdf").stat().st_size < 40_000


def test_a_master_file_of_links_to_whole_runs_goes_on(tmp_path: Path) -> None:
    """So did earlier versions of bluescribe write it."""
    first, second, third = (run(n, 10.0 * n) for n in (1, 2, 3))
    files = [session(tmp_path, docs).last_file.name for docs in (first, second)]
    with h5py.File(tmp_path / "visit.hdf", "r+") as file:
        for docs, name in zip((first, second), files, strict=True):
            del file[name_of(docs)]
            file[name_of(docs)] = h5py.ExternalLink(name, "/entry")
    (tmp_path / "sub").mkdir()
    (tmp_path / files[1]).rename(tmp_path / "sub" / files[1])
    assert not session(tmp_path, third).failures
    assert runs_in(tmp_path / "visit.hdf") == {
        name_of(docs): [first, first + 1, first + 2]
        for docs, first in zip((first, second, third), (10.0, 20.0, 30.0), strict=True)
    }


def test_the_name_is_a_template_and_folders_are_made(tmp_path: Path) -> None:
    template = "{proposal_id}/visit.hdf"
    runs = [run(1, proposal_id="GUP 1"), run(2, proposal_id="GUP/2"), run(3)]
    session(tmp_path / "{plan_name}", *runs, template=template)
    folder = tmp_path / "count"
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*.hdf") if p.name[0] in "vm"}
    assert found == {"GUP 1/visit.hdf", "GUP_2/visit.hdf", "master.hdf"}
    for path, docs in zip(["GUP 1/visit.hdf", "GUP_2/visit.hdf", "master.hdf"], runs, strict=True):
        assert list(runs_in(folder / path)) == [name_of(docs)]


def test_a_run_that_was_never_stopped_is_not_in_it(tmp_path: Path) -> None:
    session(tmp_path, run(1)[:-1])
    assert not (tmp_path / "visit.hdf").exists()


def test_off_by_default(tmp_path: Path) -> None:
    with NexusWriter(tmp_path) as writer:
        for name, doc in run(1):
            writer(name, doc)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_template_that_leads_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="inside the directory"):
        NexusWriter(tmp_path, master_file="../visit.hdf")


def test_images_are_copied_too(tmp_path: Path) -> None:
    docs = documents("resource_hdf5", tmp_path)
    status = session(tmp_path / "data", docs, images="copy")
    assert not status.failures
    with h5py.File(tmp_path / "data" / "visit.hdf") as file:
        (entry,) = file.values()
        assert entry[entry["data"].attrs["signal"] and "data"].file.filename == str(
            status.last_file
        )


@pytest.mark.parametrize("scan_id", [-3, "42 b/c", None, "ü"])
def test_odd_scan_numbers_make_valid_names(tmp_path: Path, scan_id: Any) -> None:
    assert not session(tmp_path, run(scan_id)).failures
    (name,) = runs_in(tmp_path / "visit.hdf")
    assert name.isascii()
    assert name.isidentifier()


# --- files that were moved ------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["sub/{name}", "renamed-{name}", "sub/deeper/again-{name}"])
def test_a_run_whose_file_was_moved_is_linked_anew(tmp_path: Path, place: str) -> None:
    first, second = run(1, 10.0), run(2, 20.0)
    path = session(tmp_path, first).last_file
    moved = tmp_path / place.format(name=path.name)
    moved.parent.mkdir(parents=True, exist_ok=True)
    path.rename(moved)
    (tmp_path / "other").mkdir()  # of the same name, but another run, or nothing at all
    shutil.copy(session(tmp_path / "other", run(1)).last_file, tmp_path / "other" / path.name)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / path.name).write_text("torn")
    assert not session(tmp_path, second).failures
    assert runs_in(tmp_path / "visit.hdf") == {
        name_of(first): [10.0, 11.0, 12.0],
        name_of(second): [20.0, 21.0, 22.0],
    }


def test_a_run_whose_file_is_not_found_is_told_once_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = run(1), run(2, 20.0)
    lost = session(tmp_path, first).last_file
    lost.unlink()
    status = session(tmp_path, second, run(3))
    (failure,) = status.failures
    assert lost.name in failure.cause
    assert caplog.text.count("lead nowhere") == 1
    with h5py.File(tmp_path / "visit.hdf") as file:
        assert len(file) == 3
        assert name_of(first) in list(file), "it may come back"
        assert file[name_of(second)]["data/det"][0] == 20.0


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"notes of the visit", None])
def test_what_is_no_master_file_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    master = tmp_path / "visit.hdf"
    if content is None:
        with h5py.File(master, "w") as file:
            file["mine"] = 1
        content = master.read_bytes()
    master.write_bytes(content)
    status = session(tmp_path, run(1), run(2), on_error="abort")
    assert master.read_bytes() == content
    assert len(status.failures) == 2
    assert "MASTER_FILE" in status.failures[0].remedy
    assert status.last_file.exists()
    assert not list(tmp_path.glob(".*.part"))


def test_a_folder_that_cannot_be_made_costs_no_run(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    status = session(tmp_path, run(1), template="taken/visit.hdf")
    assert "taken" in status.failures[0].cause
    with h5py.File(status.last_file) as file:
        assert "end_time" in file["entry"]


ADDING = """
import os, sys, threading
from pathlib import Path
from bluescribe.files import Place
from bluescribe.formats.nexus.masterentry import MasterEntry
master, letter, count = Place.at(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
for n in range(count):
    run = master.with_name(f"{letter}{n}.hdf")
    os.link(sys.argv[4], run)
    entry = MasterEntry(master, f"S{n:05d}_{letter}", run, is_first=False)
    assert not entry(threading.Event())
    print(n, flush=True)
"""


def adding(master: Path, letter: str, count: int) -> subprocess.Popen[str]:
    file = session(master.parent / "one", run(1)).last_file
    command = [sys.executable, "-c", ADDING, str(master), letter, str(count), str(file)]
    return warm.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.ci
def test_two_programs_share_it(tmp_path: Path) -> None:
    master = tmp_path / "visit.hdf"
    programs = [adding(master, letter, 60) for letter in "ab"]
    for program in programs:
        program.communicate(timeout=100)
        assert program.returncode == 0
    with h5py.File(master) as file:
        assert len(file) == 120


@pytest.mark.ci
def test_after_kill_9_at_any_instant_it_is_whole(tmp_path: Path) -> None:
    master = tmp_path / "visit.hdf"
    for number, letter in enumerate("abcdef"):
        with adding(master, letter, 10_000) as program:
            assert program.stdout is not None
            program.stdout.readline()
            told = [program.stdout.readline() for _ in range(7 * number + 1)]
            program.send_signal(signal.SIGKILL)
            told += program.stdout.readlines()
        with h5py.File(master) as file:
            mine = [name for name in file if name.endswith(letter)]
            assert len(told) <= len(mine) <= len(told) + 1
            assert text(file.attrs["default"]) == max(mine)


def test_another_program_that_holds_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluescribe.formats.nexus.masterentry._LOCK_SECONDS", 0.1)
    holder = (tmp_path / ".visit.hdf.lock").open("w")
    import fcntl

    with holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        status = session(tmp_path, run(1))
        assert "does not let go" in status.failures[0].cause
    assert not session(tmp_path, run(2)).failures


def test_it_stays_in_the_folder_in_which_the_run_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session goes elsewhere, the folder is renamed, and another one takes its name."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(home)
    docs = run(1)
    with NexusWriter("data", master_file="visits/visit.hdf") as writer:
        for document in docs[:-1]:
            writer(*document)
        writer.flush()
        monkeypatch.chdir(elsewhere)
        (home / "data").rename(home / "renamed")
        (home / "data" / "visits").mkdir(parents=True)
        writer(*docs[-1])
    assert not writer.status().failures
    assert not list(elsewhere.iterdir())
    assert not list((home / "data" / "visits").iterdir())
    assert list(runs_in(home / "renamed" / "visits" / "visit.hdf")) == [name_of(docs)]


def test_a_link_that_is_planted_leads_nowhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "data"
    folder.mkdir()
    for name in (".visit.hdf.lock", ".visit.hdf.part", "visit.hdf.part"):
        (folder / name).symlink_to(victim)
    status = session(folder, run(1))
    assert ".visit.hdf.lock" in status.failures[0].cause
    assert victim.read_text() == "precious"
    (folder / ".visit.hdf.lock").unlink()
    (folder / "visit.hdf").symlink_to(victim)
    assert session(folder, run(2)).failures
    assert victim.read_text() == "precious"


def test_a_run_takes_some_kilobytes(tmp_path: Path) -> None:
    master = tmp_path / "visit.hdf"
    file = session(tmp_path / "one", run(1)).last_file
    sizes = []
    for n in range(40):
        place = Place.at(master)
        run_file = place.with_name(f"20261122-094501-S{n:05d}-{n:07x}.hdf")
        os.link(file, tmp_path / run_file.name)
        entry = MasterEntry(place, f"S{n:05d}_{n:07x}", run_file, is_first=False)
        assert not entry(threading.Event())
        sizes.append(master.stat().st_size)
    assert sizes[-1] - sizes[19] < 20 * 12_000


def test_a_file_that_cannot_be_read_is_told_and_harms_nothing(tmp_path: Path) -> None:
    session(tmp_path, run(1, 10.0))
    master = Place.at(tmp_path / "visit.hdf")
    (tmp_path / "torn.hdf").write_bytes(b"torn")
    for name in ("torn.hdf", "away.hdf"):
        entry = MasterEntry(master, "S00002_abc", master.with_name(name), is_first=False)
        (shortfall,) = entry(threading.Event())
        assert name in shortfall.cause
    assert list(runs_in(tmp_path / "visit.hdf").values()) == [[10.0, 11.0, 12.0]]
