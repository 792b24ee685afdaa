"""What a format tells the contract about itself."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ...contract.report import RunReport
from ...recording.writer import Writer
from .comparison import differences
from .recorded import Document, RecordedRun, received
from .values import same_value

__all__ = ["ContractBase"]

_PATIENCE = 60.0
"""Seconds that a test waits for a file at the most: machines that run tests may be slow."""


class ContractBase:
    """The part of `FormatContract` that a format fills in."""

    writer_class: ClassVar[type[Writer]]
    """The writer that is tested."""
    is_selective: ClassVar[bool] = False
    """Whether the format leaves things out on purpose, and says so in `RunReport.left_out`.

    What the report names need not be named in the file; nor need the external files be of a field
    that it names. It has to name things that were measured, and in mid-run, when there is no report
    yet, nothing may be missing that it does not name in the end.
    """

    def read_back(self, folder: Path) -> list[RecordedRun]:
        """Return all runs in a folder, read by a reader that is independent of the writer."""
        raise NotImplementedError

    def read_live(self, folder: Path) -> list[RecordedRun]:
        """Return all runs in a folder, some of which are still being written."""
        return self.read_back(folder)

    def check_live(
        self, found: list[RecordedRun], documents: Iterable[tuple[str, Document]]
    ) -> None:
        """Fail unless the runs found in mid-run are what the documents so far tell of."""
        if self.is_selective:
            self._found_live.append((found, list(documents)))  # compared when there is a report
        else:
            self.check_runs(found, documents)

    def same(self, expected: Any, found: Any) -> bool:
        """Tell whether a measured value came back; neither of them is None."""
        return same_value(expected, found)

    def same_time(self, expected: float, found: float) -> bool:
        """Tell whether the time of an event came back, in epoch seconds."""
        return expected == found

    def same_metadata(self, expected: Any, found: Any) -> bool:
        """Tell whether a start, stop or descriptor document came back."""
        return same_value(expected, found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        """Tell whether a value, or with None for its field a whole stream, may be left out.

        It has to be named in `RecordedRun.left_out` all the same, or, where `is_selective`, in the
        report of the run.
        """
        return True

    def name_in_file(self, name: str) -> str:
        """Return what a reader finds as the name of a field or stream."""
        return name

    def named(self, template: str) -> dict[str, Any]:
        """Return the settings that make a file a run, with names from a template."""
        return {"file_name": template}

    def check_files(self, folder: Path) -> None:
        """Fail where finished files are not what the format's other readers expect."""

    @pytest.fixture
    def shapes_folder(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Return where the external files of all shapes are, for the whole session."""
        return tmp_path_factory.getbasetemp() / "shapes"

    def make(self, folder: Path, **settings: Any) -> Writer:
        """Return a writer that gives files all the time that they need."""
        writer = self.writer_class(folder, **{"drain_timeout": _PATIENCE, **settings})
        if self.is_selective:
            writer.on_complete(self._note)
        return writer

    def write(self, folder: Path, documents: Iterable[tuple[str, Any]], **settings: Any) -> None:
        """Write documents, and fail when the writer tells of any failure."""
        with self.make(folder, **settings) as writer:
            for name, doc in documents:
                writer(name, doc)
        self.check_status(writer)

    def check_status(self, writer: Writer) -> None:
        """Fail when the writer tells of a failure, a refused document or work left to do."""
        status = writer.status()
        is_well = not (status.failures or status.documents_refused or status.backlog)
        assert is_well, f"the writer could not write all:\n{status}"

    def check_runs(
        self, found: Iterable[RecordedRun], documents: Iterable[tuple[str, Document]]
    ) -> None:
        """Fail unless the runs that were found are those that the documents tell of, exactly."""
        expected = {run.uid: run for run in received(documents)}
        runs = {run.uid: self.with_report(run, expected.get(run.uid)) for run in found}
        assert sorted(runs) == sorted(expected), f"found runs {sorted(runs)} of {sorted(expected)}"
        wrong = [text for uid in expected for text in differences(expected[uid], runs[uid], self)]
        assert not wrong, "\n".join(["what was read is not what was measured:", *wrong[:20]])
        if self._found_live and all(run.stop is not None for run in expected.values()):
            live, self._found_live[:] = [*self._found_live], []
            for runs_then, documents_then in live:
                self.check_runs(runs_then, documents_then)

    @cached_property
    def _reports(self) -> dict[str, RunReport]:
        """The report of each run that was written."""
        return {}

    @cached_property
    def _found_live(self) -> list[tuple[list[RecordedRun], list[tuple[str, Document]]]]:
        """What was found in mid-run, and the documents until then."""
        return []

    def _note(self, report: RunReport) -> None:
        self._reports[report.uid] = report

    def with_report(self, found: RecordedRun, expected: RecordedRun | None) -> RecordedRun:
        """Return a run with what its report says of values that are not in the file."""
        if not self.is_selective or expected is None:
            return found
        deadline = time.monotonic() + _PATIENCE
        while expected.uid not in self._reports and expected.stop is not None:
            assert time.monotonic() < deadline, "the run was not reported within a minute"
            time.sleep(0.01)
        report = self._reports.get(expected.uid)
        told = {} if report is None else {(e.stream, e.field): e.why for e in report.left_out}
        for (stream, field), why in told.items():
            columns = expected.events.get(stream)
            is_known = columns is not None and (field is None or field in _declared(expected))
            assert is_known, f"{field!r} of {stream!r} is left out ({why}), and was never measured"
        named = {
            (self.name_in_file(stream), None if field is None else self.name_in_file(field)): why
            for (stream, field), why in told.items()
        }
        return replace(found, left_out={**named, **found.left_out})


def _declared(run: RecordedRun) -> set[str]:
    """Return the fields of all streams, those without a value included."""
    declared = {key for doc in run.descriptors or () for key in doc["data_keys"]}
    return declared.union(*run.events.values())
