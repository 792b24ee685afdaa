"""One rule for the names of files: what is made by it is recognised by it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.files import Place, part_beside, parts_of
from bluescribe.files.backup import Kept, being_recovered, is_put_by, keep, put_back
from bluescribe.files.run_names import (
    OWED,
    SESSION_TEMPLATE,
    begins_by,
    clean,
    free_names,
    is_at_work,
    is_beside_a_file,
    is_by_default,
    is_note_of,
    is_owed,
    is_part_of,
    is_surely_by,
    kept_names,
    name_at_work,
    name_before_work,
    name_of_part,
    of_noted,
    open_stem,
    session_of_open,
)
from bluescribe.files.run_paths import DEFAULT_TEMPLATE, run_path

times = st.one_of(st.floats(-6e10, 2e11), st.none(), st.text(max_size=3))
uids = st.one_of(st.uuids().map(str), st.text(min_size=1, max_size=20))
scan_ids = st.one_of(st.integers(-3, 10**9), st.none(), st.text(max_size=5))
stems = st.text(min_size=1, max_size=300).map(clean)
endings = st.sampled_from(["", ".hdf", ".dat", ".dx.h5", "-primary.csv"])
templates = st.sampled_from(
    [
        DEFAULT_TEMPLATE,
        SESSION_TEMPLATE,
        "{time:%Y}/{scan_id:05d}-{sample}",
        "{sample}-{time:%d. %b %Y, %H:%M:%S.%f}",
        "{{x}}{time:%j%%}",
        "fixed [name]",
        "{time}",
    ]
)


starts = st.fixed_dictionaries(
    {"uid": uids, "time": times, "scan_id": scan_ids, "sample": st.text(max_size=30)}
)


@given(templates, starts, st.integers(0, 3), endings)
def test_a_name_by_a_template_is_recognised(
    template: str, start: dict[str, Any], number: int, ending: str
) -> None:
    stem = run_path(Path(), template, start).name
    name = next(islice(free_names(stem, ending), number, None))
    assert begins_by(template, name)
    assert is_by_default(name) or template not in (DEFAULT_TEMPLATE, SESSION_TEMPLATE)
    assert not is_beside_a_file(name)


@pytest.mark.parametrize(
    ("template", "name", "is_ours"),
    [
        ("{sample}/{scan_id}-{uid:.7}", "12-1f5a9c3.hdf", True),
        ("{time:%Y}-{sample}", "2026-Fe.dat", True),
        ("{time:%Y}-{sample}", "Fe.dat", False),
        ("{uid}/{sample}", "notes.txt", False),
        ("{sample}", "notes.txt", False),
    ],
)
def test_a_template_without_time_and_uid_tells_nothing(
    template: str, name: str, is_ours: bool
) -> None:
    assert is_surely_by(template, name) is is_ours


@pytest.mark.parametrize("name", ["notes.txt", "20261122.dat", "2026-11-22 Fe.hdf", "S00042.csv"])
def test_what_somebody_else_calls_a_file_is_not_taken_for_ours(name: str) -> None:
    assert not is_by_default(name)


@given(stems, endings)
def test_what_stands_beside_a_file_is_told_from_runs(stem: str, ending: str) -> None:
    name = stem + ending
    beside = [*islice(kept_names(name), 3), name_at_work(name), name_of_part(name), name + OWED]
    assert all(map(is_beside_a_file, beside))
    assert is_at_work(name_at_work(name))
    assert name_before_work(name_at_work(name)) == name
    assert is_owed(name + OWED)
    assert of_noted(name + OWED) == name


@given(stems, stems, endings)
def test_parts_and_notes_belong_to_one_file(one: str, other: str, ending: str) -> None:
    name, another = one + ending, other + ending
    assert is_part_of(name, name_of_part(name))
    assert is_note_of(name, name + OWED)
    assert is_note_of(name, f"{name}-2{OWED}")
    if name.encode()[:199] != another.encode()[:199]:
        assert not is_part_of(another, name_of_part(name))
    assert name == another or not is_note_of(another, name + OWED)


@given(stems, st.integers(0, 2**31), uids, st.integers(0, 2))
def test_the_session_of_an_open_scan_is_found(
    session: str, number: int, uid: str, taken: int
) -> None:
    stem = open_stem(session, number, uid)
    (name,) = islice(free_names(stem, ".dat"), taken, taken + 1)
    assert session_of_open(Path(name).stem) == session
    assert len(name.encode()) <= 255
    assert not is_beside_a_file(name)
    assert session_of_open(session) is None or "-open" in session


def test_a_long_name_of_a_session_leaves_room_for_the_mark() -> None:
    stem = open_stem("s" * 255, 1, "1f5a9c3e")
    assert stem.endswith("-S00001-1f5a9c3-open")
    assert len(f"{stem}-2.dat") <= 255


def test_files_that_are_made_so_are_found_so(tmp_path: Path) -> None:
    path = tmp_path / ("s" * 240 + ".hdf")
    path.write_text("data")
    with part_beside(Place.at(path)) as part:
        assert parts_of(path) == [part.path]
    kept = Kept(path)
    kept.keep(path)
    kept.release()
    assert is_put_by(being_recovered(path))
    assert put_back(being_recovered(path), dry_run=False) == path
    short = tmp_path / "x.hdf"
    for expected in ("x.hdf.damaged", "x.hdf.damaged-2"):
        short.write_text("data")
        assert keep(short).name == expected
