"""The spool of a living session is its own, and what a dead one left is taken by one other."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from bluescribe.files.write_lock import is_held
from bluescribe.spool import folder as folders
from bluescribe.spool.folder import SpoolFolder, left_folders
from bluescribe.spool.home import spool_home
from tests import warm

HOST = folders._host_in_names()
OLD = time.time() - 2 * 3600

MAKES = """
    import sys
    from pathlib import Path
    from bluescribe.spool.folder import SpoolFolder
    spool = SpoolFolder.made(Path(sys.argv[1]))
    print(spool.path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path):
    return spool_home(tmp_path / "spools")


@pytest.fixture
def other_session(home):
    """A session in a process of its own, which has a spool."""
    with piped([sys.executable, "-c", dedent(MAKES), str(home)]) as process:
        process.path = Path(process.stdout.readline().strip())
        yield process
        process.kill()


def piped(command) -> Any:
    return warm.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def left(home, **said):
    """Return a folder that a session left, whose lock is gone."""
    spool = SpoolFolder.made(home)
    spool.release()
    session = spool.path / "session"
    session.write_text(json.dumps({**json.loads(session.read_text()), **said}))
    return spool.path


def aged(path):
    os.utime(path, (OLD, OLD))
    return path


def files_open():
    return len([*Path("/proc/self/fd").iterdir()])


# --- the folder of a session ---


def test_a_session_tells_who_it_is(home):
    with SpoolFolder.made(home) as spool:
        told = json.loads((spool.path / "session").read_text())
        assert spool.path.parent == home
        assert spool.path.name.startswith(f"{HOST}-{os.getpid()}-")
        assert (told["host"], told["pid"]) == (socket.gethostname(), os.getpid())
        assert told["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert told["version"]
        assert abs(told["time"] - time.time()) < 60
        assert [*home.iterdir()] == [spool.path]
        assert is_held(spool.path / "session")
    assert not is_held(spool.path / "session")


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("beam/../line", "beam_.._line"),
        ("..", "_."),
        ("", "_"),
        ("säule 3\n", "s_ule_3_"),
        ("x" * 100, "x" * 64),
        ("a-1-00000000", "a-1-00000000"),
    ],
)
def test_any_name_of_a_host_makes_a_name_of_a_folder(name, clean, home, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    path = left(home)
    assert path.parent == home
    assert path.name.startswith(f"{clean}-{os.getpid()}-")
    assert left_folders(home) == [path]
    taken = SpoolFolder.taken(path)
    assert taken is not None
    taken.remove()
    assert not [*home.iterdir()]


def test_a_living_session_keeps_its_spool(home):
    with SpoolFolder.made(home) as spool:
        assert left_folders(home) == [spool.path], "who looks takes no lock"
        assert SpoolFolder.taken(spool.path) is None
        (spool.path / "session").unlink()
        assert SpoolFolder.taken(spool.path) is None, "the folder is locked, too"
    with SpoolFolder.made(home) as spool:
        (home / "other").mkdir()
    before = files_open()
    assert SpoolFolder.taken(home / "other") is None
    assert SpoolFolder.taken(home / "gone") is None
    assert files_open() <= before  # other threads may close some


def test_the_spool_of_another_process_is_free_when_that_is_killed(other_session):
    path = other_session.path
    (path / "1.segment").write_text("data")
    assert SpoolFolder.taken(path) is None
    os.kill(other_session.pid, signal.SIGSTOP)
    assert SpoolFolder.taken(path) is None, "it hangs, it is not dead"
    other_session.kill()
    other_session.wait(30)
    taken = SpoolFolder.taken(path)
    assert taken is not None
    assert taken.path == path
    assert json.loads((path / "session").read_text())["pid"] == other_session.pid
    taken.release()
    assert (path / "1.segment").read_text() == "data"
    again = SpoolFolder.taken(path)
    assert again is not None
    again.remove()
    assert not path.exists()


def test_a_forked_child_holds_nothing_and_takes_nothing_away(home):
    program = """
        import os, sys, time
        from pathlib import Path
        from bluescribe.spool.folder import SpoolFolder
        spool = SpoolFolder.made(Path(sys.argv[1]))
        child = os.fork()
        if not child:
            spool.remove()
            spool.release()
            assert spool.path.exists()
            assert SpoolFolder.taken(spool.path) is None
            print(spool.path, os.getpid(), flush=True)
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
    """
    command = [sys.executable, "-c", dedent(program), str(home)]
    with warm.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        name, child = parent.stdout.readline().split()
        try:
            assert SpoolFolder.taken(Path(name)) is None
            parent.kill()
            parent.wait(30)
            os.kill(int(child), 0)
            taken = SpoolFolder.taken(Path(name))
            assert taken is not None, "the child lives, and holds nothing"
            taken.release()
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_one_of_several_takes_what_was_left(home):
    program = """
        import sys
        from pathlib import Path
        from bluescribe.spool.folder import SpoolFolder
        print("ready", flush=True)
        for line in sys.stdin:
            taken = SpoolFolder.taken(Path(line.strip()))
            print(taken is not None, flush=True)
    """
    command = [sys.executable, "-c", dedent(program)]
    adopters = [piped(command) for _ in range(4)]
    for adopter in adopters:
        assert adopter.stdout.readline() == "ready\n"
    for _ in range(20):
        path = left(home)
        for adopter in adopters:
            adopter.stdin.write(f"{path}\n")
            adopter.stdin.flush()
        answers = [adopter.stdout.readline() for adopter in adopters]
        assert answers.count("True\n") == 1
    for adopter in adopters:
        adopter.communicate(timeout=60)


def test_one_of_several_removes_what_was_left(home):
    program = """
        import sys
        from pathlib import Path
        from bluescribe.spool.folder import SpoolFolder, left_folders
        home, count = Path(sys.argv[1]), 0
        sys.stdin.readline()
        while paths := left_folders(home):
            for path in paths:
                if (taken := SpoolFolder.taken(path)) is not None:
                    count += (path / "1.segment").exists()
                    taken.remove()
        print(count)
    """
    for _ in range(60):
        (left(home) / "1.segment").touch()
    command = [sys.executable, "-c", dedent(program), str(home)]
    adopters = [piped(command) for _ in range(4)]
    for adopter in adopters:
        adopter.stdin.write("go\n")
        adopter.stdin.flush()
    assert sum(int(adopter.communicate(timeout=60)[0]) for adopter in adopters) == 60
    assert not [*home.iterdir()]


def test_another_hosts_spool_is_left_alone(home, monkeypatch):
    path = left(home, host="elsewhere")
    assert SpoolFolder.taken(path) is None, "the folder is called as ours, it says it is not"
    before = path.stat().st_mtime_ns
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere-2")
    assert left_folders(home) == []
    assert SpoolFolder.taken(path) is None
    assert path.stat().st_mtime_ns == before


def test_another_users_spool_is_left_alone(home, monkeypatch):
    path = left(home)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert left_folders(home) == []
    assert SpoolFolder.taken(path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_session_that_another_user_wrote_is_left_alone(home):
    path = left(home)
    os.chown(path / "session", 12345, -1)
    assert SpoolFolder.taken(path) is None


def test_planted_links_are_left_alone(home, tmp_path):
    name = f"{HOST}-1-00000000"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "precious").touch()
    (home / name).symlink_to(tmp_path / "elsewhere")
    assert left_folders(home) == []
    assert SpoolFolder.taken(home / name) is None
    path = left(home)
    before = files_open()
    for target in ("precious", "nowhere"):
        (path / "session").unlink()
        (path / "session").symlink_to(tmp_path / target)
        assert SpoolFolder.taken(path) is None
    assert not (tmp_path / "nowhere").exists()
    (path / "session").unlink()
    os.mkfifo(path / "session")
    assert SpoolFolder.taken(path) is None
    assert files_open() <= before  # other threads may close some
    assert not [*(tmp_path / "elsewhere").iterdir()]


def test_what_is_no_spool_is_not_listed(home):
    names = ["notes", f"{HOST}-1", f"{HOST}-x-00000000", f"{HOST}-1-0000000g", "else-1-00000000"]
    for name in names:
        (home / name).mkdir()
    (home / f"{HOST}-1-00000000").touch()
    assert left_folders(home) == []
    with pytest.raises(FileNotFoundError):
        left_folders(home / "gone")


def test_the_oldest_is_listed_first(home):
    paths = [left(home) for _ in range(5)]
    for age, path in enumerate(paths):
        os.utime(path / "session", (OLD - age, OLD - age))
        os.utime(path)
    assert left_folders(home) == paths[::-1]


# --- a session that dies while it makes its folder ---


@pytest.mark.parametrize("has_session", [False, True])
def test_a_folder_that_is_just_being_made_is_left_alone(has_session, home):
    making = home / f".{HOST}-1-00000000"
    making.mkdir(mode=0o700)
    if has_session:
        (making / "session").touch()
    assert left_folders(home) == []
    assert SpoolFolder.taken(making) is None
    aged(making)
    assert left_folders(home) == [making]
    taken = SpoolFolder.taken(making)
    assert taken is not None, "nobody makes a folder for an hour"
    taken.remove()
    assert not making.exists()


def test_who_was_stopped_while_making_does_not_share(home, monkeypatch):
    """It was stopped for hours behind its mkdir: another session has found the folder meanwhile."""
    lock, taken = SpoolFolder._lock, []

    def late(self):
        monkeypatch.setattr(SpoolFolder, "_lock", lock)
        taken.append(SpoolFolder.taken(aged(self.path)))
        lock(self)

    monkeypatch.setattr(SpoolFolder, "_lock", late)
    with pytest.raises(OSError, match="no spool can stand here"):
        SpoolFolder.made(home)
    assert taken[0] is not None


@pytest.mark.parametrize("text", ["", '{"host": "x', "[]", "\0" * 200])
def test_a_session_that_was_torn_is_known_by_the_name(text, home):
    path = left(home)
    (path / "session").write_text(text)
    assert left_folders(home) == [path]
    taken = SpoolFolder.taken(path)
    assert taken is not None
    taken.remove()
    assert not path.exists()


def test_who_dies_while_removing_leaves_what_can_be_removed(home):
    path = left(home)
    (path / "session").unlink()
    assert left_folders(home) == [path]
    taken = SpoolFolder.taken(path)
    assert taken is not None
    taken.remove()
    assert not path.exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSPC])
def test_what_cannot_be_made_leaves_nothing(number, home, monkeypatch):
    def refuse(fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(folders, "_lock_session", refuse)
    before = files_open()
    with pytest.raises(OSError, match="set SPOOL in DATA_FILES") as raised:
        SpoolFolder.made(home)
    assert raised.value.errno == number
    assert not [*home.iterdir()]
    assert files_open() <= before  # other threads may close some


def test_a_missing_home_is_told(home):
    home.rmdir()
    with pytest.raises(FileNotFoundError, match="no spool can stand here"):
        SpoolFolder.made(home)


@pytest.fixture
def unlocked_folders(monkeypatch):
    """Folders cannot be locked, as on NFS."""
    flock = fcntl.flock

    def refuse(fd, how):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EBADF, "no")
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", refuse)


def check_lock(home):
    spool = SpoolFolder.made(home)
    assert SpoolFolder.taken(spool.path) is None
    spool.release()
    taken = SpoolFolder.taken(spool.path)
    assert taken is not None
    taken.release()


@pytest.mark.usefixtures("unlocked_folders")
def test_the_lock_of_the_file_will_do(home):
    check_lock(home)


def test_flock_will_do(home, monkeypatch):
    monkeypatch.setattr("bluescribe.files.write_lock._SET", None)  # as on macOS
    check_lock(home)


@pytest.mark.usefixtures("unlocked_folders")
def test_who_comes_as_another_one_removes_takes_nothing(home, monkeypatch):
    path, lock = left(home), folders._lock_session
    first = SpoolFolder.taken(path)
    assert first is not None

    def late(fd):
        first.remove()
        lock(fd)

    monkeypatch.setattr(folders, "_lock_session", late)
    assert SpoolFolder.taken(path) is None
    assert not path.exists()


# --- its end ---


def test_remove_takes_all_files_and_no_more(home, tmp_path):
    (tmp_path / "precious").write_text("data")
    before = files_open()
    spool = SpoolFolder.made(home)
    for name in ("1.segment", "2.segment", ".hidden"):
        (spool.path / name).touch()
    (spool.path / "link").symlink_to(tmp_path / "precious")
    spool.remove()
    spool.remove()
    spool.release()
    assert not [*home.iterdir()]
    assert (tmp_path / "precious").read_text() == "data"
    assert files_open() <= before  # other threads may close some


def test_a_folder_in_which_something_stays_is_left(home, caplog):
    caplog.set_level("DEBUG", "bluescribe.spool.folder")
    spool = SpoolFolder.made(home)
    (spool.path / "kept").mkdir()
    (spool.path / "1.segment").touch()
    spool.remove()
    assert sorted(path.name for path in spool.path.iterdir()) == ["kept", "session"]
    assert f"{spool.path} is left" in caplog.text
    taken = SpoolFolder.taken(spool.path)
    assert taken is not None, "it let go"
    taken.release()


def test_who_has_let_go_removes_nothing(home):
    spool = SpoolFolder.made(home)
    spool.release()
    other = SpoolFolder.taken(spool.path)
    assert other is not None
    spool.remove()
    assert (spool.path / "session").exists()
    other.remove()
