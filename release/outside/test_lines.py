"""The contract suite, run by somebody who has a format and bluescribe[testing], and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lines_format import LinesWriter, read

import bluescribe
from bluescribe.testing import FormatContract, RecordedRun
from bluescribe.testing.contract import in_json, received, same_value


class TestLines(FormatContract):
    writer_class = LinesWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return [run for path in sorted(folder.rglob("*.lines")) for run in received(read(path))]

    def same(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)

    def same_metadata(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return False


def test_it_is_the_installed_one_that_is_tested() -> None:
    assert "site-packages" in Path(bluescribe.__file__).parts
