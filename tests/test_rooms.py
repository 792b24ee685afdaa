"""The pages about the rooms tell of the rooms that are there."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import bluescribe

TOP = Path(__file__).resolve().parents[1]
PACKAGE = Path(bluescribe.__file__).parent
ROOMS = sorted({path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"demo", "testing"})
PAGES = [TOP / "docs" / "explanation" / name for name in ("architecture.md", "rooms.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_module_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)`", page.read_text()))
    there = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    inside = {name for name in there for parent in Path(name).parents if str(parent) != "."}
    known = there | {name.split("/", n)[-1] for name in inside for n in (1, 2, 3)}
    assert named - known == set()


def test_each_place_of_the_table_is_there() -> None:
    """Who wants to change something finds what the table names, in every format."""
    page = (TOP / "docs" / "explanation" / "rooms.md").read_text()
    table = page.partition("## Which room")[2]
    named = set(re.findall(r"`((?:[\w<>]+/)*(?:[\w<>]+/|\w+\.(?:py|yml)))`", table))
    assert len(named) > 17
    formats = [path.parent.name for path in (PACKAGE / "formats").glob("*/__init__.py")]
    for name in named:
        for each in formats if "<format>" in name else ("",):
            assert (PACKAGE / name.replace("<format>", each)).exists(), name


def facts() -> list[tuple[str, list[str], list[str]]]:
    """Return the rows of the table of facts: the fact, who tells it, and in which modules."""
    page = (TOP / "docs" / "explanation" / "rooms.md").read_text()
    table = page.partition("## Which module knows what")[2].partition("## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    in_code = re.compile(r"`([^`]+)`")
    return [(row[0], in_code.findall(row[1]), in_code.findall(row[2])) for row in rows[2:]]


@pytest.mark.parametrize(("fact", "names", "modules"), facts())
def test_each_fact_is_told_where_the_table_says_and_nowhere_else(
    fact: str, names: list[str], modules: list[str]
) -> None:
    assert names, fact
    text = "".join((PACKAGE / module).read_text() for module in modules)
    for name in names:
        for part in name.split("."):
            told = re.compile(rf"^ *(?:def|class) {part}\b|^    {part}: ", re.MULTILINE)
            assert told.search(text), f"{part} is not in {modules}"
        again = re.compile(rf"^def {name}\(", re.MULTILINE)
        assert not [path for path in _formats() if again.search(path.read_text())]


def test_what_kind_of_number_a_type_holds_is_asked_of_the_model() -> None:
    """No format goes by numpy's letters, but for one at a time: how a value looks."""
    letters = re.compile(r'kind (?:not )?in "[biufc]{2,}"')
    assert not [path for path in _formats() if letters.search(path.read_text())]
    assert letters.search((PACKAGE / "model" / "numbers.py").read_text())


def _formats() -> list[Path]:
    rooms = ("formats", "hdf5", "contract", "delivery")
    return [path for room in rooms for path in (PACKAGE / room).rglob("*.py")]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_modules_and_rooms_that_are_there(room: str) -> None:
    """What stands in backticks in the docstring of a room is one of its modules, or a room."""
    docstring = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text())) or ""
    inside = {path.stem for path in (PACKAGE / room).iterdir()}
    rooms = {path.stem for path in PACKAGE.iterdir()}
    named = set(re.findall(r"(?<!`)`([a-z][a-z0-9_]*)`(?!`)", docstring))
    assert named - {"subscribe_writers"} <= inside | rooms


def test_each_room_has_its_part_on_the_page() -> None:
    page = (TOP / "docs" / "explanation" / "rooms.md").read_text()
    assert set(re.findall(r"automodule:: bluescribe\.(\w+)", page)) == set(ROOMS)


def test_all_arrows_of_the_picture_lead_down(tmp_path: Path) -> None:
    pytest.importorskip("grimp")  # comes with the linter of imports
    script: dict[str, Any] = runpy.run_path(str(TOP / "docs" / "images" / "rooms.py"))
    script["draw"](tmp_path / "rooms.svg")
    assert (tmp_path / "rooms.svg").stat().st_size > 10_000
    drawn = {room for floor in script["floors"]() for room in floor}
    assert drawn >= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
