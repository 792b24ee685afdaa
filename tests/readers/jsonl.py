"""Read journals with Python's json, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bluescribe.testing.contract import RecordedRun, received


def read_documents(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the documents of a journal, a line each."""
    data = path.read_bytes()
    assert data.endswith(b"\n"), f"{path.name} ends in half a line"
    documents = []
    for line in data.decode("utf-8").split("\n")[:-1]:
        name, doc = json.loads(line)
        documents.append((name, doc))
    return documents


def read_folder(folder: Path) -> list[RecordedRun]:
    """Return the runs of all journals in a folder."""
    runs = [received(read_documents(path)) for path in sorted(folder.rglob("*.jsonl"))]
    assert all(len(found) == 1 for found in runs), "a journal holds one run"
    return [run for found in runs for run in found]
