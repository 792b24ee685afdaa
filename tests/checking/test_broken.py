"""Set-ups that would not write a run as it is meant: a check finds each, and leaves nothing."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bluescribe.checking import check_iconfig, deliveries, disk
from bluescribe.files.mounts import file_system
from bluescribe.spool import home as homes
from bluescribe.spool.folder import SpoolFolder
from tests.core.test_before_beam import everything
from tests.system.faults.disks import small_disk
from tests.tiled_server import free_port

NFS = "1 0 0:1 / / rw - ext4 /dev/sda rw\n2 1 0:2 / {} rw - nfs4 server:/data rw\n"


@dataclass
class SetUp:
    """An instrument's configuration, and the folder in which all of it is."""

    folder: Path
    patch: pytest.MonkeyPatch
    content: dict[str, Any] = field(default_factory=dict)
    rate: int = 0

    def __post_init__(self) -> None:
        self.content = {
            "DATA_FILES": {"DIRECTORY": str(self.folder / "data"), "LOW_SPACE": 0},
            "JSONL_DATA_FILES": {"ENABLE": True},
            "SPEC_DATA_FILES": {"ENABLE": True},
        }

    def say(self, **keys: Any) -> None:
        self.content["DATA_FILES"] |= keys

    def switch_on(self, block: str, **keys: Any) -> None:
        self.content[block] = {"ENABLE": True, **keys}

    def have_nfs_at(self, folder: Path) -> None:
        told = self.folder / "mountinfo"
        told.write_text(NFS.format(folder))
        for module in ("bluescribe.checking.folders", "bluescribe.checking.spool"):
            self.patch.setattr(
                f"{module}.file_system", lambda path: file_system(path, mountinfo=told)
            )
        self.patch.setattr(
            "bluescribe.checking.spool.is_local", lambda path: homes.is_local(path, told)
        )


BROKEN: dict[str, tuple[Callable[[SetUp], Any], str, str]] = {}
"""By name: what makes it, how bad that is, and what is told."""


def broken(level: str, told: str) -> Callable[[Callable[[SetUp], Any]], Callable[[SetUp], Any]]:
    def note(make: Callable[[SetUp], Any]) -> Callable[[SetUp], Any]:
        BROKEN[make.__name__] = (make, level, told)
        return make

    return note


# --- the configuration ---


@broken("FAILED", "SPEC_DATA_FILES.COMAND: unknown key; did you mean COMMAND")
def a_misspelt_key(setup: SetUp) -> None:
    setup.switch_on("SPEC_DATA_FILES", COMAND="spec")


@broken("FAILED", "DATA_FILES.ON_ERROR: found 'explode'")
def a_value_that_is_not_allowed(setup: SetUp) -> None:
    setup.say(ON_ERROR="explode")


@broken("FAILED", "DATA_FILES.DRAIN_TIMEOUT: found 'soon'")
def a_value_of_the_wrong_type(setup: SetUp) -> None:
    setup.say(DRAIN_TIMEOUT="soon")


@broken("FAILED", "CSV_DATA_FILES.ENABLE: found 'yes please'")
def a_second_mistake_behind_the_first(setup: SetUp) -> None:
    setup.say(RETRY_SECONDS=-1)
    setup.content["CSV_DATA_FILES"] = {"ENABLE": "yes please"}


@broken("FAILED", "nothing is switched on")
def nothing_that_is_switched_on(setup: SetUp) -> None:
    for block in ("JSONL_DATA_FILES", "SPEC_DATA_FILES"):
        setup.content[block]["ENABLE"] = False


@broken("FAILED", "is it SPEC_DATA_FILES")
def a_block_that_is_called_nearly_as_ours(setup: SetUp) -> None:
    setup.content["SPEC_DATA_FILE"] = setup.content.pop("SPEC_DATA_FILES")


@broken("FAILED", "no such group on this machine")
def a_group_that_is_not_there(setup: SetUp) -> None:
    setup.say(GROUP="no such group")


@broken("FAILED", "a secret does not belong in this file")
def a_key_of_a_server_in_the_file(setup: SetUp) -> None:
    setup.switch_on("TILED", URI="http://localhost:9", API_KEY="not to be told")


# --- names ---


@broken("FAILED", r"\{scanid\} is not known")
def a_name_with_a_misspelt_key(setup: SetUp) -> None:
    setup.say(FILE_NAME="{scanid}-{uid}")


@broken("FAILED", "is no format of Python's")
def a_name_with_a_format_that_is_none(setup: SetUp) -> None:
    setup.say(FILE_NAME="{scan_id:05q}")


@broken("warning", r"\{proposal_id\} is not known: a run without it goes to .*/data")
def a_name_with_a_key_that_each_run_has_to_have(setup: SetUp) -> None:
    setup.say(DIRECTORY=f"{setup.folder}/data/{{proposal_id}}")


@broken("FAILED", r"\{visit:path\}: ROOTS is empty")
def a_path_that_may_lead_nowhere(setup: SetUp) -> None:
    setup.say(DIRECTORY="{visit:path}")


@broken("FAILED", "ROOTS .*nowhere: No such file or directory: a path in the metadata would lead")
def a_root_that_is_not_mounted(setup: SetUp) -> None:
    setup.say(ROOTS=[str(setup.folder / "nowhere")])


# --- folders and disks ---


@broken("FAILED", "taken is no folder")
def a_file_in_the_place_of_the_folder(setup: SetUp) -> None:
    (setup.folder / "taken").touch()
    setup.say(DIRECTORY=str(setup.folder / "taken" / "data"))


@broken("FAILED", "file for spec: .*/folder.dat is no file that can be written")
def a_session_file_that_is_none(setup: SetUp) -> None:
    (setup.folder / "folder.dat").mkdir()
    setup.switch_on("SPEC_DATA_FILES", APPEND_TO=str(setup.folder / "folder.dat"))


@broken("FAILED", "Read-only file system")
def a_folder_that_is_read_only(setup: SetUp) -> Any:
    disk = small_disk(setup.folder / "readonly")
    if not disk.__enter__().remount("ro"):
        disk.__exit__(None, None, None)
        pytest.skip("nothing can be mounted read-only here")
    setup.say(DIRECTORY=str(setup.folder / "readonly"))
    return disk


@broken("FAILED", "No such file or directory")
def a_folder_whose_parent_cannot_be_made(setup: SetUp) -> None:
    setup.say(DIRECTORY="/proc/bluescribe/data")


@broken("FAILED", "free.* less than LOW_SPACE")
def a_disk_that_is_full(setup: SetUp) -> Any:
    disk = small_disk(setup.folder / "full")
    disk.__enter__().fill(leave=8192)
    setup.say(DIRECTORY=str(setup.folder / "full"), LOW_SPACE="1 GB")
    return disk


@broken("FAILED", "it is not written: .*No space left")
def a_disk_that_has_no_room_for_a_run(setup: SetUp) -> Any:
    disk = small_disk(setup.folder / "full")
    disk.__enter__().fill()
    setup.say(DIRECTORY=str(setup.folder / "full"))
    return disk


@broken("FAILED", r"free, enough for .* less than LOW_SPACE \(1000.0 TB\)")
def a_disk_that_has_less_space_than_is_wanted(setup: SetUp) -> None:
    setup.rate = 1
    setup.say(LOW_SPACE="1000 TB")


@broken("FAILED", "speed of .*B/s are less than 1000.0 TB/s")
def a_disk_that_is_slower_than_the_detector(setup: SetUp) -> None:
    setup.rate = 10**15


@broken("FAILED", "does not answer for 0 s: is its file server away")
def a_folder_whose_server_is_away(setup: SetUp) -> None:
    setup.patch.setattr("bluescribe.contract.folders._SECONDS", 0.05)
    setup.patch.setattr("bluescribe.contract.folders._try", lambda *_: time.sleep(5))


@broken("warning", "LIVE: true on nfs4")
def a_live_file_on_nfs(setup: SetUp) -> None:
    setup.switch_on("HDF5_DATA_FILES")
    setup.have_nfs_at(setup.folder)


@broken("warning", "every user can read what is there")
def a_folder_of_a_group_that_is_open_to_all(setup: SetUp) -> None:
    for above in (setup.folder, *setup.folder.parents):
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
    (setup.folder / "data").mkdir()
    (setup.folder / "data").chmod(0o2775)
    setup.say(FOLDER_MODE="2775", FILE_MODE="664")


# --- packages, detectors, servers ---


@broken("FAILED", "need apstools, which is not installed")
def motors_without_apstools(setup: SetUp) -> None:
    setup.patch.setitem(sys.modules, "apstools", None)
    setup.switch_on("SPEC_DATA_FILES", MOTOR_POSITIONS=True)


@broken("FAILED", "TIFF files need tifffile, which is not installed")
def images_without_their_readers(setup: SetUp) -> None:
    setup.patch.setitem(sys.modules, "tifffile", None)
    setup.switch_on("NEXUS_DATA_FILES", IMAGES="copy")


@broken("FAILED", "/mnt/ioc: .*nowhere: No such file")
def images_of_an_ioc_that_are_nowhere(setup: SetUp) -> None:
    setup.say(PATH_MAP={"/mnt/ioc": str(setup.folder / "nowhere")})


@broken("FAILED", "delivery tiled: .* cannot be reached")
def a_tiled_server_that_is_dead(setup: SetUp) -> None:
    setup.switch_on("TILED", URI=f"http://127.0.0.1:{free_port()}")


@broken("FAILED", "delivery tiled: no answer within")
def a_tiled_server_that_hangs(setup: SetUp) -> Any:
    setup.patch.setattr(deliveries, "_SECONDS", 0.3)
    listening = socket.create_server(("127.0.0.1", 0))
    setup.switch_on("TILED", URI=f"http://127.0.0.1:{listening.getsockname()[1]}")
    return listening


@broken("FAILED", "tiled needs httpx|TILED needs httpx")
def a_delivery_without_its_package(setup: SetUp) -> None:
    setup.patch.setitem(sys.modules, "httpx", None)
    setup.switch_on("TILED", URI="http://127.0.0.1:9")


# --- the spool ---


@broken("FAILED", "spool: .* it belongs to user 12345")
def a_spool_of_somebody_else(setup: SetUp) -> None:
    if os.geteuid():
        pytest.skip("only root gives folders away")
    (setup.folder / "spool").mkdir(0o700)
    os.chown(setup.folder / "spool", 12345, -1)
    setup.say(SPOOL=str(setup.folder / "spool"))


@broken("FAILED", "spool: .* it is no folder|spool: .* it is a link")
def a_spool_that_is_a_link(setup: SetUp) -> None:
    (setup.folder / "spool").symlink_to(setup.folder)
    setup.say(SPOOL=str(setup.folder / "spool"))


@broken("FAILED", "spool: .* is on nfs4: the scan would wait for a network")
def a_spool_on_a_network(setup: SetUp) -> None:
    setup.say(SPOOL=str(setup.folder / "spool"))
    setup.have_nfs_at(setup.folder)


@broken("FAILED", "spool's space: .* are free")
def a_spool_on_a_disk_that_is_nearly_full(setup: SetUp) -> Any:
    disk = small_disk(setup.folder / "small")
    disk.__enter__()
    setup.say(SPOOL=str(setup.folder / "small" / "spool"))
    return disk


@broken("warning", "SPOOL_LIMIT")
def a_spool_that_may_get_larger_than_its_disk(setup: SetUp) -> None:
    setup.say(SPOOL_LIMIT="1000 TB")


@broken("warning", "an earlier session has left runs there")
def runs_that_a_dead_session_left(setup: SetUp) -> None:
    setup.say(SPOOL=str(setup.folder / "spool"))
    left = SpoolFolder.made(homes.spool_home(setup.folder / "spool"))
    (left.path / "000001.spool").write_bytes(b"what came last")
    left.release()


@pytest.fixture
def setup(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_SECONDS", 0.01)
    monkeypatch.setattr(disk, "_SECONDS_OF_A_RATE", 0.01)
    monkeypatch.chdir(tmp_path)
    return SetUp(tmp_path, monkeypatch)


OF_TILED = ("a_tiled_server_that_is_dead", "a_tiled_server_that_hangs")  # seconds of imports


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.ci if name in OF_TILED else ()) for name in BROKEN],
)
def test_a_set_up_that_is_broken_is_found(setup, name):
    make, level, told = BROKEN[name]
    opened = make(setup)
    before = everything(setup.folder)
    try:
        report = check_iconfig(setup.content, rate=setup.rate)
        assert everything(setup.folder) == before
    finally:
        if opened is not None:
            opened.__exit__(None, None, None)
    found = [str(verdict) for verdict in report if verdict.level == level]
    assert not Path(os.environ["XDG_STATE_HOME"]).exists()
    assert [text for text in found if re.search(told, text)], str(report)
    assert all(verdict.remedy for verdict in report if verdict.level != "ok")
    assert report.is_ready is (level == "warning")


def test_there_are_twenty_and_more():
    assert len(BROKEN) >= 20


def test_folders_in_names_pass_where_they_are_there_already(setup):
    (setup.folder / "data" / "raw").mkdir(parents=True)
    setup.say(FILE_NAME="raw/{uid}")
    report = check_iconfig(setup.content)
    assert report.is_ready, str(report)
    assert f"Such a run goes to {setup.folder}/data/raw/" in str(report)
    assert str(report).count("read back.") == 2


def test_formats_that_have_a_mistake_are_named_and_others_checked(setup):
    setup.switch_on("SPEC_DATA_FILES", COMMAND="none")
    report = check_iconfig(setup.content)
    assert [v.found for v in report.warnings] == ["spec cannot be checked any further"]
    assert [v.what for v in report if v.what.startswith("a run as")] == ["a run as jsonl"]


def test_a_run_that_cannot_be_tried_is_told(setup):
    a_file_in_the_place_of_the_folder(setup)
    told = [str(verdict) for verdict in check_iconfig(setup.content).failures]
    assert [line for line in told if "a run as jsonl, spec: not tried" in line], told


def test_a_file_of_the_user_is_left_as_it_is(setup):
    path = setup.folder / "all.dat"
    path.write_text("#F all.dat\n#E 1\n#D Mon Nov 30 07:43:00 2026\n\n")
    before = path.read_bytes(), path.stat().st_mtime_ns
    setup.switch_on("SPEC_DATA_FILES", APPEND_TO=str(path))
    report = check_iconfig(setup.content)
    assert report.is_ready, str(report)
    assert f"Such a run goes to {path}" in str(report)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


SETTINGS: dict[str, dict[str, Any]] = {
    "CSV": {"DELIMITER": ";", "DECIMAL": ",", "ISO_TIME": "local", "FILE_EXTENSION": "txt"},
    "SPEC": {"ONE_FILE_A_RUN": True, "STREAMS": "scans", "COMMAND": "apstools"},
    "NEXUS": {
        "MASTER_FILE": "visit.hdf",
        "LIVE": False,
        "COMPRESSION": "gzip",
        "SIGNAL": "roi1",
        "AXES": ["m1"],
        "CONTENT": {"/entry/sample:NXsample": {"name": "baseline/sample"}},
        "ON_ERROR": "abort",
    },
    "HDF5": {"COMPRESSION": "gzip"},
    "DX": {"IMAGE": "cam1", "THETA": "rot", "IMAGE_KEY": "key", "STREAMS": {"data": "proj"}},
    "TIFF": {"ONE_FILE_A_FRAME": True, "BIGTIFF": True, "IMAGES": "name"},
    "JSONL": {"STRICT": True, "FILE_EXTENSION": ""},
}
"""What an instrument may have said: names of its own, and every other way to write."""


def test_settings_of_an_instrument_pass(setup):
    setup.say(FILE_NAME="{time:%Y}/{event[cam]}-{config[cam][gain]}-{scan_id}", FIELDS=["m*"])
    for name, keys in SETTINGS.items():
        setup.switch_on(f"{name}_DATA_FILES", **keys)
    report = check_iconfig(setup.content)
    assert report.is_ready, str(report)
    assert str(report).count("read back. Such a run goes to") == len(SETTINGS)
    assert everything(setup.folder) == []


def test_a_right_one_passes(setup):
    for name in ("CSV", "DX", "HDF5", "JSON", "NEXUS", "TIFF"):
        setup.switch_on(f"{name}_DATA_FILES")
    (setup.folder / "images").mkdir()
    setup.say(PATH_MAP={"/mnt/ioc": str(setup.folder / "images")})
    before = everything(setup.folder)
    report = check_iconfig(setup.content, rate=1)
    assert report.is_ready, str(report)
    assert not report.warnings, str(report)
    assert everything(setup.folder) == before
    assert not Path(os.environ["XDG_STATE_HOME"]).exists()
    tried = [verdict.found for verdict in report if verdict.what.startswith("a run as")]
    assert len(tried) == 8
    assert all("read back. Such a run goes to" in found for found in tried)
    assert all(f"{setup.folder}/data/" in found for found in tried)
    assert str(report).endswith("ready")
