"""How each command ends: its exit status, one line that says why, and file names that are whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from rich.console import Console

from bluescribe.commands.cli import app
from bluescribe.demo.report import Played, show_files
from tests import warm
from tests.export.test_export import make_journals
from tests.readable import is_readable

LONG = "a-proposal-with-a-name-of-some-length/20261123-015411-S00001-of-a-sample-52e58ae"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Return what runs a command in a folder of its own; it gives status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("GLOBUS_CLIENT_ID", raising=False)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(list(arguments), prog_name="bluescribe")
        told = capsys.readouterr()
        return ended.value.code or 0, told.out, told.err

    return run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("demo --out file/x", "cannot write to file/x: Not a directory"),
        ("export nothere", "{cwd}/nothere: no such file or folder"),
        ("export nothere --all --to csv", "{cwd}/nothere: no such file or folder"),
        ("export nothere/x --since soon", "{cwd}/nothere/x: no such file or folder"),
        ("export src --all --to nexsu", "did you mean 'nexus'?"),
        ("export src --all --out file", "cannot write into file: it is a file"),
        ("export src --all --iconfig nothere.yml", "nothere.yml: no such file"),
        ("export packed --all", "{cwd}/packed is no source: msgpack files, such as run.msgpack"),
        ("export others --all", "others is no source: it holds no journal (.jsonl), only other"),
        ("export file", "file is no journal of a run"),
        ("pack nothere --out box", "{cwd}/nothere: no such file or folder"),
        ("pack packed --all --out box", "packed is no source"),
        ("pack src --all --out file", "file"),
        ("unpack nothere", "nothere is no pack of bluescribe: no such file or folder"),
        ("recover nothere", "nothere is no folder"),
        ("recover src --iconfig nothere.yml", "nothere.yml: no such file"),
        ("listen --zmq localhost:5578 --iconfig nothere.yml", "nothere.yml: no such file"),
        ("listen --zmq localhost", "localhost"),
        ("globus login --iconfig nothere.yml", "nothere.yml: no such file"),
    ],
)
def test_what_cannot_be_begun_is_told_in_one_line_and_has_status_2(
    tmp_path, command, line, message
):
    make_journals(tmp_path / "src", 1)
    (tmp_path / "file").write_text("no journal")
    (tmp_path / "packed" / "documents").mkdir(parents=True)
    (tmp_path / "packed" / "documents" / "run.msgpack").write_bytes(b"\x92\xa5start\x80")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "notes.txt").write_text("")
    status, _, error = command(*line.split())
    assert status == 2, error
    assert error.startswith("bluescribe: ")
    assert message.format(cwd=tmp_path) in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("export src --all --to csv --out out", 0),
        ("export src --since 2033-01-01 --out out", 0),
        ("export empty --all --out out", 0),
        ("export torn --all --to csv --out out", 1),
        ("pack src --all --out box", 0),
        ("pack torn --all --out box", 1),
        ("recover src", 0),
        ("recover damaged", 1),
        ("export --nonsense", 2),
        ("nonsense", 2),
    ],
)
def test_the_status_tells_whether_every_run_is_complete(tmp_path, command, line, status):
    make_journals(tmp_path / "src", 2)
    torn = make_journals(tmp_path / "torn", 2) / "00002.jsonl"
    torn.write_text(torn.read_text().replace('["event"', "<html>", 1))
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    damaged = tmp_path / "damaged" / "20261123-015411-S00001-52e58ae.hdf"
    damaged.write_bytes(b"\x89HDF\r\n\x1a\n\x03")
    assert command(*line.split())[0] == status


def test_a_pack_that_was_changed_has_status_1(tmp_path, command):
    make_journals(tmp_path / "src", 1)
    assert command("pack", "src", "--all", "--out", "box")[0] == 0
    assert command("unpack", "box")[0] == 0
    (journal,) = (tmp_path / "box" / "documents").iterdir()
    journal.write_text("changed")
    assert command("unpack", "box")[0] == 1


@pytest.fixture
def _pressed_as_ever():
    """Another test may have left a handler of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_pressed_as_ever")
def test_ctrl_c_has_status_130(tmp_path, command):
    make_journals(tmp_path / "src", 300)
    pressing = threading.Thread(target=press_ctrl_c_after, args=(tmp_path / "out",))
    pressing.start()
    status, _, error = command("export", "src", "--all", "--to", "csv", "--out", "out")
    pressing.join()
    assert (status, error) == (130, "bluescribe: interrupted\n")


def press_ctrl_c_after(folder):
    """Interrupt the main thread when the folder holds its first file."""
    while not any(folder.glob("*.csv")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)


def test_recover_shows_names_whole_at_80_columns(tmp_path, command):
    journal = tmp_path / "data" / f"{LONG}.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b'["start",{"uid":"52e58ae","time":1.0}]\n["descr')
    status, told, _ = command("recover", "data")
    assert status == 0, told
    assert f"{LONG}.jsonl: mended: " in told
    assert f"kept as {journal.name}.damaged" in told


def test_the_demonstration_shows_names_whole_at_80_columns(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / LONG
    (folder / "images").mkdir(parents=True)
    table = {"path": "20261123-015411-S00001-52e58ae-primary.csv"}
    files = {}
    for name, ending in (("spec", "dat"), ("nexus", "hdf"), ("jsonl", "jsonl")):
        files[name] = folder / f"20261123-015411-S00001-52e58ae.{ending}"
        files[name].write_text("")
    files["csv"] = folder / "20261123-015411-S00001-52e58ae.datapackage.json"
    files["csv"].write_text('{"resources": [{"path": "' + table["path"] + '"}]}')
    (folder / table["path"]).write_text("")
    (folder / "images" / "camera-22db7676-with-a-name.h5").write_text("")
    picture = folder / "picture.png"
    console = Console(width=80, highlight=False)
    show_files(console, [Played("scan", files)], folder / "images", picture)
    told = capsys.readouterr().out
    names = [path.name for path in files.values() if path.suffix != ".json"]
    for whole in (f"Files in {LONG}\n", *names, "images/camera-22db7676-with-a-name.h5"):
        assert whole in told


HUNG = """
import ctypes, multiprocessing, sys, time
from bluescribe.archive.exporting.processes import _end_with_parent

def work(ready):
    _end_with_parent()
    ready.set()
    ctypes.PyDLL(None).sleep(600)  # with the interpreter's lock, as HDF5 in a mount that is gone

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=work, args=[ready])
    process.start()
    ready.wait()
    print(process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends what cannot run itself")
def test_an_export_that_is_killed_leaves_no_worker_that_hangs(tmp_path):
    script = tmp_path / "hung.py"
    script.write_text(HUNG)
    with warm.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        worker = int(main.stdout.readline())
        reading = os.pidfd_open(worker)
        main.kill()
    assert is_readable(reading, 60), "the worker lives on"


def test_the_package_is_the_command(tmp_path):
    done = warm.run(
        [sys.executable, "-m", "bluescribe", "recover", "nothere"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "bluescribe: nothere is no folder\n")
