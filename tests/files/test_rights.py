"""Folders and files of a group: whoever belongs to it can go on in them."""

from __future__ import annotations

import grp
import os
import stat
import struct
import tempfile
from pathlib import Path

import pytest
import yaml

from bluescribe import (
    CsvWriter,
    Hdf5Writer,
    JsonlWriter,
    JsonWriter,
    NexusWriter,
    SpecWriter,
    TiffWriter,
    subscribe_writers,
)
from bluescribe.errors import ConfigError
from bluescribe.files import Place, replacing
from bluescribe.files.rights import parse_mode
from bluescribe.testing.shapes.engine import recording
from tests.core.scanning import scan, told

WRITERS = [CsvWriter, Hdf5Writer, JsonWriter, JsonlWriter, NexusWriter, SpecWriter, TiffWriter]
BLOCKS: dict[str, dict[str, object]] = {
    f"{kind.format.upper()}_DATA_FILES": {"ENABLE": True} for kind in WRITERS
}
BLOCKS["NEXUS_DATA_FILES"]["MASTER_FILE"] = "master"
GROUP, USER = 12_345, 23_456
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def umask():
    """Have the umask of most sessions."""
    old = os.umask(0o022)
    yield
    os.umask(old)


@pytest.fixture
def shared(umask):
    """Return a folder of a group as it is set up, outside of what pytest keeps others out of."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place).resolve() / "shared"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, -1, GROUP)
        folder.chmod(0o2775)
        yield folder


def measure(iconfig):
    with recording() as (engine, _), subscribe_writers(engine, iconfig):
        engine(scan())


def as_second_user(act):
    """Do something as another user of the group; return what went wrong."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([GROUP])
            os.setgid(GROUP)
            os.setuid(USER)
            act()
            os.write(writing, b"ok")
        except BaseException as error:
            os.write(writing, f"{error!r} {error}".encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as words:
        return words.read()


def everything(folder):
    return list(folder.rglob("*"))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@AS_ROOT
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_second_user_of_the_group_goes_on_in_what_the_first_made(shared):
    shared_keys = {"DIRECTORY": str(shared / "GUP-1" / "raw"), "FOLDER_MODE": "2775"}
    measure({"DATA_FILES": {**shared_keys, "FILE_MODE": "664"}, **BLOCKS})
    made = everything(shared)
    assert len(made) > len(BLOCKS)

    def go_on():
        for path in made:
            if path.is_dir():
                (path / "another").mkdir()
            else:
                with path.open("r+b") as file:
                    file.read()

    assert as_second_user(go_on) == "ok"
    for path in everything(shared):
        if path.name != "another":
            assert path.stat().st_gid == GROUP
            assert mode(path) == (0o2775 if path.is_dir() else 0o664), path


@AS_ROOT
def test_the_group_that_was_asked_for_gets_folders_and_files(tmp_path, umask):
    keys = {"DIRECTORY": str(tmp_path / "a" / "b"), "GROUP": GROUP, "FOLDER_MODE": "0o770"}
    measure({"DATA_FILES": {**keys, "FILE_MODE": 0o640}, **BLOCKS})
    for path in everything(tmp_path):
        assert path.stat().st_gid == GROUP, path
        assert mode(path) == (0o770 if path.is_dir() else 0o640), path


def test_without_a_key_the_umask_decides_and_the_setgid_bit_goes_on(shared):
    measure({"DATA_FILES": {"DIRECTORY": str(shared / "GUP-1")}, **BLOCKS})
    for path in everything(shared):
        assert path.stat().st_gid == shared.stat().st_gid
        assert mode(path) == (0o2755 if path.is_dir() else 0o644), path


def test_the_setgid_bit_goes_on_where_a_mode_does_not_say_it(shared):
    measure({"DATA_FILES": {"DIRECTORY": str(shared / "x"), "FOLDER_MODE": "775"}, **BLOCKS})
    assert mode(shared / "x") == 0o2775


def test_a_folder_that_was_there_stays_as_it_is(shared):
    shared.chmod(0o2750)
    measure({"DATA_FILES": {"DIRECTORY": str(shared), "FOLDER_MODE": "2775"}, **BLOCKS})
    assert mode(shared) == 0o2750


def acl(*entries):
    """Return an ACL as the kernel keeps it: version 2, then tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
OPEN_TO_A_GROUP = acl(
    (0x01, 7, NOBODY), (0x04, 5, NOBODY), (0x08, 7, GROUP), (0x10, 7, NOBODY), (0x20, 0, NOBODY)
)


def with_acl(folder, name):
    try:
        os.setxattr(folder, name, OPEN_TO_A_GROUP)
    except OSError as error:
        pytest.skip(f"no ACLs here: {error}")


@AS_ROOT
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_default_acl_goes_on_to_what_is_made(shared, caplog):
    with_acl(shared, "system.posix_acl_default")
    measure({"DATA_FILES": {"DIRECTORY": str(shared / "GUP-1")}, **BLOCKS})
    files = [path for path in everything(shared) if path.is_file()]

    def go_on():
        (shared / "GUP-1" / "another").touch()
        for path in files:
            path.open("r+b").close()

    assert as_second_user(go_on) == "ok"
    assert "is shared by the group" not in caplog.text


@AS_ROOT
def test_a_file_that_is_replaced_keeps_owner_group_mode_and_acl(tmp_path, umask):
    path = tmp_path / "list.json"
    path.write_text("old")
    os.chown(path, USER, GROUP)
    path.chmod(0o664)
    try:
        os.setxattr(path, "system.posix_acl_access", OPEN_TO_A_GROUP)
    except OSError:
        before_acl = None
    else:
        before_acl = os.getxattr(path, "system.posix_acl_access")
    before = path.stat()
    with replacing(Place.at(path)) as new:
        new.write(b"new")
    after = path.stat()
    assert path.read_text() == "new"
    assert (after.st_uid, after.st_gid, after.st_mode) == (USER, GROUP, before.st_mode)
    if before_acl is not None:
        assert os.getxattr(path, "system.posix_acl_access") == before_acl


@pytest.mark.parametrize(
    ("keys", "is_told"),
    [
        ({}, True),
        ({"FOLDER_MODE": "2775"}, True),
        ({"FOLDER_MODE": "2775", "FILE_MODE": "664"}, False),
    ],
)
def test_a_group_that_is_shut_out_is_told_once_at_the_start(shared, caplog, keys, is_told):
    iconfig = {"DATA_FILES": {"DIRECTORY": str(shared / "{proposal}" / "x"), **keys}, **BLOCKS}
    with recording() as (engine, _), subscribe_writers(engine, iconfig):
        words = [word for word in told(caplog) if "shared by the group" in word]
    assert len(words) == is_told
    if is_told:
        assert str(shared) in words[0]
        assert "umask 022" in words[0]
        assert 'FOLDER_MODE: "2775"' in words[0]


def test_a_folder_of_one_user_is_not_told_of(tmp_path, umask, caplog):
    measure({"DATA_FILES": {"DIRECTORY": str(tmp_path / "x")}, **BLOCKS})
    assert "shared by the group" not in caplog.text


@pytest.mark.parametrize(
    ("written", "mode"),
    [("2775", 0o2775), ('"2775"', 0o2775), ("0o2775", 0o2775), ("02775", 0o2775), ("775", 0o775),
     ("0775", 0o775), ("770", 0o770), ("0770", 0o770), ("3770", 0o3770), ("700", 0o700)],
)  # fmt: skip
def test_a_mode_of_folders_is_what_chmod_makes_of_it(written, mode):
    value = yaml.safe_load(f"FOLDER_MODE: {written}")["FOLDER_MODE"]
    assert CsvWriter(folder_mode=value).settings.folder_mode == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o744])
def test_a_mode_of_files_is_the_same_in_every_spelling(mode):
    spellings = [f"{mode:o}", f"0{mode:o}", f"0o{mode:o}", int(f"{mode:o}"), mode]
    assert {parse_mode(value, needed=0o600) for value in spellings} == {mode}


@pytest.mark.parametrize(
    ("key", "value"),
    [("FOLDER_MODE", "0555"), ("FOLDER_MODE", "rwx"), ("FOLDER_MODE", 4775), ("FOLDER_MODE", 17.5),
     ("FOLDER_MODE", True), ("FOLDER_MODE", "99999"), ("FILE_MODE", "444"), ("FILE_MODE", "2664"),
     ("FILE_MODE", -1), ("GROUP", "no-such-group"), ("GROUP", [1]), ("GROUP", -1),
     ("GROUP", 10**30)],
)  # fmt: skip
def test_what_is_no_mode_or_group_is_refused(key, value):
    with recording() as (engine, _), pytest.raises(ConfigError, match=key):
        subscribe_writers(engine, {"DATA_FILES": {key: value}, **BLOCKS})


def test_a_group_is_found_by_its_name():
    name = grp.getgrgid(os.getegid()).gr_name
    assert CsvWriter(group=name).settings.group == os.getegid()
