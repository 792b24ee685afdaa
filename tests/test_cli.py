"""The bluescribe command, run as a user runs it."""

import re
import subprocess
import sys
from pathlib import Path

import typer

import bluescribe
from bluescribe.commands.cli import app
from tests import warm

TOP = Path(__file__).parents[1]
MAIN = "from bluescribe.cli import main; main()"


def run(*args, cwd, code=MAIN, start=warm.run):
    command = [sys.executable, "-c", code, *args]
    return start(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=100)


def test_version(tmp_path):
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"bluescribe {bluescribe.__version__}\n")


def test_help_lists_the_commands(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"^\s+demo\s+Measure on simulated devices", done.stdout, re.MULTILINE)


def options(command, name=""):
    """Yield each command and its options, as they are typed."""
    for each, found in getattr(command, "commands", {}).items():
        yield from options(found, f"{name} {each}".strip())
    for parameter in command.params:
        if parameter.opts[0].startswith("--"):
            yield name, [*parameter.opts, *parameter.secondary_opts]


def test_the_page_has_each_command_and_option():
    page = (TOP / "docs" / "reference" / "commands.md").read_text()
    for name, ways in options(typer.main.get_command(app)):
        assert f"`{name}" in page, name
        assert [way for way in ways if f"{way}`" in page or f"{way} " in page], f"{name} {ways}"


def test_nothing_asked_for_shows_the_help(tmp_path):
    done = run(cwd=tmp_path)
    assert "Usage:" in done.stdout + done.stderr


def test_help_of_the_demo_tells_where_files_go_and_what_it_needs(tmp_path):
    text = " ".join(run("demo", "--help", cwd=tmp_path).stdout.split())
    assert "[default: bluescribe-demo]" in text
    assert "pip install 'bluescribe[demo]'" in text


def test_help_needs_nothing_that_takes_long_to_import(tmp_path):
    code = "import sys\nfrom bluescribe.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    modules = set(run("--help", cwd=tmp_path, code=code, start=subprocess.run).stdout.split())
    assert not modules & {"bluesky", "h5py", "matplotlib", "numpy", "ophyd"}


def test_the_demo_without_its_extra_names_the_command_to_run(tmp_path):
    code = f"import sys; sys.modules['ophyd_async'] = None; {MAIN}"
    done = run("demo", cwd=tmp_path, code=code, start=subprocess.run)
    assert done.returncode == 2
    assert done.stderr == (
        "bluescribe: the demo needs ophyd_async, which is not installed: "
        "pip install 'bluescribe[demo]'\n"
    )


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = run("demo", "--out", "taken/here", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "bluescribe: cannot write to taken/here: Not a directory\n"
    assert (tmp_path / "taken").read_text() == "a file"


def test_recover_shows_what_it_did_and_what_it_would_do(tmp_path):
    journal = tmp_path / "data" / "20261123-015411-S00001-52e58ae.jsonl"
    journal.parent.mkdir()
    journal.write_bytes(b'["start",{"uid":"52e58ae","time":1.0}]\n["descr')
    done = run("recover", "data", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "would be mended" in done.stdout
    assert "Nothing was changed" in done.stdout
    assert journal.read_bytes().endswith(b'["descr')
    done = run("recover", "data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 files recovered, 0 need nothing, 0 failed." in done.stdout
    assert journal.read_bytes().endswith(b"}]\n")
    done = run("recover", "data", cwd=tmp_path)
    assert "0 files recovered, 1 need nothing" in done.stdout


def test_recover_tells_by_its_status_that_something_failed(tmp_path):
    (tmp_path / "20261123-015411-S00001-52e58ae.hdf").write_bytes(b"\x89HDF\r\n\x1a\n\x03")
    done = run("recover", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert "FAILED" in done.stdout


def test_recover_without_a_folder(tmp_path):
    done = run("recover", "none", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "bluescribe: none is no folder\n"
