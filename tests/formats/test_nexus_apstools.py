"""Every path and value that apstools' NXWriterAPS writes stands in our file, or is listed here.

The list stands in docs/reference/nexus-layout.md too, with the reasons.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

from bluescribe import NexusWriter
from bluescribe.testing import documents
from bluescribe.testing.shapes import SHAPES
from tests.extent import IS_LONG, some
from tests.formats.beamline import APS, take
from tests.test_corpus import STREAMS, load

callbacks = pytest.importorskip("apstools.callbacks")

KNOWN = {"start", "descriptor", "event", "resource", "datum", "stop"}
"""Documents that apstools takes."""

_FIELD = r"/entry/instrument/bluesky/streams/[^/]+/[^/]+"

DIFFERENT = {
    rf"{_FIELD}/time": "seconds since the start of the run, one axis for all fields of a stream",
    r"/entry/(start|end)_time": "the zone is told",
    r"/entry/duration": "whole seconds, as NeXus has it; the exact ones are in collection_time",
    r"/entry/data/EPOCH": "epoch seconds, where apstools has seconds since the first reading",
    r"/entry/instrument/(positioners|detectors)/[^/]+/(value|data)/.*": (
        "value and data are datasets, as NeXus has them, where apstools has groups"
    ),
    r"/entry/instrument/monochromator/(mode|theta|y_offset|feedback_on)": "no field of NeXus",
    r"/entry/instrument/source/(fill_number|cycle)": "no field of NeXus",
    r"/entry/instrument/undulator/(device|location|energy_taper|gap_taper|version)": (
        "no field of NeXus"
    ),
    r"/entry/instrument/undulator/harmonic_value": "NeXus calls it harmonic",
    r"/entry/instrument/undulator/total_power": "NeXus calls it power",
    r".*[\x00-\x1f].*|.*/ ": "a name with a control character, or a blank at its end, is changed",
    r"/entry/data/(ad|left|right)": "the image of a device has one name, that of its field",
    r"/entry/instrument/bluesky/streams/primary/(ad|left|right)/(value|EPOCH)": "the same",
}
"""Patterns of paths, and why ours are absent or another value."""


def apstools_file(docs: list[tuple[str, Any]], folder: Path) -> Path | None:
    """Return what apstools writes of documents, None where it fails."""
    writer = callbacks.NXWriterAPS()
    writer.file_name = str(folder / "apstools.h5")
    writer.warn_on_missing_content = False
    writer._external_file_read_timeout = writer._external_file_read_retry_delay = 0.05
    failed: list[Any] = []
    hook, threading.excepthook = threading.excepthook, failed.append
    try:
        for name, doc in docs:
            writer.receiver(name, doc)
        writer.wait_writer()
    except Exception:
        return None
    finally:
        threading.excepthook = hook
    path = Path(writer.file_name)
    return path if path.exists() and not failed else None


def our_file(docs: list[tuple[str, Any]], folder: Path) -> Path:
    with NexusWriter(folder) as writer:
        for name, doc in docs:
            writer(name, doc)
    path = writer.status().last_file
    assert path is not None
    return path


def datasets(group: h5py.Group) -> Iterator[tuple[str, Any]]:
    for name, node in group.items():
        path = f"{group.name.rstrip('/')}/{name}"
        if isinstance(node, h5py.Group):
            yield from ((f"{path}{p[len(node.name) :]}", v) for p, v in datasets(node))
        else:
            yield path, node[()]


def unequal(theirs: Path, ours: Path) -> Iterator[str]:
    with h5py.File(theirs) as expected, h5py.File(ours) as found:
        for path, value in datasets(expected):
            if np.size(value) and not any(re.fullmatch(p, path) for p in DIFFERENT):
                yield from complaint(path, value, found)


def complaint(path: str, value: Any, found: h5py.File) -> Iterator[str]:
    node = found.get(path)
    in_plot = path.startswith("/entry/data/")
    if in_plot and not is_plotted(value, found, path.rpartition("/")[2]):
        return
    if not isinstance(node, h5py.Dataset):
        yield f"{path} is not there"
    elif "encoding" in node.attrs:
        return  # records, and columns of mixed types: JSON text of each value
    elif in_plot and node.shape != np.shape(value):
        shown = node[()]  # a grid, in its shape; NaN where it was not measured
        if not np.isin(shown[~np.isnan(shown)], value).all():
            yield f"{path}: {value!r} is {node[()]!r}"
    elif not is_same(value, node[()], node.attrs.get("text_format")):
        yield f"{path}: {value!r} is {node[()]!r}"


def is_plotted(value: Any, file: h5py.File, field: str) -> bool:
    """Tell whether a column is of numbers of one type: nothing else can be plotted."""
    column = file.get(f"/entry/instrument/bluesky/streams/primary/{field}/value")
    is_text = column is not None and "encoding" in column.attrs
    return np.asarray(value).dtype.kind in "iuf" and not is_text


def is_same(expected: Any, found: Any, text_format: str | None) -> bool:
    if text_format == "yaml":
        return _plain(yaml.unsafe_load(text(expected))) == _plain(yaml.safe_load(text(found)))
    if isinstance(expected, bytes):
        return text(expected) == text(found)
    expected, found = np.asarray(expected), np.asarray(found)
    if expected.dtype.kind == "O":
        return [text(v) for v in expected.flat] == [text(v) for v in found.flat]
    is_float = expected.dtype.kind == found.dtype.kind == "f"
    return np.array_equal(expected, found, equal_nan=is_float)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def survivors(runs: dict[str, list[tuple[str, Any]]], folder: Path) -> list[str]:
    """Compare, and return the runs of which apstools writes a file with all events."""
    found, differences = [], {}
    for name, docs in runs.items():
        kinds = [kind for kind, _ in docs]
        if not set(kinds) <= KNOWN or kinds.count("start") > 1:
            continue
        (folder / name).mkdir()
        theirs = apstools_file(docs, folder / name)
        if theirs is not None:
            found.append(name)
            differences[name] = list(unequal(theirs, our_file(docs, folder / name / "ours")))
    assert [f"{name}: {line}" for name, lines in differences.items() for line in lines] == []
    return found


def test_an_aps_instrument(tmp_path):
    docs: list[tuple[str, Any]] = []
    take(tmp_path / "own", APS, documents=docs)
    assert survivors({"aps": docs}, tmp_path) == ["aps"]


@pytest.mark.ci
@pytest.mark.skipif(not STREAMS, reason="the corpus is not there")
def test_the_corpus(tmp_path):
    runs = {path.stem: load(path) for path in STREAMS[:: 1 if IS_LONG else 3]}
    assert len(survivors(runs, tmp_path)) > len(runs) / 2


def test_the_shapes_of_the_contract(tmp_path):
    runs = {}
    for name in some(SHAPES):
        (tmp_path / "assets" / name).mkdir(parents=True)
        runs[name] = documents(name, tmp_path / "assets" / name)
    assert len(survivors(runs, tmp_path)) > len(runs) / 2
