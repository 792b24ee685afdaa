"""`recover` on what a killed session of all eight formats leaves, and on names that mislead."""

from __future__ import annotations

import json
import shutil
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe import Hdf5Writer, NexusWriter
from bluescribe.formats import load_format, load_plugin
from bluescribe.formats.hdf5.recovery import RawRecovery
from bluescribe.formats.nexus.recovery import NexusRecovery
from bluescribe.hdf5.finished.mend import mend
from tests.contracts import CONTRACTS
from tests.readers import dx
from tests.recovering import recover
from tests.system.faults.test_kill import check_that_readers_open, fingerprint
from tests.system.killed import FORMATS, ROWS, image, kill_session, run

LAYOUTS = {"hdf5": RawRecovery.layout, "nexus": NexusRecovery.layout}
HDF5 = {"dx": "run.dx.h5", "hdf5": "run.h5", "nexus": "run.hdf"}
MAIN = {**HDF5, "json": "run.json.spool", "tiff": "run.tiff.json", "csv": "run.datapackage.json"}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return the files of a session of all formats."""
    folder = tmp_path_factory.mktemp("killed") / "data"
    kill_session(folder)
    return folder


@pytest.fixture
def folder(killed, tmp_path):
    return shutil.copytree(killed, tmp_path / "data")


def outcomes(report):
    assert not report.failed, report.failed
    return {step.path.name: step.outcome for step in report.steps}


def check_images(folder, *formats, dtype=np.uint16):
    """Fail unless five images are there."""
    for name in formats:
        read = dx.read_folder if name == "dx" else CONTRACTS[name]().read_back
        (found,) = read(folder)
        images = found.events["primary"]["camera"]
        assert np.array_equal(images, [image(row) for row in range(ROWS)]), name
        if name != "json":
            assert {np.asarray(found).dtype for found in images} == {np.dtype(dtype)}, name
        assert found.seq_num["primary"] == list(range(1, ROWS + 1))
        assert found.stop is None


def test_no_reader_opens_what_a_killed_session_left(folder):
    for name in HDF5.values():
        with pytest.raises(OSError, match="already open for"):
            h5py.File(folder / name)
    assert not (folder / "run.json").exists()


def test_all_formats_are_written_anew_from_the_journal(folder):
    found = outcomes(recover(folder))
    assert set(found.values()) == {"written anew"}
    assert set(MAIN.values()) <= found.keys()
    for name in FORMATS:
        if name in CONTRACTS:
            contract = CONTRACTS[name]()
            contract.check_runs(contract.read_back(folder), run())
    check_images(folder, "dx", "hdf5", "json", "nexus", "tiff")
    check_that_readers_open(folder)
    assert not recover(folder).steps


def test_without_a_journal_all_is_there_but_the_json_document(folder):
    (folder / "run.jsonl").unlink()
    before = fingerprint(folder)
    report = recover(folder)
    found = outcomes(report)
    assert found.pop("run.json.spool") == "set aside"
    assert set(found.values()) == {"mended"}
    check_images(folder, "dx", "hdf5", "nexus", "tiff")
    check_that_readers_open(folder)
    assert set(before.values()) <= set(fingerprint(folder).values()), "an original is gone"
    (told,) = [step.what for step in report.steps if step.path.suffix == ".spool"]
    assert "there is no document" in told
    assert not recover(folder).steps


def test_a_dry_run_foresees_it(folder):
    before = fingerprint(folder)
    foreseen = outcomes(recover(folder, dry_run=True))
    assert fingerprint(folder) == before
    assert outcomes(recover(folder)) == foreseen


@pytest.mark.parametrize("name", FORMATS)
def test_a_quick_look_tells_which_runs_were_cut_short(name, folder):
    plugin = load_plugin(name)
    assert plugin.recovery is not None
    recovery = plugin.recovery(plugin, plugin.settings.validated(name, {}))
    seen = {path.name for path in folder.iterdir() if recovery.seems_cut_short(path)}
    own = MAIN.get(name) or {"jsonl": "run.jsonl"}.get(name, "20")
    assert any(found.startswith(own) for found in seen), seen
    recover(folder)
    if name != "jsonl":  # a journal is never given an end
        assert not any(recovery.seems_cut_short(path) for path in folder.iterdir())


@pytest.mark.parametrize("name", ["dx", "hdf5", "nexus", "tiff", "json"])
def test_a_file_that_is_being_written_is_left(name, tmp_path):
    writer = load_format(name)(tmp_path, file_name="run")
    for document in run():
        writer(*document)
    writer.flush()
    before = fingerprint(tmp_path)
    report = recover(tmp_path)
    assert {step.outcome for step in report.steps} == {"left"}
    assert fingerprint(tmp_path) == before
    writer.close()


@pytest.mark.parametrize("name", HDF5)
def test_an_empty_file_is_written_anew_in_the_format_of_its_name(name, folder):
    (folder / HDF5[name]).write_bytes(b"")
    assert outcomes(recover(folder))[HDF5[name]] == "written anew"
    check_images(folder, *(other for other in HDF5 if other != name))
    check_images(folder, name, dtype=np.int64)  # nothing tells the type that the camera had


def test_an_ending_that_is_set_tells_more_than_a_usual_one(tmp_path):
    kill_session(tmp_path, ("jsonl", "nexus"), nexus={"file_extension": "h5"})
    (tmp_path / "run.h5").write_bytes((tmp_path / "run.h5").read_bytes()[:48])
    iconfig = {"NEXUS_DATA_FILES": {"ENABLE": True, "FILE_EXTENSION": "h5"}}
    assert outcomes(recover(tmp_path, iconfig=iconfig)) == {"run.h5": "written anew"}
    with h5py.File(tmp_path / "run.h5") as file:
        assert file.attrs["creator"] == "bluescribe NexusWriter"


def test_a_file_tells_its_format_whatever_its_name_is(tmp_path):
    kill_session(tmp_path, ("jsonl", "nexus", "hdf5"), nexus={"file_extension": "nxs.h5"},
                 hdf5={"file_extension": "hdf"})  # fmt: skip
    found = outcomes(recover(tmp_path))
    assert found["run.hdf"] == "written anew"
    with h5py.File(tmp_path / "run.hdf") as file:
        assert file.attrs["creator"] == "bluescribe Hdf5Writer"
    assert found["run.nxs.h5"] == "written anew"
    with h5py.File(tmp_path / "run.nxs.h5") as file:
        assert file.attrs["creator"] == "bluescribe NexusWriter"


def test_what_nobody_can_tell_the_origin_of_is_left(tmp_path):
    (tmp_path / "frames.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (step,) = recover(tmp_path).steps
    assert step.outcome == "left"
    assert "somebody else's" in step.what


@pytest.mark.parametrize("writer_class", [Hdf5Writer, NexusWriter])
@pytest.mark.parametrize("live", [True, False])
def test_rows_that_are_not_in_all_columns_are_cut(writer_class, live, tmp_path):
    name = writer_class.format
    options: dict[str, Any] = {name: {"live": live}}
    kill_session(tmp_path, (name,), **options)
    (path,) = tmp_path.iterdir()
    recover(tmp_path)
    column = {
        "hdf5": "streams/primary/x",
        "nexus": "entry/instrument/bluesky/streams/primary/x/value",
    }
    with h5py.File(path, "r+", locking=False) as file:
        file[column[name]].resize(3, axis=0)
    assert outcomes(recover(tmp_path)) == {path.name: "mended"}
    (found,) = CONTRACTS[name]().read_back(tmp_path)
    assert found.seq_num["primary"] == [1, 2, 3]
    assert found.events["primary"]["x"] == [0.0, 0.5, 1.0]
    assert found.events["primary"]["text"] == ["t0", "t1", "t2"]
    assert not recover(tmp_path).steps


@pytest.mark.parametrize("name", ["hdf5", "nexus"])
@pytest.mark.parametrize("broken", ["streams", "primary", "x"])
def test_an_object_that_is_torn_is_written_anew_from_the_journal(name, broken, tmp_path):
    kill_session(tmp_path, ("jsonl", name))
    path, home = tmp_path / HDF5[name], {"nexus": "entry/instrument/bluesky/"}.get(name, "")
    place = {"streams": "streams", "primary": "streams/primary", "x": "streams/primary/x"}
    mend(path, LAYOUTS[name])
    with h5py.File(path, locking=False) as file:
        address = h5py.h5o.get_info(file[home + place[broken]].id).addr
    with path.open("r+b") as file:
        file.seek(address)
        file.write(bytes(8))
    assert outcomes(recover(tmp_path))[path.name] == "written anew"
    check_images(tmp_path, name, dtype=np.int64)  # as a journal has them: the file tells nothing


ENDINGS = (
    {"csv": "txt", "dx": "tomo", "hdf5": "raw", "json": "js.on", "jsonl": "ndjson",
     "nexus": "nx.s", "spec": "spec.dat", "tiff": "ome.tif"},
    {"csv": "", "nexus": "", "spec": ""}, {"jsonl": "", "tiff": ""},
)  # fmt: skip


@pytest.mark.parametrize("endings", ENDINGS, ids="-".join)
def test_files_keep_the_names_that_their_extensions_gave_them(endings, tmp_path):
    settings: dict[str, Any] = {name: {"file_extension": e} for name, e in endings.items()}
    kill_session(tmp_path, **settings)
    before = {path.name for path in tmp_path.iterdir()}
    assert not any(name.endswith(".") for name in before)
    forget_what_was_made_last(tmp_path)
    found = outcomes(recover(tmp_path, iconfig=switched_on(endings)))
    assert set(found.values()) == {"written anew"}
    assert len(found) == len(FORMATS) - 1, "the journal needs nothing"
    after = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    (spool,) = (name for name in before if name.endswith(".spool"))
    whole = before - {spool} | {spool.removesuffix(".spool")}
    (journal,) = (path.name for path in tmp_path.iterdir() if path.read_bytes()[:9] == b'["start",')
    assert after == whole | {f"{name}.damaged" for name in before - {journal}}
    assert not recover(tmp_path, iconfig=switched_on(endings)).steps


def forget_what_was_made_last(folder):
    """Have the package and the list name no file, as in the moment in which the first is made."""
    package = folder / "run.datapackage.json"
    package.write_text(json.dumps({**json.loads(package.read_text()), "resources": []}))
    images = folder / "run.tiff.json"
    told = json.loads(images.read_text())
    images.write_text(json.dumps({**told, "streams": []}))


def switched_on(endings):
    blocks = {name: {"ENABLE": True, "FILE_EXTENSION": e} for name, e in endings.items()}
    return {f"{name.upper()}_DATA_FILES": block for name, block in blocks.items()}


def test_images_keep_an_extension_of_several_dots_that_nobody_tells(tmp_path):
    kill_session(tmp_path, ("jsonl", "tiff"), tiff={"file_extension": "ome.tif"})
    recover(tmp_path)
    assert (tmp_path / "run-primary-camera.ome.tif").exists()
    assert (tmp_path / "run-primary-camera.ome.tif.damaged").exists()


@pytest.mark.parametrize("live", [True, False])
def test_a_file_that_is_written_anew_is_no_larger_than_one_that_was_never_damaged(live, tmp_path):
    """But for the words that say when it was."""
    settings: dict[str, Any] = {name: {"live": live} for name in HDF5}
    kill_session(tmp_path / "killed", ("jsonl", *HDF5), **settings)
    for name in HDF5:
        with load_format(name)(tmp_path / "whole", file_name="run", live=live) as writer:
            for document in run():
                writer(*document)
    iconfig = {f"{name.upper()}_DATA_FILES": {"ENABLE": True, "LIVE": live} for name in HDF5}
    found = outcomes(recover(tmp_path / "killed", iconfig=iconfig))
    assert found == dict.fromkeys(HDF5.values(), "written anew")
    for name in HDF5.values():
        size = (tmp_path / "killed" / name).stat().st_size
        assert size <= (tmp_path / "whole" / name).stat().st_size + 256, name
        assert when_recovered(tmp_path / "killed" / name)


def when_recovered(path):
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.extend(item.attrs.get("recovered", b"").decode()))
    return "".join(found)
