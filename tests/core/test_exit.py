"""The end of the interpreter is bounded, however many writers have disks that hang."""

from __future__ import annotations

import os
import threading
import time

import pytest

from bluescribe import CsvWriter, JsonlWriter, SpecWriter
from bluescribe.recording import backend
from bluescribe.session.writers import Writers
from bluescribe.testing.contract import played
from tests.core.scanning import PATIENCE, told

SECONDS = 2.0


@pytest.fixture
def hangs(monkeypatch):
    """Have no write come back before the event that is returned is set."""
    answered, pwrite = threading.Event(), os.pwrite

    def hang(fd, *args):
        answered.wait(PATIENCE)
        return pwrite(fd, *args)

    monkeypatch.setattr(os, "pwrite", hang)
    monkeypatch.setattr(backend, "_EXIT_SECONDS", SECONDS)
    monkeypatch.setattr(backend, "_LEAST_SECONDS", 0.1)
    monkeypatch.setattr(backend, "_exits", [])
    yield answered
    answered.set()


def test_writers_whose_disks_hang_are_waited_for_together(tmp_path, hangs, caplog):
    kinds = (CsvWriter, JsonlWriter, SpecWriter, CsvWriter, JsonlWriter, SpecWriter)
    writers = [
        kind(tmp_path / str(number), drain_timeout=0.01) for number, kind in enumerate(kinds)
    ]
    for writer in writers:
        for name, doc in played("scan", "plain", tmp_path / "raw"):
            writer(name, doc)
    began = time.monotonic()
    for writer in writers:
        writer._close()  # as the interpreter does at its end
    assert time.monotonic() - began < 3 * SECONDS, "each was waited for"
    assert len([text for text in told(caplog) if "hangs: given up" in text]) == len(writers)
    hangs.set()
    for writer in writers:
        writer.close()


def test_formats_of_a_session_tell_once_of_the_folder_that_hangs(tmp_path, hangs, caplog):
    kinds = {"csv": CsvWriter, "jsonl": JsonlWriter, "spec": SpecWriter}
    each = {name: kind(tmp_path / "data", drain_timeout=0.01) for name, kind in kinds.items()}
    writers = Writers(each)
    for name, doc in played("scan", "plain", tmp_path / "raw"):
        writers(name, doc)
    for writer in each.values():
        writer._close()  # as the interpreter does at its end
    (words,) = [text for text in told(caplog) if "hangs: given up" in text]
    assert words.startswith(f"csv, jsonl, spec: the disk of {tmp_path}/data hangs")
    hangs.set()
    writers.close()
