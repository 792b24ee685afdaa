"""Settings that are changed while a writer is there: for the runs that begin from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter, subscribe_writers
from bluescribe.errors import ConfigError
from bluescribe.testing import documents
from tests.core.scanning import PATIENCE, scan
from tests.process.children import eventually, processes, strike

WRITERS = [CsvWriter, JsonlWriter, NexusWriter, SpecWriter]


@pytest.mark.parametrize("writer_class", WRITERS)
def test_the_next_run_has_them_and_the_open_one_has_not(writer_class, tmp_path):
    with writer_class(tmp_path / "made", drain_timeout=PATIENCE) as writer:
        for folder in ("made", "changed", "again", "made"):
            if folder == "made":
                writer.change()
            else:
                writer.change(directory=tmp_path / folder)
            docs = documents("scan", tmp_path)
            writer(*docs[0])
            writer.change(directory=tmp_path / "never")
            for name, doc in docs[1:]:
                writer(name, doc)
            assert writer.status().last_file.parent == tmp_path / folder
        assert writer.status().runs_written == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "changed", "made"]


def test_what_is_not_allowed_is_refused_and_nothing_changes(tmp_path):
    with JsonlWriter(tmp_path / "made") as writer:
        with pytest.raises(ConfigError, match="did you mean directory"):
            writer.change(directry="x")
        with pytest.raises(ConfigError, match="on_error cannot be changed"):
            writer.change(on_error="abort")
        for name, doc in documents("scan", tmp_path):
            writer(name, doc)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_one_format_of_a_session_changes_and_the_others_do_not(engine, tmp_path):
    config: dict[str, dict[str, Any]] = {"DATA_FILES": {"DIRECTORY": str(tmp_path / "made")}}
    config |= {"CSV_DATA_FILES": {"ENABLE": True}, "JSONL_DATA_FILES": {"ENABLE": True}}
    with subscribe_writers(engine, config) as writers:
        writers.csv.change(directory=tmp_path / "changed", file_name="{scan_id:03d}")
        engine(scan())
        assert writers.csv.status().last_file.parent == tmp_path / "changed"
        assert writers.csv.status().last_file.name.startswith("001")
        assert writers.jsonl.status().last_file.parent == tmp_path / "made"


@pytest.mark.usefixtures("processes")
def test_a_run_that_its_process_left_is_written_again_with_its_own(tmp_path):
    docs = documents("scan", tmp_path)
    with NexusWriter(tmp_path / "made", drain_timeout=PATIENCE) as writer:
        changed = {"/entry": {"title": {"value": "changed"}}}
        writer.change(directory=tmp_path / "changed", content=changed)
        for name, doc in docs[:-1]:
            writer(name, doc)
        eventually(lambda: writer.status().current_files)
        writer.change(directory=tmp_path / "later")
        assert strike()
        writer(*docs[-1])
        eventually(lambda: writer.status().runs_written)
        assert processes()
        path = writer.status().last_file
    assert path is not None
    assert path.parent == tmp_path / "changed"
    with h5py.File(path) as root:
        assert root["entry/title"][()] == b"changed"


def test_root_attributes(tmp_path):
    with pytest.raises(ConfigError, match="creator say"):
        NexusWriter(root_attributes={"creator": "me"})
    with NexusWriter(tmp_path, root_attributes={"facility": "APS", "sector": 1}) as writer:
        for name, doc in documents("scan", tmp_path):
            writer(name, doc)
    with h5py.File(Path(*tmp_path.glob("*.hdf"))) as root:
        assert (root.attrs["facility"], root.attrs["sector"]) == ("APS", 1)
        assert root.attrs["creator"] == "bluescribe NexusWriter"
