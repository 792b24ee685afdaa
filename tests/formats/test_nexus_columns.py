"""How NeXus columns are stored, and that arrays of every kind arrive in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run

from bluescribe import NexusWriter

STREAMS = "/entry/instrument/bluesky/streams"


def write(
    folder: Path, name: str, pages: list[Any], live: bool = True, **metadata: Any
) -> h5py.File:
    """Write a stream of one field, a page or a value at a time, and open the file."""
    run: Any = compose_run(metadata=metadata)
    key: Any = {"dtype": "array", "shape": [None], "source": "sim"}
    stream = run.compose_descriptor(name=name, data_keys={"x": key})
    with NexusWriter(folder, live=live) as writer:
        writer("start", run.start_doc)
        writer("descriptor", stream.descriptor_doc)
        row = 0
        for page in pages:
            stamps = [1.0] * len(page)
            numbers = list(range(row + 1, row + len(page) + 1))
            doc = stream.compose_event_page(
                data={"x": page},
                timestamps={"x": stamps},
                seq_num=numbers,
                time=stamps,
                validate=False,
            )
            writer("event_page", doc)
            writer.flush()
            row += len(page)
        writer("stop", run.compose_stop())
        status = writer.status()
    assert not status.failures
    assert status.last_file is not None
    return h5py.File(status.last_file)


@pytest.fixture
def _left_as_it_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluescribe.hdf5.file.compact", lambda *_: False)


@pytest.mark.usefixtures("_left_as_it_grew")
@pytest.mark.parametrize(
    ("stream", "metadata", "pages", "rows"),
    [
        ("baseline", {}, [[0.5], [0.5]], 2),
        ("baseline", {"num_points": 1000}, [[0.5], [0.5]], 2),
        ("primary", {"num_points": 500}, [[0.5]], 500),
        ("primary", {"num_points": 10**9}, [[0.5]], 2048),
        ("primary", {"num_points": 1}, [[0.5]], 64),  # it may be wrong: not a chunk a row
        ("primary", {"num_points": "many"}, [[0.5]], 256),
        ("primary", {}, [[0.5]], 256),
        ("primary", {"num_points": 5}, [[0.5] * 900], 900),  # a page as its producer sent it
        ("monitor", {"num_points": 5}, [[0.5]], 256),  # it is said of the primary stream
        ("primary", {"num_points": 500}, [[np.zeros(2**13)]], 4),
        ("primary", {"num_points": 500}, [[np.zeros(2**20)]], 1),
    ],
)
def test_a_chunk_holds_what_is_expected(stream, metadata, pages, rows, tmp_path) -> None:
    with write(tmp_path, stream, pages, **metadata) as file:
        assert file[f"{STREAMS}/{stream}/x/value"].chunks[0] == rows


GRID = np.arange(6 * 40 * 50.0).reshape(6, 40, 50)
ARRAYS: dict[str, Any] = {
    "rows": list(GRID),
    "one array": GRID,
    "Fortran's order": np.asfortranarray(GRID),
    "rows in Fortran's order": [np.asfortranarray(row) for row in GRID],
    "every second": np.repeat(GRID, 2, axis=2)[:, :, ::2],
    "rows backwards": [row[:, ::-1] for row in GRID[:, :, ::-1]],
    "big-endian": GRID.astype(">f8"),
    "big-endian rows": list(GRID.astype(">f8")),
    "mixed rows": [*GRID.astype("f4")[:3], *GRID[3:]],
    "large rows": list(np.tile(GRID, (1, 5, 5))),
}


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_arrive_however_they_lie_in_memory(name: str, live: bool, tmp_path: Path) -> None:
    values = ARRAYS[name]
    with write(tmp_path, "primary", [values, values], live=live) as file:
        found = file[f"{STREAMS}/primary/x/value"][()]
    assert found.dtype.isnative
    assert np.array_equal(found, [*values, *values])


def test_large_arrays_that_change_their_shape_become_ragged(tmp_path: Path) -> None:
    pages = [list(np.ones((3, 900))), list(np.ones((2, 700))), [None], list(np.ones((2, 900)))]
    with write(tmp_path, "primary", pages) as file:
        group = file[f"{STREAMS}/primary/x"]
        assert group["value_shape"][()].ravel().tolist() == [900] * 3 + [700] * 2 + [0] + [900] * 2
        assert group["value_missing"][()].tolist() == [5]
        assert np.nansum(group["value"]) == 5 * 900 + 2 * 700


@pytest.mark.parametrize("rows", [["a\0b"], ["long enough", "a\0b"], [["a\0b", "c"]]])
def test_a_nul_inside_text_does_not_cut_it(rows, tmp_path):
    with write(tmp_path, "primary", [[row] for row in rows]) as file:
        values = file[f"{STREAMS}/primary/x/value"]
        assert values.attrs["encoding"] == "JSON text of each value"
        assert [json.loads(text) for text in values[()]] == rows
