"""Every value of every shape of run comes back, or is named with its place."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..shapes import SHAPES
from ..transform import interleave
from .base import ContractBase
from .playing import MANNERS, NAMES, played

__all__ = ["RoundTrip"]

_LIVE = (
    "scan",
    "grid_scan_snaked",
    "baseline",
    "monitors",
    "pause_resume",
    "reconfigured",
    "events_and_pages",
    "strings",
    "nones",
    "mca",
    "ragged",
    "integer_turning_float",
    "float_turning_text",
    "resource_hdf5",
    "stream_scan_rollover",
)
"""Runs that are also read while they go on."""

_REUSED = (
    "one_buffer_reused",
    "images",
    "lists",
    "structures",
    "fly_pages_of_arrays",
    "configuration",
)
"""Runs whose producers use their arrays, lists and dictionaries again."""


class RoundTrip(ContractBase):
    """Tests of what is in the files."""

    @pytest.mark.parametrize("manner", MANNERS)
    @pytest.mark.parametrize("name", NAMES)
    def test_every_value_is_read_back(
        self, name: str, manner: str, tmp_path: Path, shapes_folder: Path
    ) -> None:
        """Read files as soon as the writer has received the stop, without waiting."""
        documents = played(name, manner, shapes_folder)
        with self.make(tmp_path) as writer:
            for document in documents:
                writer(*document)
            if SHAPES[name].finished:
                self.check_status(writer)
                self.check_runs(self.read_back(tmp_path), documents)
        self.check_status(writer)
        assert not writer.status().discrepancies, "all came, and is taken to be missing"
        self.check_runs(self.read_back(tmp_path), documents)
        if manner == "plain":
            self.check_files(tmp_path)

    @pytest.mark.parametrize("name", _LIVE)
    def test_events_so_far_are_read_in_mid_run(
        self, name: str, tmp_path: Path, shapes_folder: Path
    ) -> None:
        """Read after a flush, in the middle of the run, before its stop, and after it."""
        documents = played(name, "plain", shapes_folder)
        last = max(i for i, (kind, _) in enumerate(documents) if kind == "stop")
        with self.make(tmp_path) as writer:
            written = 0
            for end in (len(documents) // 2, last):
                for document in documents[written:end]:
                    writer(*document)
                written = end
                assert writer.flush(timeout=60), "flush() did not come to an end"
                self.check_live(self.read_live(tmp_path), documents[:end])
            for document in documents[last:]:
                writer(*document)
            self.check_runs(self.read_back(tmp_path), documents)
        self.check_files(tmp_path)

    def test_interleaved_runs_are_kept_apart(self, tmp_path: Path, shapes_folder: Path) -> None:
        """Merge two runs document by document."""
        names = ("scan", "pause_resume", "strings")
        documents = interleave(*(played(name, "plain", shapes_folder) for name in names))
        self.write(tmp_path, documents)
        self.check_runs(self.read_back(tmp_path), documents)

    def test_descriptors_in_turn_keep_the_order_of_events(
        self, tmp_path: Path, shapes_folder: Path
    ) -> None:
        """Alternate between two descriptors of one stream, as two devices in one stream do."""
        documents = _in_turn(played("reconfigured", "plain", shapes_folder))
        self.write(tmp_path, documents)
        self.check_runs(self.read_back(tmp_path), documents)

    @pytest.mark.parametrize("name", _REUSED)
    def test_what_producers_use_again_does_not_change_the_file(
        self, name: str, tmp_path: Path, shapes_folder: Path
    ) -> None:
        """Spoil arrays, lists and dictionaries as soon as each document has been posted."""
        documents = played(name, "plain", shapes_folder)
        with self.make(tmp_path) as writer:
            for kind, doc in deepcopy(documents):
                writer(kind, doc)
                for value in doc["data"].values() if kind == "event" else doc.values():
                    _spoil(value)
        self.check_status(writer)
        self.check_runs(self.read_back(tmp_path), documents)


def _in_turn(documents: tuple[tuple[str, dict[str, Any]], ...]) -> list[tuple[str, dict[str, Any]]]:
    """Return a run whose descriptors all come first, and whose events alternate between them."""
    descriptors = [document for document in documents if document[0] == "descriptor"]
    events = [[d for d in documents if d[1].get("descriptor") == e["uid"]] for _, e in descriptors]
    assert len([each for each in events if each]) > 1, "the shape has one descriptor with events"
    merged = interleave(*events)
    ordered = [(kind, {**doc, "seq_num": i}) for i, (kind, doc) in enumerate(merged, 1)]
    return [documents[0], *descriptors, *ordered, documents[-1]]


def _spoil(value: Any) -> None:
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = np.zeros((), value.dtype)
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            _spoil(item)
        value.clear()  # type: ignore[union-attr]  # a document's mapping is a dict
