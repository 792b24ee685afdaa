"""What is imported later: it is there, on a floor below, and of the version that began."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import bluescribe
from bluescribe.config.config import read_iconfig
from bluescribe.contract.hooks import check_complete
from bluescribe.errors import ConfigError
from bluescribe.formats import load_plugin, own_format_names
from bluescribe.later import Later

TOP = Path(__file__).resolve().parents[2]
ROOMS = ("config", "contract", "delivery", "formats", "recording", "session", "spool")


def named() -> Iterator[tuple[str, Later]]:
    """Yield whatever our modules and their classes have imported later."""
    for room in ROOMS:
        package = importlib.import_module(f"bluescribe.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = importlib.util.find_spec(found.name)
            if "ater(" not in Path(str(spec and spec.origin)).read_text(encoding="utf-8"):
                continue
            module = importlib.import_module(found.name)
            classes = [each for each in vars(module).values() if isinstance(each, type)]
            for owner in (module, *(one for one in classes if one.__module__ == found.name)):
                yield from ((found.name, x) for x in vars(owner).values() if isinstance(x, Later))


def test_all_of_it_is_there_and_stands_on_a_floor_below() -> None:
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]
    (floors,) = (each["layers"] for each in contracts["contracts"] if each["type"] == "layers")
    levels = enumerate(reversed(floors))
    height = {room.strip(): level for level, floor in levels for room in floor.split("|")}
    seen = list(named())
    assert len(seen) > 30
    for module, later in seen:
        assert later.load() is not None
        package, _, rest = later.module.partition(".")
        if package == "bluescribe":
            here, there = module.split(".")[1], rest.partition(".")[0]
            assert here == there or height[there] < height[here], (module, later)


@pytest.mark.parametrize("name", own_format_names())
def test_what_is_imported_later_for_a_format_is_complete(name: str) -> None:
    plugin = load_plugin(name)
    check_complete(plugin.writer, is_whole=True)
    assert plugin.read_back is not None
    assert plugin.glance is not None


@pytest.mark.parametrize(("name", "package"), [("NEXUS", "h5py"), ("SPEC", "orjson")])
def test_a_package_that_is_missing_is_told_before_any_beam(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    told = rf"the format '{name.lower()}' cannot be imported: .*No module named '{package}'"
    with pytest.raises(ConfigError, match=told):
        read_iconfig({f"{name}_DATA_FILES": {"ENABLE": True}})


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package, in which another version can be installed."""
    source = Path(bluescribe.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, tmp_path / "lib" / "bluescribe", ignore=ignored)
    return tmp_path


def play(copied: Path, *programs: str) -> str:
    """Run a program with the copy, and return what it prints and logs."""
    start = f"import sys; sys.path.insert(0, {str(copied / 'lib')!r}); FOLDER = {str(copied)!r}\n"
    command = [sys.executable, "-c", start + "".join(map(dedent, (PRELUDE, *programs)))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


PRELUDE = """
    import logging, os, signal, time
    from pathlib import Path
    import bluescribe
    assert bluescribe.__file__.startswith(FOLDER)
    version = Path(bluescribe.__file__)

    def install(number):
        text = version.read_text().replace(f'"{bluescribe.__version__}"', f'"{number}"')
        version.write_text(text)

    class Heard(logging.Handler):
        said = ""

        def emit(self, record):
            self.said += record.getMessage() + os.linesep
            print(record.getMessage(), flush=True)

        def until(self, words):
            limit = time.monotonic() + 60
            while words not in self.said and time.monotonic() < limit:
                time.sleep(0.05)

    heard = Heard()
    logging.getLogger("bluescribe").addHandler(heard)
"""


def test_parts_of_another_version_are_not_imported(copied: Path) -> None:
    program = """
        bluescribe.CsvWriter
        install("99.0")
        try:
            bluescribe.NexusWriter
        except ImportError as error:
            print(error)
    """
    words = (
        f"bluescribe 99.0 was installed meanwhile, and this program has {bluescribe.__version__}"
    )
    assert play(copied, program).strip() == f"{words}: restart it"


UPGRADED = """
    from bluesky import RunEngine
    from bluesky.plans import count
    from ophyd.sim import det
    from bluescribe import subscribe_writers

    engine = RunEngine({}, context_managers=[])
    shared = {"DIRECTORY": f"{FOLDER}/data", "SPOOL": f"{FOLDER}/spool", "DRAIN_TIMEOUT": 30}
    shared["PROCESS"] = True
    on = {"ENABLE": True, "FILE_NAME": "run{scan_id}"}
    settings = {"DATA_FILES": shared, "NEXUS_DATA_FILES": on, "CSV_DATA_FILES": on}
    writers = subscribe_writers(engine, settings)
    engine(count([det], 3))
"""


@pytest.mark.ci
def test_a_session_goes_on_when_another_version_is_installed(copied: Path) -> None:
    """Its process dies then: nothing of the new version is loaded, and no run is lost."""
    program = """
        installed = version.read_text()
        install("99.0")
        tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        (process,) = " ".join(task.read_text() for task in tasks).split()
        os.kill(int(process), signal.SIGKILL)
        writers["nexus"].flush(0.2)
        engine(count([det], 3))
        assert writers["csv"].status().runs_written == 2
        heard.until("kept in the spool")
        assert "h5py" not in sys.modules
        version.write_text(installed)
        os._exit(0)  # as a session that is killed
    """
    shorter = UPGRADED.replace('"DRAIN_TIMEOUT": 30', '"DRAIN_TIMEOUT": 3')
    said = play(copied, shorter, program)
    assert "99.0 was installed meanwhile" in said
    assert "kept in the spool" in said
    assert not (copied / "data" / "run2.hdf").exists()
    play(
        copied,
        UPGRADED,
        """
        until = time.monotonic() + 60
        while not Path(f"{FOLDER}/data/run2.hdf").exists() and time.monotonic() < until:
            time.sleep(0.1)
        writers.close()
        """,
    )
    assert (copied / "data" / "run2.hdf").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_program_is_not_forked_while_a_thread_imports(tmp_path):
    """The child would wait for ever for a module that nobody imports any more."""
    (tmp_path / "slow_module.py").write_text("import time; time.sleep(0.5); value = 7\n")
    code = """
import os, signal, threading, time
from bluescribe.later import Later
value = Later("slow_module", "value")
threading.Thread(target=value.load).start()
time.sleep(0.1)
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(value.load())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "7\n", done.stderr


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_that_is_forked_as_the_session_begins_writes(tmp_path):
    code = """
import os, signal, sys
from bluesky import RunEngine
from bluescribe import CsvWriter, subscribe_writers
RE = RunEngine({}, context_managers=[])
formats = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("SPEC", "CSV")}
subscribe_writers(RE, {"DATA_FILES": {"DIRECTORY": "data"}, **formats})
child = os.fork()
if not child:
    signal.alarm(60)
    with CsvWriter("child") as writer:
        writer("start", {"uid": "u", "time": 1.0})
        writer("stop", {"uid": "s", "run_start": "u", "time": 2.0, "exit_status": "success"})
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("0\n"), done.stderr
    assert list((tmp_path / "child").iterdir())
