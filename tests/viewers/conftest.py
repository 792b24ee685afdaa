"""A viewer for all tests, and the files of external data for all shapes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.viewers.viewer import SilxViewer

# The files are those of processes, which would take half a second each to begin.
os.environ.setdefault("BLUESCRIBE_PROCESS", "false")


@pytest.fixture(scope="session")
def viewer() -> Iterator[SilxViewer]:
    opened = SilxViewer()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shapes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "shapes"
