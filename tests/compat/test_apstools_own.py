"""apstools' own tests of its file writers are played on ours; the page says which ones fail.

Its wheel has the tests, and not the data that most of them read: those are skipped, unless an
apstools is installed that has the data.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.needs import needs

apstools = pytest.importorskip("apstools")
needs("databroker")

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs/how-to/from-apstools.md"
PLAYED = (
    "test_440_specwriter.py",
    "test_filewriter.py",
    "test_i1123_specwriter.py",
    "test_specwriter.py",
)
"""Without those that need EPICS IOCs."""


def copy_of_apstools(folder: Path) -> Path:
    """Return a folder that holds the installed package: its tests are to write nothing there."""
    shutil.copytree(
        Path(apstools.__file__).parent,
        folder / "apstools",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


def play(folder: Path) -> dict[str, bool]:
    """Play the tests on our classes; return which ones were played, and passed."""
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
    cases = [
        case for case in ElementTree.parse(report).iter("testcase") if not has(case, "skipped")
    ]
    return {name_of(case): not (has(case, "failure") or has(case, "error")) for case in cases}


def has(case: ElementTree.Element, child: str) -> bool:
    return case.find(child) is not None


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
    assert failed == meant_to_fail() & passed.keys()
    numbers = f"{len(passed) - len(failed)} of {len(passed)} pass"
    assert numbers in PAGE.read_text()
