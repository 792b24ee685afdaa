"""apstools' own tests of its file writers are played on ours; the page says which ones fail.

They are in its wheel. What they read is not, and stands in apstools_data.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

apstools = pytest.importorskip("apstools")
pytest.importorskip("databroker")

HERE = Path(__file__).parent
TOP = HERE.parents[1]
DATA = HERE / "apstools_data"
PAGE = TOP / "docs/how-to/from-apstools.md"
PLAYED = (
    "test_440_specwriter.py",
    "test_filewriter.py",
    "test_i1123_specwriter.py",
    "test_specwriter.py",
)
"""Without those that need EPICS IOCs."""


def copy_of_apstools(folder: Path) -> Path:
    """Return a folder that holds the installed package, with the data of its tests."""
    package = folder / "apstools"
    shutil.copytree(
        Path(apstools.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    for path in DATA.glob("*/**/*.*"):
        target = package / path.relative_to(DATA)
        if path.name.endswith(".json.gz") and path.parent.parent.name == "callbacks":
            target.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        else:
            shutil.copy(path, target)
    return folder


def play(folder: Path) -> dict[str, bool]:
    """Play the tests on our classes; return which ones passed."""
    report = folder / "report.xml"
    names = [f"apstools/callbacks/tests/{name}" for name in PLAYED]
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.compat.apstools_on_ours"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junit-xml={report}", *names],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(TOP / "src"), str(TOP)]),
        },
        check=False,
        capture_output=True,
        timeout=280,
    )
    cases = ElementTree.parse(report).iter("testcase")
    return {
        name_of(case): not list(case.iter("failure")) + list(case.iter("error")) for case in cases
    }


def name_of(case: ElementTree.Element) -> str:
    file = case.attrib["classname"].rpartition(".")[2]
    return f"{file}.py::{case.attrib['name']}"


def meant_to_fail() -> set[str]:
    rows = re.findall(r"^\| `(test_\w+\.py::[^`]+)` \| .+ \|$", PAGE.read_text(), re.MULTILINE)
    assert rows
    return set(rows)


@pytest.mark.ci
def test_those_of_apstools_pass_or_stand_on_the_page_with_a_reason(tmp_path):
    passed = play(copy_of_apstools(tmp_path))
    failed = {name for name, is_passed in passed.items() if not is_passed}
    assert failed == meant_to_fail()
    numbers = f"{len(passed) - len(failed)} of {len(passed)} pass"
    assert numbers in PAGE.read_text()
