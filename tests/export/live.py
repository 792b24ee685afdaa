"""Shapes of run as live writing puts them into files: once a session, for all sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import bluescribe
from bluescribe.formats import load_format
from bluescribe.testing.contract.playing import played
from tests.contracts import CONTRACTS

FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")

AT_ONCE: Any = {"images_timeout": 0.0}
"""Files with images are there, or will never be."""

NOT_SHOWN = {
    "resource_missing_file": {"dx", "tiff"},
    "resource_npy": {"dx"},
    "resource_tiff": {"dx"},
    "stream_fly_tiff": {"dx"},
}
"""Formats that tell of images that they could not show or copy, as they do when it is live."""


def failed(done):
    """Return the formats that an export tells of."""
    return {name for run in done.runs for name in run.failures}


@cache
def shape(name: str, base: Path):
    """Return the documents of a shape, and the folder with the files that live writing makes."""
    documents = list(played(name, "plain", base / "shapes"))
    write_live(base / "live" / name, documents)
    return documents, base / "live" / name


def write_live(folder, documents, formats=FORMATS, **options):
    for name in formats:
        writer_class = load_format(name)
        known = writer_class.settings_class.model_fields
        chosen = {k: v for k, v in {**AT_ONCE, **options}.items() if k in known}
        with writer_class(folder, **chosen) as writer:
            for pair in documents:
                writer(*pair)


def check_values(source, folder, documents):
    """Fail unless the files of an export hold what the documents tell of, as each format can."""
    for name in CONTRACTS:
        known = load_format(name).settings_class.model_fields
        options = AT_ONCE if AT_ONCE.keys() <= known.keys() else {}
        done = bluescribe.export(source, folder / name, [name], **options)
        assert not done.failures or name == "tiff"  # of images that are not there
        contract = CONTRACTS[name]()
        contract.check_runs(contract.read_back(folder / name), documents)
