"""Spools stand where nobody else looks, on a disk of this computer."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from bluescribe.spool import home as homes
from bluescribe.spool.folder import SpoolFolder
from bluescribe.spool.home import is_local, spool_home


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """What stands for /var/tmp."""
    folder = tmp_path / "var-tmp"
    folder.mkdir()
    monkeypatch.setattr(homes, "_SHARED", folder)
    return folder / f"bluescribe-{os.geteuid()}"


@pytest.fixture
def umask():
    before = os.umask(0)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


# --- the home ---


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_all_that_is_made_is_for_this_user_alone(mask, tmp_path, umask):
    umask(mask)
    home = spool_home(tmp_path / "a" / "b")
    with SpoolFolder.made(home) as spool:
        assert home == tmp_path / "a" / "b"
        assert [mode(path) for path in (home.parent, home, spool.path)] == [0o700] * 3
        assert mode(spool.path / "session") == 0o600
    assert spool_home(home) == home, "it is there by now"


def test_a_chosen_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert spool_home(Path("mine")) == tmp_path / "mine"


def test_a_chosen_folder_that_is_open_to_others_stays_so(tmp_path):
    chosen = tmp_path / "scratch"
    chosen.mkdir()
    chosen.chmod(0o775)
    for _ in range(2):
        assert spool_home(chosen) == chosen / "bluescribe-spool"
    assert mode(chosen) == 0o775
    assert mode(chosen / "bluescribe-spool") == 0o700


def test_the_default_is_where_xdg_has_it(tmp_path, monkeypatch, shared):
    monkeypatch.setattr(homes, "is_local", lambda path: True)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert spool_home(None) == tmp_path / "state/bluescribe/spool"
    for state in ("relative/state", ""):
        monkeypatch.setenv("XDG_STATE_HOME", state)
        assert spool_home(None) == tmp_path / "me/.local/state/bluescribe/spool"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert spool_home(None) == tmp_path / "me/.local/state/bluescribe/spool"
    assert not shared.exists()


def test_a_home_on_a_network_is_not_written(tmp_path, monkeypatch, shared):
    monkeypatch.setattr(homes, "is_local", lambda path: False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert spool_home(None) == shared
    assert mode(shared) == 0o700
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("trouble", ["file above", "file", "link", "open", "read-only", "no home"])
def test_a_home_that_cannot_be_had_is_done_without(trouble, tmp_path, monkeypatch, shared):
    monkeypatch.setattr(homes, "is_local", lambda path: True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    first = tmp_path / "state/bluescribe/spool"
    first.parent.mkdir(parents=True)
    if trouble == "file above":
        first.parent.rmdir()
        first.parent.touch()
    elif trouble == "file":
        first.touch()
    elif trouble == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        first.symlink_to(tmp_path / "elsewhere")
    elif trouble == "open":
        first.mkdir()
        first.chmod(0o750)
    elif trouble == "read-only":  # as root, a file system that is
        monkeypatch.setattr(os, "access", lambda path, how: path != first)
    else:
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setenv("HOME", "nowhere")
    assert spool_home(None) == shared


REFUSED = {
    "file above": (errno.ENOTDIR, "Not a directory"),
    "file": (errno.ENOTDIR, "it is no folder"),
    "link": (errno.ELOOP, "it is a link"),
    "link to nowhere": (errno.ELOOP, "it is a link"),
    "other user": (errno.EPERM, "it belongs to user"),
    "read-only": (errno.EACCES, "it cannot be written"),
}


@pytest.mark.parametrize("trouble", REFUSED)
@pytest.mark.parametrize("is_chosen", [True, False])
def test_what_is_refused_is_told(trouble, is_chosen, tmp_path, monkeypatch, shared):
    monkeypatch.setattr(homes, "is_local", lambda path: False)
    folder, elsewhere = shared, tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if trouble == "file above":
        folder.parent.rmdir()
        folder.parent.touch()
    elif trouble == "file":
        folder.touch()
    elif trouble.startswith("link"):
        folder.symlink_to(elsewhere if trouble == "link" else elsewhere / "no")
    else:
        folder.mkdir(mode=0o700)
    if trouble == "other user":
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        folder = folder.rename(folder.with_name(f"bluescribe-{user + 1}"))
    elif trouble == "read-only":
        monkeypatch.setattr(os, "access", lambda path, how: False)
    number, words = REFUSED[trouble]
    with pytest.raises(OSError, match=words) as raised:
        spool_home(folder if is_chosen else None)
    assert raised.value.errno == number
    assert raised.value.filename == str(folder)
    assert "set SPOOL in DATA_FILES to a folder of your own" in str(raised.value)
    assert not [*elsewhere.iterdir()]


def test_a_shared_folder_with_other_bits_is_refused(monkeypatch, shared):
    monkeypatch.setattr(homes, "is_local", lambda path: False)
    shared.mkdir()
    for bits in (0o770, 0o701):
        shared.chmod(bits)
        with pytest.raises(PermissionError, match=f"its mode is {bits:04o}: it is open to others"):
            spool_home(None)
        assert mode(shared) == bits


def test_a_link_in_the_place_of_the_folder_in_a_chosen_one_is_refused(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch").chmod(0o777)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "scratch/bluescribe-spool").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="it is a link"):
        spool_home(tmp_path / "scratch")


# --- what is mounted ---

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:30 / /home rw shared:2 master:1 - autofs auto.home rw
31 30 0:31 / /home/me rw shared:3 - nfs4 server:/home/me rw,vers=4.2
32 31 8:1 / /home/me/local\040disk rw - xfs /dev/sda1 rw
33 27 0:33 / /over rw - ext4 /dev/sdb rw
34 33 0:34 / /over rw - cifs //server/over rw
35 27 0:35 / /ssh rw - fuse.sshfs me@there: rw
36 27 0:36 / /ntfs rw - fuseblk /dev/sdc1 rw
37 27 0:37 / /vm rw - virtiofs share rw
38 27 0:38 / /a\011b\012c\134d rw - lustre there:/x rw
torn
39 27 0:39
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", True),
        ("/var/tmp/mine", True),
        ("/homes/me", True),
        ("/home", False),
        ("/home/you/.local", False),
        ("/home/me/.local/state/bluescribe", False),
        ("/home/me/local disk", True),
        ("/home/me/local disk/not/there/yet", True),
        ("/over/x", False),
        ("/ssh", False),
        ("/ntfs/x", True),
        ("/vm/x", False),
        ("/a\tb\nc\\d/x", False),
        ("//home/me", False),
        ("/home/../var", True),
    ],
)
def test_what_is_on_a_disk_of_this_computer(path, expected, tmp_path):
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert is_local(Path(path), tmp_path / "mountinfo") is expected


def test_links_are_followed_to_the_disk(tmp_path):
    (tmp_path / "mountinfo").write_text(MOUNTS)
    (tmp_path / "state").symlink_to("/home/me/state")
    (tmp_path / "round").symlink_to("round")
    assert not is_local(tmp_path / "state" / "bluescribe", tmp_path / "mountinfo")
    assert is_local(tmp_path / "round" / "x", tmp_path / "mountinfo")


def test_where_nothing_tells_every_disk_is_local(tmp_path):
    assert is_local(tmp_path, tmp_path / "no")
    assert isinstance(is_local(tmp_path), bool)
