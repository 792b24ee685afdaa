"""What Data Exchange files have of a run, and who reads it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from bluescribe import DxWriter, Writer
from bluescribe.testing import RecordedRun
from bluescribe.testing.contract import in_json, received, same_number, same_value
from bluescribe.testing.contract.round_trip import RoundTrip
from tests.contracts import finite, is_ragged, rank
from tests.readers import dx


class DxContract(RoundTrip):
    """Data Exchange has the images of a run as projections; a run without any has no file."""

    writer_class = DxWriter

    def make(self, folder: Path, **settings: Any) -> Writer:
        return super().make(folder, **{"images_timeout": 0.0, **settings})

    def check_status(self, writer: Writer) -> None:
        """Images that are not there are a failure of their own: the file names them."""
        status = writer.status()
        assert all("could not be read" in f.cause for f in status.failures), status
        assert status.documents_refused + status.backlog == 0, status

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return dx.read_folder(folder)

    def read_live(self, folder: Path) -> list[RecordedRun]:
        return dx.read_folder(folder, live=True)

    def check_live(self, found: list[RecordedRun], documents: Any) -> None:
        """What is in other files is shown when the run is over."""
        runs = {run.uid: run for run in found}
        for run in received(documents):
            if _images_of(run):
                self._check_run(replace(run, places={}), runs[run.uid])

    def check_runs(self, found: Iterable[RecordedRun], documents: Any) -> None:
        expected = {run.uid: run for run in received(documents)}
        runs = {run.uid: run for run in found}
        assert runs.keys() <= expected.keys()
        for uid, run in expected.items():
            fields = [*map(itemgetter(1), run.places), *_images_of(run)]
            assert (uid in runs) == bool(fields), f"{fields} are images"
            if fields:
                self._check_run(run, runs[uid])

    def _check_run(self, run: RecordedRun, found: RecordedRun) -> None:
        assert same_value(finite(in_json(run.start)), found.start)
        assert same_value(finite(in_json(run.stop)), found.stop)
        shown = {name for columns in found.events.values() for name in columns}
        missing = {*map(itemgetter(1), run.places), *_images_of(run)} - shown
        assert missing <= {field for _, field in found.left_out}, "they are named in the file"
        for name, rows in _images_of(run).items():
            shape = np.shape(next(iter(rows.values())))
            alike = {number: row for number, row in rows.items() if np.shape(row) == shape}
            assert len(alike) == len(rows) or ("primary", name) in found.left_out
            if name in shown:
                assert found.seq_num["primary"] == list(alike)
                pairs = zip(alike.values(), found.events["primary"][name], strict=True)
                assert all(same_number(told, frame) for told, frame in pairs)


def _images_of(run: RecordedRun) -> dict[str, dict[int, Any]]:
    """Return the arrays of numbers with two dimensions of a run's events, by their seq_num."""
    columns = run.events.get("primary", {}).items()
    numbers = run.seq_num.get("primary", [])
    rows = {name: dict(zip(numbers, column, strict=True)) for name, column in columns}
    found = {name: {n: v for n, v in c.items() if _is_image(v)} for name, c in rows.items()}
    return {name: images for name, images in found.items() if images}


def _is_image(value: Any) -> bool:
    if rank(value) != 2 or is_ragged(value):
        return False
    array = np.asarray(value)
    return array.ndim == 2 and array.dtype.kind in "biuf" and bool(array.size)
