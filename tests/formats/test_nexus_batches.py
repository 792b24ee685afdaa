"""A file tells what was measured, whatever was shown of it meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from bluescribe import NexusWriter
from tests.formats.columns_of_all_kinds import run


@pytest.mark.parametrize(
    "values", [[1.5, 2.5], [1.5, "text"], [1.5, None, [1, 2]], [[1, 2], 3.0, "text"]], ids=str
)
def test_a_plot_that_goes_leaves_no_mark(values: list[Any], tmp_path: Path) -> None:
    documents = list(
        run({"x": {"dtype": "number", "shape": [], "source": ""}}, [{"x": v} for v in values])
    )
    at_once, one_by_one = (
        marks(written(tmp_path / how, documents, is_flushed=how == "one")) for how in ("all", "one")
    )
    assert at_once == one_by_one


def written(folder: Path, documents: list[tuple[str, dict[str, Any]]], *, is_flushed: bool) -> Path:
    with NexusWriter(folder) as writer:
        for name, doc in documents:
            writer(name, doc)
            if is_flushed:
                assert writer.flush(10)
    (path,) = folder.iterdir()
    return path


def marks(path: Path) -> dict[str, list[str]]:
    """Return the attributes of all objects, by their path."""
    found: dict[str, list[str]] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: sorted(item.attrs)}))
    return found
