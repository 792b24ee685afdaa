"""Every format keeps the contract, read back by programs that are not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bluescribe import JsonlWriter, NexusWriter
from bluescribe.testing import FormatContract, RecordedRun
from bluescribe.testing.contract import in_json, plain, played, same_number, same_value
from bluescribe.testing.shapes import SHAPES
from tests.readers import jsonl, nexus


class JsonText:
    """Comparison for formats that keep values as JSON: what it has no word for is text."""

    def same(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)

    def same_metadata(self, expected: Any, found: Any) -> bool:
        return same_value(in_json(expected), found)


class TestJsonl(JsonText, FormatContract):
    writer_class = JsonlWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return jsonl.read_folder(folder)

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return False

    @pytest.mark.parametrize("name", [name for name in SHAPES if SHAPES[name].runs == 1])
    def test_every_document_is_a_line_in_its_order(self, name, tmp_path, shapes_folder):
        documents = played(name, "plain", shapes_folder)
        self.write(tmp_path, documents)
        (path,) = tmp_path.iterdir()
        found = jsonl.read_documents(path)
        assert [kind for kind, _ in found] == [kind for kind, _ in documents]
        for (_, told), (kind, doc) in zip(documents, found, strict=True):
            assert same_value(in_json(told), doc), f"{kind}: {told} came back as {doc}"


class TestNexus(JsonText, FormatContract):
    writer_class = NexusWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        return nexus.read_folder(folder)

    def read_live(self, folder: Path) -> list[RecordedRun]:
        return nexus.read_folder(folder, live=True)

    def same(self, expected: Any, found: Any) -> bool:
        """A column has one type, numbers are equal in it; what HDF5 has no type for is JSON."""
        return same_number(expected, found) or same_number(in_json(expected), plain(found))

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        return False

    def name_in_file(self, name: str) -> str:
        """HDF5's UTF-8 has no lone surrogates."""
        return name.encode("utf-8", "backslashreplace").decode()
