"""What each format may change and leave out, and who reads it back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bluescribe import (
    CsvWriter,
    Hdf5Writer,
    JsonlWriter,
    JsonWriter,
    NexusWriter,
    SpecWriter,
    TiffWriter,
    Writer,
)
from bluescribe.testing import FormatContract, RecordedRun
from bluescribe.testing.contract import in_json, plain, received, same_number, same_value
from tests.extent import IS_LONG
from tests.readers import csv, hdf5, jsonl, nexus, nexus_rules, spec, tiff
from tests.readers import json as json_reader

FormatContract.hostile_examples = 200 if IS_LONG else 8


class JsonlContract(FormatContract):
    """The journal has everything; what JSON has no word for is text."""

    writer_class = JsonlWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return jsonl.read_folder(folder)

    def same(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)

    def same_metadata(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return False


class NexusContract(FormatContract):
    """NeXus has everything; a column has one type."""

    writer_class: ClassVar[type[Writer]] = NexusWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return nexus.read_folder(folder)

    def read_live(self, folder: Path) -> list[RecordedRun]:
        return nexus.read_folder(folder, live=True)

    def same(self, expected: Any, found: Any) -> bool:
        """Numbers are equal in the column's type; what HDF5 has no type for is JSON."""
        return same_number(expected, found) or same_number(in_json(expected), plain(found))

    def same_metadata(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return False

    def name_in_file(self, name: str) -> str:
        """HDF5's UTF-8 has no lone surrogates, and its text ends at a NUL."""
        return name.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")

    def check_files(self, folder: Path) -> None:
        nexus_rules.check_folder(folder)


class Hdf5Contract(NexusContract):
    """Raw HDF5 has everything, in the same columns as NeXus."""

    writer_class: ClassVar[type[Writer]] = Hdf5Writer

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return hdf5.read_folder(folder)

    def read_live(self, folder: Path) -> list[RecordedRun]:
        return hdf5.read_folder(folder, live=True)

    def check_files(self, folder: Path) -> None:
        """h5py has read them."""


class CsvContract(FormatContract):
    """CSV names arrays of two and more dimensions, with the formats that have them."""

    writer_class = CsvWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return csv.read_folder(folder)

    def same(self, expected: Any, found: Any) -> bool:
        """A structure in a cell is JSON; a lone surrogate is spelled out, for UTF-8 has none."""
        return _same_cell(in_json(expected), found)

    def same_metadata(self, expected: Any, found: Any) -> bool:
        """The package is strict JSON, which has no numbers that are not finite."""
        return same_value(finite(in_json(expected)), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return field is not None and rank(value) > 1

    def check_files(self, folder: Path) -> None:
        csv.check_folder(folder)


class SpecContract(FormatContract):
    """SPEC has one stream a scan and names the others, images, and what is in other files."""

    writer_class = SpecWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return spec.read_folder(folder)

    def read_live(self, folder: Path) -> list[RecordedRun]:
        """A scan begins with its first row: before it, the run is not in the file."""
        return [run for run in spec.read_folder(folder) if any(run.seq_num.values())]

    def check_live(self, found: list[RecordedRun], documents: Any) -> None:
        begun = {run.uid for run in received(documents) if _has_rows(run)}
        told = [(name, doc) for name, doc in documents if name != "start" or doc["uid"] in begun]
        self.check_runs(found, told if begun else [])

    def same(self, expected: Any, found: Any) -> bool:
        """An enum string is the number that comments explain; what is no number is JSON."""
        told = in_json(expected)
        if isinstance(found, spec.Code):
            found = found.text if isinstance(told, str) else int(found)
        if isinstance(told, list) and all(isinstance(item, bool) for item in told):
            told = [int(item) for item in told]
        return same_value(told, found) or same_number(told, found)

    def same_time(self, expected: float, found: float) -> bool:
        """Times count from the first run of the file, which may be years away in made-up runs."""
        return abs(expected - found) < 1e-6

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return field is None or rank(value) > 1

    def named(self, template: str) -> dict[str, Any]:
        return {"file_name": template, "one_file_a_run": True}

    def check_files(self, folder: Path) -> None:
        for path in folder.rglob("*.dat"):
            assert b"\r" not in path.read_bytes()
            spec.check_silx(path)
            spec.check_xrayutilities(path)
            spec.check_larch(path)


class JsonContract(FormatContract):
    """JSON has everything once the run has ended; what JSON has no word for is text."""

    writer_class = JsonWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return json_reader.read_folder(folder)

    def check_live(self, found: list[RecordedRun], documents: Any) -> None:
        assert not found, "a document is there before the run has ended"

    def same(self, expected: Any, found: Any) -> bool:
        return same_value(_finite_inside(in_json(expected)), found)

    def same_metadata(self, expected: Any, found: Any) -> bool:
        return same_value(finite(in_json(expected)), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return False

    def check_files(self, folder: Path) -> None:
        json_reader.check_folder(folder)


class TiffContract(FormatContract):
    """TIFF has two-dimensional arrays of real numbers, and a list that names all others."""

    writer_class = TiffWriter

    def make(self, folder: Path, **settings: Any) -> Writer:
        return super().make(folder, **{"images_timeout": 0.0, **settings})

    def check_status(self, writer: Writer) -> None:
        """Images that are not there are a failure of their own: the list names them."""
        status = writer.status()
        assert all("stay named in the list" in f.cause for f in status.failures), status
        is_well = not (status.documents_refused or status.backlog)
        assert is_well, status

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return tiff.read_folder(folder)

    def same(self, expected: Any, found: Any) -> bool:
        """Numbers are equal in the type of their page."""
        return same_number(expected, found)

    def same_metadata(self, expected: Any, found: Any) -> bool:
        return same_value(finite(in_json(expected)), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        array = np.asarray(value) if rank(value) == 2 and not is_ragged(value) else None
        if field is None or array is None:
            return field is not None
        return array.ndim != 2 or array.dtype.kind not in "biuf" or not array.size

    def check_files(self, folder: Path) -> None:
        tiff.check_folder(folder)


def is_ragged(value: Any) -> bool:
    return not isinstance(value, np.ndarray) and len({len(row) for row in value}) > 1


def _has_rows(run: RecordedRun) -> bool:
    beside = ("baseline", "label_start_motor")
    return any(numbers for stream, numbers in run.seq_num.items() if stream not in beside)


def _same_cell(expected: Any, found: Any) -> bool:
    if isinstance(expected, list | dict) and isinstance(found, str):
        return same_value(expected, json.loads(found))
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(_same_cell(e, f) for e, f in pairs)
    if isinstance(expected, str):
        expected = expected.encode(errors="backslashreplace").decode()
    return same_value(expected, found)


def is_ambiguous_in_csv(run: RecordedRun) -> bool:
    """Tell whether arrays of a run cannot be told apart by their seq_num.

    A run that was rewound has two rows of one seq_num. When only one of them has an array, its
    table does not say which: a known limit of CSV.
    """
    for stream, numbers in run.seq_num.items():
        for column in run.events[stream].values():
            ranks: dict[int, set[int]] = {}
            for number, value in zip(numbers, column, strict=True):
                ranks.setdefault(number, set()).add(-1 if value is None else rank(value))
            if any(len(found) > 1 and 1 in found for found in ranks.values()):
                return True
    return False


def finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    is_number = isinstance(value, float) and not math.isfinite(value)
    return json.dumps(value) if is_number else value


def _finite_inside(value: Any) -> Any:
    """Return a value whose structures have words for numbers that are not finite."""
    if isinstance(value, list):
        return [_finite_inside(item) for item in value]
    return finite(value) if isinstance(value, dict) else value


def rank(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.ndim
    if not isinstance(value, list | tuple):
        return 0
    is_nested = bool(value) and all(isinstance(item, list | tuple | np.ndarray) for item in value)
    return 2 if is_nested else 1


CONTRACTS: dict[str, type[FormatContract]] = {
    "jsonl": JsonlContract,
    "csv": CsvContract,
    "spec": SpecContract,
    "nexus": NexusContract,
    "json": JsonContract,
    "hdf5": Hdf5Contract,
    "tiff": TiffContract,
}
"""All formats, for tests that play other documents than the contract's shapes of run."""
