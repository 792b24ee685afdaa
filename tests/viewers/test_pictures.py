"""The pictures of the documentation are those that can be taken anew."""

from __future__ import annotations

import re

from tests.viewers.beamline import RUNS
from tests.viewers.sheet import FOLDER, MASTER, NAMES, PROGRAMS

PAGE = FOLDER.parents[1] / "reference/viewers.md"


def test_the_page_shows_each_picture_once() -> None:
    shown = re.findall(r"images/viewers/(\w+)\.png", PAGE.read_text(encoding="utf-8"))
    wanted = sorted([*NAMES, *PROGRAMS])
    assert sorted(shown) == wanted == sorted(path.stem for path in FOLDER.glob("*.png"))


def test_each_run_has_a_picture() -> None:
    assert sorted([*RUNS, MASTER]) == sorted(NAMES)


def test_the_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000
