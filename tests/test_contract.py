"""Every format keeps the contract, read back by programs that are not ours."""

from __future__ import annotations

import pytest

from bluescribe.testing.contract import in_json, played, same_value
from bluescribe.testing.shapes import SHAPES
from tests.contract_of_dx import DxContract
from tests.contracts import (
    CsvContract,
    Hdf5Contract,
    JsonContract,
    JsonlContract,
    NexusContract,
    SpecContract,
    TiffContract,
)
from tests.readers import jsonl


class TestJsonl(JsonlContract):
    @pytest.mark.parametrize("name", [name for name in SHAPES if SHAPES[name].runs == 1])
    def test_every_document_is_a_line_in_its_order(self, name, tmp_path, shapes_folder):
        documents = played(name, "plain", shapes_folder)
        self.write(tmp_path, documents)
        (path,) = tmp_path.iterdir()
        found = jsonl.read_documents(path)
        assert [kind for kind, _ in found] == [kind for kind, _ in documents]
        for (_, told), (kind, doc) in zip(documents, found, strict=True):
            assert same_value(in_json(told), doc), f"{kind}: {told} came back as {doc}"


class TestNexus(NexusContract):
    pass


class TestCsv(CsvContract):
    pass


class TestSpec(SpecContract):
    pass


class TestJson(JsonContract):
    pass


class TestHdf5(Hdf5Contract):
    pass


class TestTiff(TiffContract):
    pass


class TestDx(DxContract):
    pass
