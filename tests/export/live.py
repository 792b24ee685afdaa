"""Shapes of run as live writing puts them into files: once a session, for all sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import bluescribe
from bluescribe.formats import load_format
from bluescribe.testing.contract.playing import played
from tests.contracts import CONTRACTS

FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")


@cache
def shape(name: str, base: Path):
    """Return the documents of a shape, and the folder with the files that live writing makes."""
    documents = list(played(name, "plain", base / "shapes"))
    write_live(base / "live" / name, documents)
    return documents, base / "live" / name


def write_live(folder, documents):
    for name in FORMATS:
        with load_format(name)(folder) as writer:
            for pair in documents:
                writer(*pair)


def check_values(source, folder, documents):
    """Fail unless the files of an export hold what the documents tell of, as each format can."""
    for name in CONTRACTS:
        done = bluescribe.export(source, folder / name, [name])
        assert not done.failures
        contract = CONTRACTS[name]()
        contract.check_runs(contract.read_back(folder / name), documents)
