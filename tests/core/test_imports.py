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
    assert [name for name in found if name.startswith("bluescribe.")] == ["bluescribe.errors"]


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
    assert ("h5py" in found) is (name == "nexus")
    assert not found & {"bluesky", "ophyd", "matplotlib", "dask", "pandas", "rich", "typer"}


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
    before = set(sys.modules)
    engine.subscribe(writer)
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
