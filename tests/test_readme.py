"""What README claims is there: formats, readers, commands, keys, links and figures."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

import bluescribe
from bluescribe.commands.cli import app
from bluescribe.config.config import read_iconfig
from bluescribe.delivery import delivery_names
from bluescribe.formats import format_names
from bluescribe.testing import SHAPES
from tests.test_corpus import STREAMS

TOP = Path(__file__).resolve().parent.parent
TEXT = (TOP / "README.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
FORMATS = {
    "SPEC": "spec",
    "NeXus": "nexus",
    "CSV": "csv",
    "JSON Lines": "jsonl",
    "JSON": "json",
    "HDF5": "hdf5",
    "TIFF": "tiff",
    "Data Exchange": "dx",
}
MODULES = {"NeXpy (nexusformat)": "nexusformat", "PyMca": "PyMca5"}
"""Readers by the name of their module, where it is another one than they are called by."""
BY_NAME = ("import_module", "importorskip")
"""Functions that import."""
ALSO = {"nexus": ("readers/plots.py", "viewers/*.py"), "tiff": ("viewers/test_tiff.py",)}
"""Tests of a format that are not called after it, below tests/."""
OTHERS = {"ImageJ": TOP / "tests" / "readers" / "ImageJ.java"}
"""Readers that are no modules of Python, by what starts them."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def readers() -> dict[str, list[str]]:
    """Return who opens a format in tests, as README has it."""
    rows = {row[0].strip(): row[-1].strip() for row in ROWS if row[0].strip() in FORMATS}
    return {name: cell.split(", ") for name, cell in rows.items()}


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, at its top and inside of functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(BY_NAME):
            found |= {str(a.value) for a in node.args if isinstance(a, ast.Constant)}
    return {name.partition(".")[0] for name in found}


def used_in_tests(kind: str) -> set[str]:
    """Return what the tests of a format, and the readers that they call, import."""
    folders = (TOP / "tests" / name for name in ("formats", "readers"))
    called = {path for folder in folders for path in folder.rglob("*.py")}
    files = {path for path in called if re.search(rf"(\b|_){kind}(\b|_)", path.stem)}
    files |= {path for pattern in ALSO.get(kind, ()) for path in (TOP / "tests").glob(pattern)}
    return {module for path in files for module in imported(path)}


def test_every_format_is_in_the_table():
    assert set(readers()) == set(FORMATS)
    assert set(FORMATS.values()) == set(format_names())


@pytest.mark.parametrize("format_name", FORMATS)
def test_readers_are_those_that_tests_open_files_with(format_name):
    used = used_in_tests(FORMATS[format_name])
    for reader in readers()[format_name]:
        if reader in OTHERS:
            assert OTHERS[reader].exists(), reader
            continue
        module = MODULES.get(reader, reader)
        assert module in used, f"no test of {format_name} imports {module}"


def test_commands_are_there():
    there = get_command(app).commands  # type: ignore[attr-defined]
    lines = [line for block in blocks("console") for line in block.splitlines()]
    named = {line.split()[2] for line in lines if line.startswith("$ bluescribe ")}
    named |= set(re.findall(r"`bluescribe (\w+)", TEXT))
    assert {"demo", "export"} <= named <= set(there)
    for line in lines:
        if line.startswith("$ bluescribe "):
            words = line.partition("#")[0].split()
            options = {name for each in there[words[2]].params for name in each.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


def test_verbs_of_bootstrap_are_there():
    import bootstrap

    assert set(re.findall(r"bootstrap\.py (\w+)", TEXT)) <= set(bootstrap.VERBS)


def test_the_extra_is_there():
    pyproject = (TOP / "pyproject.toml").read_text()
    assert all(f"\n{name} = [" in pyproject for name in re.findall(r"bluescribe\[(\w+)\]", TEXT))


def test_keys_are_those_that_are_read(tmp_path):
    (block,) = blocks("yaml")
    path = tmp_path / "iconfig.yml"
    path.write_text(block)
    assert {config.name for config in read_iconfig(path).writers} == {"spec", "nexus"}
    known = yaml.safe_load((TOP / "iconfig.yml").read_text())
    old = {"WRITE_SPEC_DATA_FILES"}
    deliveries = {name.upper() for name in delivery_names()}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+|TILED|GLOBUS)`", TEXT))
    shared = set(known["DATA_FILES"])
    assert named <= set(known) | old | deliveries | shared, named


def test_public_names_are_there():
    names = re.findall(r"from bluescribe import (\w+)", TEXT)
    assert names
    assert set(names) <= set(bluescribe.__all__)


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT)
    assert not [link for link in links if not (TOP / link).exists()]


def test_numbers_of_runs_are_those_of_the_tests():
    told = re.search(r"(\d+) of (\d+), and (\d+) shapes of run", TEXT)
    assert told is not None
    assert int(told[3]) == len(SHAPES)
    if STREAMS:
        assert told[1] == told[2] == str(len(STREAMS))


def test_figures_of_speed_are_in_the_table_that_is_linked():
    row = next(row for row in ROWS if row[0].startswith("**The scan comes first**"))
    told = re.findall(r"([\d.]+) x", " ".join(row))
    speed = (TOP / "docs" / "explanation" / "speed.md").read_text()
    section = speed.partition("### README")[2].partition("\n## ")[0]
    assert told
    assert all(f"{figure} x" in section for figure in told), told


def test_the_first_screen_is_short():
    """Title, what, for whom, picture, one line that installs, two commands: on one screen."""
    first = TEXT.partition("Or in IPython")[0]
    assert len(first.splitlines()) < 30
    assert first.count("pip install") == 1
    assert "growing.png" in first
