"""Several runs at once, whole in some formats, late in others: nothing twice, nothing missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.system.adopting import (
    FORMATS,
    check,
    check_as_undisturbed,
    iconfig,
    left,
    next_session,
    session,
)
from tests.system.dying import put_back

pytestmark = pytest.mark.usefixtures("soon")

STORIES = {
    "interleaved": (
        "open a", "take a 3", "open b", "take b 2", "take a 1", "take b 2", "take a 1", "kill",
    ),
    "one inside the other": (
        "open a", "take a 2", "open b", "take b 3", "close b", "take a 2", "kill",
    ),
    "overlapping": (
        "open a", "take a 2", "open b", "take b 1", "close a", "take b 2", "open c", "take b 1",
        "take c 2", "close b", "take c 1", "kill",
    ),
    "after one another": (
        "open a", "take a 2", "close a", "open b", "take b 1", "close b", "open c", "take c 1",
        "kill",
    ),
}  # fmt: skip
AWAY = ("csv", "hdf5", "json")
"""Formats whose folder is away for a time."""


@pytest.mark.parametrize("story", STORIES)
def test_runs_at_the_same_time_are_all_finished(story, tmp_path):
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, *STORIES[story])
    with next_session(config):
        pass
    assert left() == []
    check(folder, documents)
    check_as_undisturbed(folder, documents, config)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("from the beginning", "for good"),
        ("from the second run on", "for good"),
        pytest.param("from the beginning", "until the last run", marks=pytest.mark.ci),
        pytest.param("from the second run on", "until the last run", marks=pytest.mark.ci),
    ],
)
def test_a_run_is_whole_in_some_formats_and_late_in_others(begin, end, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    config = split(here, there)
    documents = session(tmp_path, config, *steps_of(begin, end, there))
    if there.is_file():
        put_back(there)
    with next_session(iconfig(tmp_path / "other")):
        pass
    assert left() == []
    present = [name for name in FORMATS if name not in AWAY]
    check(here, documents, present)
    check(there, documents, AWAY)
    check_as_undisturbed(here, documents, iconfig(here, present))
    check_as_undisturbed(there, documents, iconfig(there, AWAY))


def steps_of(begin: str, end: str, folder: Path) -> list[str]:
    first, *others = (f"open {k}|take {k} 2" for k in "abc")
    away, back = f"away {folder}", f"back {folder}"
    is_late = begin == "from the second run on"
    last = [back, "flush"] if end == "until the last run" else []
    story = [*([] if is_late else [away]), first, "take a 1", *([away] if is_late else [])]
    story += [others[0], "take a 1", "close a", *last, others[1], "take b 1", "close b"]
    return [*"|".join(story).split("|"), "kill"]


def split(here: Path, there: Path) -> dict[str, Any]:
    """Return settings by which some formats are in a folder of their own."""
    own = {name: {"DIRECTORY": str(there)} for name in AWAY}
    return iconfig(here, RETRY_SECONDS=0, **own)
