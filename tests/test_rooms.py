"""The pages about the rooms tell of the rooms that are there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import bluescribe

TOP = Path(__file__).resolve().parents[1]
PACKAGE = Path(bluescribe.__file__).parent
PAGES = [TOP / "docs" / "explanation" / name for name in ("architecture.md", "rooms.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_module_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)`", page.read_text()))
    there = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    inside = {name for name in there for parent in Path(name).parents if str(parent) != "."}
    known = there | {name.split("/", n)[-1] for name in inside for n in (1, 2, 3)}
    assert named - known == set()


def test_each_room_has_its_part_on_the_page() -> None:
    page = (TOP / "docs" / "explanation" / "rooms.md").read_text()
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"demo", "testing"}
    assert set(re.findall(r"automodule:: bluescribe\.(\w+)", page)) == rooms


def test_all_arrows_of_the_picture_lead_down(tmp_path: Path) -> None:
    pytest.importorskip("grimp")  # comes with the linter of imports
    script: dict[str, Any] = runpy.run_path(str(TOP / "docs" / "images" / "rooms.py"))
    script["draw"](tmp_path / "rooms.svg")
    assert (tmp_path / "rooms.svg").stat().st_size > 10_000
    drawn = {room for floor in script["floors"]() for room in floor}
    assert drawn >= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
