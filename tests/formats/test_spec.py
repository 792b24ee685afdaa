"""SPEC of every shape of run: what was measured comes back from spec2nexus, silx, xrayutilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bluescribe import SpecWriter
from bluescribe.testing import FormatContract, RecordedRun
from bluescribe.testing.contract import in_json, received, same_value
from tests.readers import spec


class TestContract(FormatContract):
    writer_class = SpecWriter
    is_live = False

    def read_back(self, folder: Path) -> list[RecordedRun]:
        self.is_live = False
        return spec.read_folder(folder)

    def read_live(self, folder: Path) -> list[RecordedRun]:
        self.is_live = True
        return spec.read_folder(folder)

    def check_runs(self, found, documents) -> None:
        """A scan appears with its first row: while a run goes on, it may have none."""
        runs = list(found)
        if self.is_live:
            seen = {run.uid for run in runs}
            begun = {r.uid for r in received(documents) if r.uid in seen or _points(r)}
            documents = [d for d in documents if d[0] != "start" or d[1]["uid"] in begun]
            documents = documents if begun else []
        super().check_runs(runs, documents)

    def same(self, expected: Any, found: Any) -> bool:
        """An enum string is the number that comments explain; what is no number is JSON."""
        if isinstance(found, spec.Code) and expected == found.text:
            return True
        if isinstance(found, int | float) and isinstance(in_json(expected), int | float):
            return same_value(float(expected), float(found)) and _digits(expected, found)
        return same_value(_numbers(in_json(expected)), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        """Arrays of more than one dimension are named, and external data."""
        return True

    def named(self, template: str) -> dict[str, Any]:
        return {"file_name": template, "one_file_a_run": True}

    def check_files(self, folder: Path) -> None:
        for path in folder.rglob("*.dat"):
            assert b"\r" not in path.read_bytes()
            spec.check_silx(path)
            spec.check_xrayutilities(path)


def _numbers(value: Any) -> Any:
    """Return a spectrum of truth values as rows have it."""
    is_bools = isinstance(value, list) and all(isinstance(item, bool) for item in value)
    return [int(item) for item in value] if is_bools else value


def _points(run: RecordedRun) -> bool:
    return any(run.seq_num[s] for s in run.seq_num if s not in ("baseline", "label_start_motor"))


def _digits(expected: Any, found: Any) -> bool:
    return not isinstance(expected, int) or int(expected) == found
