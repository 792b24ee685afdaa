"""Runs of more signals than there are datasets open: the same file, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run

from bluescribe import Hdf5Writer, NexusWriter
from bluescribe.hdf5 import handles
from bluescribe.hdf5.finished import compact, contiguous

_SIGNALS, _EVENTS = 12, 6


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """A run of numbers, one of which is missing for a while, and one that becomes a text."""
    run = compose_run(time=1.7e9, uid="many", metadata={"scan_id": 1, "plan_name": "count"})
    yield "start", dict(run.start_doc)
    names = [f"signal_{number}" for number in range(_SIGNALS)]
    keys = {name: {"source": "SIM", "dtype": "number", "shape": []} for name in names}
    stream = run.compose_descriptor(
        name="primary",
        data_keys=keys,
        time=1.7e9,
        uid="primary",
        object_keys={name: [name] for name in names},
        hints={},
    )
    yield "descriptor", dict(stream.descriptor_doc)
    for row in range(_EVENTS):
        data: dict[str, Any] = {name: row + n / 7 for n, name in enumerate(names)}
        data["signal_3"] = row if row != 2 else None
        data["signal_5"] = row if row < 4 else f"row {row}"
        event = stream.compose_event(
            data=data,
            timestamps=dict.fromkeys(names, 1.7e9 + row),
            time=1.7e9 + row,
            uid=f"event {row}",
            validate=False,
        )
        yield "event", dict(event)
    yield "stop", dict(run.compose_stop(time=1.7e9 + 9, uid="stop"))


def written(writer: Any) -> dict[str, Any]:
    """Return all that is in the file of a run each of whose documents is flushed."""
    for name, doc in documents():
        writer(name, doc)
        assert writer.flush()
    writer.close()
    path = writer.status().last_file
    found: dict[str, Any] = {}
    with h5py.File(path) as file:

        def keep(name: str, item: h5py.HLObject) -> None:
            told = {key: np.asarray(value).tolist() for key, value in item.attrs.items()}
            values = item[()].tolist() if isinstance(item, h5py.Dataset) else None
            found[name] = told, repr(values)

        file.visititems(keep)
    return found


@pytest.mark.parametrize("kind", [NexusWriter, Hdf5Writer])
def test_a_file_of_many_datasets_is_as_one_of_few(
    kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = written(kind(tmp_path / "data"))
    (tmp_path / "data").rename(tmp_path / "few")
    monkeypatch.setattr(handles, "_MOST_OPEN", 3)
    assert written(kind(tmp_path / "data")) == few
    assert any("signal_11" in name for name in few)


def test_a_file_that_would_grow_too_much_is_not_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays in the format of HDF5 1.10, and is not read into memory first."""
    monkeypatch.setattr(contiguous, "_MOST_DATASETS", 5)
    monkeypatch.setattr(compact, "image_of", lambda _file: pytest.fail("it was copied"))
    writer = NexusWriter(tmp_path)
    for name, doc in documents():
        writer(name, doc)
        if name == "start":  # a file that is there before the run is over grows
            assert writer.flush()
    writer.close()
    path = writer.status().last_file
    assert path is not None
    assert path.read_bytes()[8] == 3
    with h5py.File(path) as file:
        assert len(file["entry/data/signal_11"]) == _EVENTS
