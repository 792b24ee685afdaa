"""Install the oldest versions that pyproject.toml allows, and run tests with them.

    python3 bootstrap.py lowest             # the core of the tests, as .ci/run does
    python3 bootstrap.py lowest tests -k spec

What users get is as old as it may be; what only tests use is as new as it can be beside that. numpy
is newer than its bound there, as ophyd-async wants it: so another environment has what bluescribe
alone wants, and a scan in every format; and once more with an h5py that has HDF5 1.14.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from environments import TOP, Environment, step, temporary_folder
from uses import USES

LONG = "BLUESCRIBE_LONG_FAULTS"
EXTRAS = ("compression", "demo", "images", "zmq")
"""Extras whose oldest versions are tested with ours; others bring newer ones of what we want."""
TOOLS = (
    "frictionless",
    "hypothesis",
    "ipython",
    "nexusformat",
    "pandas",
    "psutil",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "silx",
    "spec2nexus",
    "suitcase-msgpack",
    "sybil",
    "xarray",
    "xrayutilities",
)
CORE = (
    *("tests/core", "tests/formats", "tests/spool", "tests/test_demo.py", "tests/test_contract.py"),
    "--ignore=tests/formats/test_external_parameters.py",  # wants tiled, as the next does
    "--ignore=tests/formats/test_plugin_frames.py",
)
OF_OTHERS = ("-W", "ignore::DeprecationWarning")
"""Old matplotlib calls what new pyparsing has under another name; such warnings are errors else."""


def main(argv: list[str]) -> int:
    """Make both environments; run tests in one, a scan in the other."""
    with temporary_folder() as folder:
        with step("the oldest versions, without extras: a scan in every format, and an export"):
            alone = Environment(folder / "alone")
            alone.install("-r", str(oldest(folder / "alone.txt", ())), "--no-deps", "-e", str(TOP))
            alone.run("python", "-c", USES[""], seconds=300)
            alone.run("bluescribe", "export", "--help")
        with step("the same with HDF5 1.14, which h5py of other channels may have"):
            alone.install("h5py==3.11.0")
            alone.run("python", "-c", USES[""], seconds=300)
        with step("the oldest versions, with extras: the tests"):
            tested = Environment(folder / "tested")
            pins = oldest(folder / "tested.txt", EXTRAS)
            tested.install("-r", str(pins))
            tested.install("-c", str(pins), *TOOLS)
            tested.install("--no-deps", "-e", str(TOP))
            return run_tests(tested, argv or [*CORE, "-n", "4"])


def oldest(path: Path, extras: tuple[str, ...]) -> Path:
    """Write which versions are the oldest that are allowed of what bluescribe names itself."""
    options = [option for extra in extras for option in ("--extra", extra)]
    compile_ = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--no-annotate", "--no-header"]
    lowest = ["--resolution", "lowest-direct", "-p", sys.executable]
    pyproject = str(TOP / "pyproject.toml")
    subprocess.run([*compile_, *lowest, pyproject, *options, "-o", str(path)], check=True)
    print(path.read_text(encoding="utf-8"))
    return path


def run_tests(environment: Environment, arguments: list[str]) -> int:
    """Run tests of the repository; return the exit status."""
    pytest = [environment.program("python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # what takes long is tested with the newest versions
    variables = {name: value for name, value in os.environ.items() if name != LONG}
    command = [*pytest, *OF_OTHERS, *arguments]
    return subprocess.run(command, cwd=TOP, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
