"""A run's file does not depend on how many documents were written at once."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bluescribe.formats import load_format
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from tests.export.files import differences
from tests.export.live import AT_ONCE, FORMATS
from tests.extent import IS_LONG, some
from tests.formats.columns_of_all_kinds import run, streams

OVERLAPPING = {name for name in SHAPES if name.startswith(("nested", "interleaved"))}
"""Runs that go on at the same time: a SPEC file begins with the one that has points first."""

LONG = {"wide", "many_events", "fly_many_rows"}
"""Shapes whose events are too many to be written one by one."""

IN_COLUMNS = ("csv", "dx", "hdf5", "json", "nexus", "spec")
"""Formats that write events in columns; the others write each document as it came."""

EXAMPLES = 20 if IS_LONG else 2  # of ten seconds or so each


def write(folder, documents, *, flushed, formats=FORMATS, **chosen):
    """Write a run, and have all of it on disk after those documents whose numbers are given.

    What failed is returned.
    """
    failures: list[Any] = []
    for name in formats:
        writer_class = load_format(name)
        known = writer_class.settings_class.model_fields
        options = {k: v for k, v in {**AT_ONCE, **chosen}.items() if k in known}
        with writer_class(folder, **options) as writer:
            for number, pair in enumerate(documents):
                writer(*pair)
                if number in flushed:
                    writer.flush()
            failures += writer.status().failures
    return failures


def in_pages(documents):
    """Yield the same run with its events in pages, as far as they have the same fields."""
    events: list[Any] = []
    for name, doc in documents:
        if name == "event" and (not events or events[0]["data"].keys() == doc["data"].keys()):
            events.append(doc)
            continue
        yield from paged(events)
        events = [doc] if name == "event" else []
        if name != "event":
            yield name, doc
    yield from paged(events)


def paged(events):
    if events:
        columns = {
            part: {key: [event[part][key] for event in events] for key in events[0][part]}
            for part in ("data", "timestamps", "filled")
        }
        each = {key: [event[key] for event in events] for key in ("uid", "seq_num", "time")}
        yield "event_page", {**each, **columns, "descriptor": events[0]["descriptor"]}


@pytest.mark.ci
@pytest.mark.parametrize("name", some(name for name in SHAPES if name not in LONG))
def test_batches_are_not_seen_in_files(name, tmp_path, tmp_path_factory):
    documents = list(played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"))
    write(tmp_path / "together", documents, flushed=())
    write(tmp_path / "single", documents, flushed=range(len(documents)))
    wrong = differences(tmp_path / "together", tmp_path / "single")
    assert [n for n in wrong if name not in OVERLAPPING or not n.endswith(".dat")] == []


LATE = object()
"""Stands where an event does not have the field yet."""

COLUMNS: dict[str, list[Any]] = {
    "longer texts": ["a", "b" * 17, "c", "d" * 70],
    "text after nothing": [None, "abc", None, "d" * 30],
    "numbers after nothing": [None, [1, 2], [3, 4], None],
    "late": [LATE, LATE, 2, 3],
    "empty before full": [[], [1, 2], [], [3]],
    "more and more": [[1], [1, 2], [1, 2, 3], [0.5]],
    "integers, then not": [2**53 + 1, 1, 0.5, 2],
    "beyond all integers": [-1, 2**63, 2.5, 1],
    "numbers, then text": [2.5, 1, "text", 1],
    "texts of numbers": [1e-5, 1e16, None, "text"],
    "numpy's": [np.int8(1), np.int16(300), 5, np.float32(0.1)],
    "long doubles": [np.uint16(40000), np.longdouble("0.1"), 1, 0.5],
    "ragged, then text": [[1], [1, 2], "text", None],
    "gaps, then structure": [None, 0.5, {"a": 1e-5}, [1]],
    "truth": [True, 2, False, None],
    "an array at first": [[1, 2], 3, "text", [4]],
    "an image at first": [np.ones((2, 3)), [1, 2], [0.5, 1], 7],
    "large arrays": [np.arange(600.0), np.arange(600), np.arange(599.0), None],
}


@pytest.mark.parametrize("live", [True, False])
def test_the_first_values_decide_however_many_come(live, tmp_path):
    rows = zip(*COLUMNS.values(), strict=True)
    data = [{k: v for k, v in zip(COLUMNS, row, strict=True) if v is not LATE} for row in rows]
    keys = {name: {"source": "s", "dtype": "number", "shape": []} for name in COLUMNS}
    documents = list(run(keys, data))
    assert not write(tmp_path / "together", documents, flushed=(), formats=IN_COLUMNS, live=live)
    assert not write(
        tmp_path / "single", documents, flushed=range(99), formats=IN_COLUMNS, live=live
    )
    assert differences(tmp_path / "together", tmp_path / "single") == []


def test_room_that_was_lost_makes_no_file_large(tmp_path):
    data = [{"x": [0.5] * (4 * row)} for row in range(1, 101)]
    documents = list(run({"x": {"source": "s", "dtype": "array", "shape": [None]}}, data))
    assert not write(tmp_path / "together", documents, flushed=(), formats=("nexus", "hdf5"))
    assert not write(tmp_path / "single", documents, flushed=range(999), formats=("nexus", "hdf5"))
    assert differences(tmp_path / "together", tmp_path / "single") == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("live", [True, False])
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(documents=streams(), seed=st.integers(0, 99))
def test_columns_that_change_their_minds_are_the_same_in_any_batches(
    live, documents, seed, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("batches")
    numbers = range(len(documents))
    ways = {
        "single": (documents, numbers),
        "random": (documents, set(random.Random(seed).sample(numbers, len(numbers) // 2))),
        "pages": (list(in_pages(documents)), ()),
    }
    assert not write(folder / "together", documents, flushed=(), formats=IN_COLUMNS, live=live)
    for name, (played_so, flushed) in ways.items():
        assert not write(folder / name, played_so, flushed=flushed, formats=IN_COLUMNS, live=live)
        assert differences(folder / "together", folder / name) == [], name
