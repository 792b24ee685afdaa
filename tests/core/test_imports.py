"""What is imported, and when: before a scan, never in it, and nothing that is not used."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

from tests.extent import IS_LONG

FORMATS = ["csv", "jsonl", "nexus", "spec"]
HEAVY = [
    "bluesky",
    "event_model",
    "h5py",
    "matplotlib",
    "numpy",
    "ophyd",
    "orjson",
    "pydantic",
    "yaml",
]


def child(program, *arguments):
    """Run a program in an interpreter of its own and return the lines that it prints."""
    command = [sys.executable, "-c", dedent(program), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_the_package_imports_nothing_else():
    program = """
        import sys, bluescribe
        dir(bluescribe), bluescribe.__version__
        print(*(name for name in sys.modules if name.partition(".")[0] != "bluescribe"))
        print(*(name for name in sys.modules if name.startswith("bluescribe.")))
    """
    found = child(program)
    assert not set(HEAVY) & set(found)
    own = [name for name in found if name.startswith("bluescribe.")]
    assert own == ["bluescribe.errors", "bluescribe.later"]


def test_the_front_door_imports_no_format_and_no_bluesky():
    program = """
        import sys
        from bluescribe import subscribe_writers
        print(*sys.modules)
    """
    found = set(child(program))
    assert not found & {"bluesky", "ophyd", "h5py", "matplotlib", "dask", "pandas", "rich", "typer"}
    assert not found & {f"bluescribe.formats.{name}" for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_a_writer_imports_no_other_format(name):
    program = """
        import sys, bluescribe
        getattr(bluescribe, sys.argv[1].capitalize() + "Writer")
        print(*sys.modules)
    """
    found = set(child(program, name))
    assert f"bluescribe.formats.{name}" in found
    assert not found & {f"bluescribe.formats.{other}" for other in FORMATS if other != name}
    assert not found & {"h5py", f"bluescribe.formats.{name}.runfile"}  # a process may write
    assert not found & {"bluesky", "ophyd", "matplotlib", "dask", "pandas", "rich", "typer"}


NOT_IN_A_SESSION = [
    "bluescribe.archive",  # nothing was left by an earlier session
    "bluescribe.assets.hdf5.reader",
    "bluescribe.commands",
    "bluescribe.delivery.base",
    "bluescribe.delivery.settings",
    "bluescribe.formats.nexus.content",
    "bluescribe.formats.nexus.runfile",
    "bluescribe.hdf5.file",
    "bluescribe.hdf5.finished.recovery",
    "dask",
    "h5py",
    "hdf5plugin",
    "jinja2",
    "pandas",
    "rich",
    "tifffile",
    "tiled",
    "typer",
]
"""What a process of its own writes with, and what only commands and few settings need.

All of it was loaded into the RunEngine's process, or could be: 60 to 100 ms before the first scan,
many objects, which the next collection of garbage goes through, and HDF5 beside the user's own.
"""

SESSION = """
    import logging, sys, threading, time
    from pathlib import Path
    from bluesky import RunEngine
    import bluesky.plans as bp
    from ophyd.sim import det, motor
    engine = RunEngine({}, context_managers=[])
    engine(bp.scan([det], motor, 0, 1, 2))  # warms up bluesky's own imports
    before = set(sys.modules)  # an instrument may have loaded any of it
    folder = Path(sys.argv[1])
    (folder / "data").mkdir()
    (folder / "data" / "earlier.hdf").write_bytes(bytes(2000))  # looked at, when a session begins
    def tell(what):
        print(what, *(set(sys.modules) - before))
    from bluescribe import subscribe_writers
    tell("imported")
    shared = {"DIRECTORY": folder / "data", "SPOOL": folder / "spool", "DRAIN_TIMEOUT": 60}
    shared["PROCESS"] = True
    on = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("NEXUS", "SPEC")}
    writers = subscribe_writers(engine, {"DATA_FILES": shared, **on})
    tell("subscribed")
    for name in ("bluescribe-begins", "bluescribe-incomplete", "bluescribe-owed"):
        for thread in [each for each in threading.enumerate() if each.name == name]:
            thread.join(60)
    tell("begun")
    engine(bp.scan([det], motor, 0, 1, 2))
    status = writers.status()
    assert status["nexus"].runs_written == status["spec"].runs_written == 1, status
    tell("run")
    writers.close()
"""


@pytest.mark.ci
def test_a_session_has_nothing_that_a_process_of_its_own_writes_with(tmp_path):
    command = [sys.executable, "-c", dedent(SESSION), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    loaded = {what: set(names) for what, *names in map(str.split, done.stdout.splitlines())}
    assert {what: sorted(names & {*NOT_IN_A_SESSION}) for what, names in loaded.items()} == {
        "imported": [],
        "subscribed": [],
        "begun": [],
        "run": [],
    }
    assert "bluescribe.formats.spec.runfile" in loaded["begun"]  # a thread of the session writes
    assert loaded["run"] == loaded["begun"]


FIRST_RUN = """
    import sys
    import bluescribe
    from bluesky import RunEngine
    import bluesky.plans as bp
    from ophyd.sim import det, motor, img, direct_img
    from pathlib import Path
    folder = Path(sys.argv[1])
    engine = RunEngine({"sample": {"name": "Fe", "at": None}}, context_managers=[])
    writer = getattr(bluescribe, sys.argv[2].capitalize() + "Writer")(folder)
    engine(bp.scan([det], motor, 0, 1, 2))  # warms up bluesky's own imports
    receiver = writer.receiver  # this session writes itself
    before = set(sys.modules)
    engine.subscribe(receiver)
    engine(bp.scan([det, direct_img], motor, 0, 1, 2), sample="Cu", nested={"a": [1, 2.5, None]})
    status = writer.status()
    assert status.runs_written == 1 and not status.failures, status
    writer.close()
    print(*(set(sys.modules) - before))
"""


@pytest.mark.parametrize("name", FORMATS if IS_LONG else ["csv", "nexus"])
def test_nothing_is_imported_during_the_first_run(name, tmp_path):
    assert child(FIRST_RUN, str(tmp_path), name) == []


def test_a_name_that_is_not_there_is_told():
    program = """
        import bluescribe
        try:
            bluescribe.NoWriter
        except AttributeError as error:
            print(error)
    """
    assert " ".join(child(program)) == "module 'bluescribe' has no attribute 'NoWriter'"


def test_every_public_name_is_there():
    program = """
        import bluescribe
        assert set(bluescribe.__all__) <= set(dir(bluescribe))
        print(*(getattr(bluescribe, name).__name__ for name in bluescribe.__all__))
    """
    import bluescribe

    assert child(program) == bluescribe.__all__
