"""silx view draws of each shape of run what was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bluescribe import NexusWriter, export
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from tests.viewers.drawing import differences
from tests.viewers.measured import primaries
from tests.viewers.runs import jittered
from tests.viewers.viewer import SilxViewer

Documents = list[tuple[str, Any]]
Check = Callable[[Documents], None]


def finished(folder: Path, documents: Documents, check: Check) -> None:
    """Write the runs, and look at their files afterwards."""
    with NexusWriter(folder, file_name="{uid}", drain_timeout=60) as writer:
        for document in documents:
            writer(*document)
    check(documents)


def live(folder: Path, documents: Documents, check: Check) -> None:
    """Look at the files before the first of the runs ends."""
    end = next((n for n, (name, _) in enumerate(documents) if name == "stop"), len(documents))
    with NexusWriter(folder, file_name="{uid}", drain_timeout=60) as writer:
        for document in documents[:end]:
            writer(*document)
        assert writer.flush(timeout=60)
        check(documents[:end])
        for document in documents[end:]:
            writer(*document)


def exported(folder: Path, documents: Documents, check: Check) -> None:
    """Export the runs."""
    export(documents, folder, ["nexus"], file_name="{uid}")
    check(documents)


FAULTS = {
    "spiral": "two motors are shown as a zigzag",
    "metadata_shape_misleading": "two motors are shown as a zigzag",
    "list_grid_scan": "an axis of two numbers is taken for offset and slope",
    "resource_of_earlier_run": "the frames of another run are shown",
    "two_mcas": "spectra over uneven times are not drawn",
    "one_buffer_reused": "spectra over uneven times are not drawn",
    "lists": "an axis of two numbers is taken for offset and slope",
    "wide_unsigned_arrays": "an axis of two numbers is taken for offset and slope",
    "names_of_arrays": "an axis of two numbers is taken for offset and slope",
    "filled_in_events": "an axis of two numbers is taken for offset and slope",
    "empty_arrays": "arrays without elements are plotted",
}


@pytest.mark.parametrize("written", [finished, live, exported])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_default_plot_of_a_run_shows_what_was_measured(
    shape: str,
    written: Callable[[Path, Documents, Check], None],
    tmp_path: Path,
    viewer: SilxViewer,
    shapes_folder: Path,
    request: pytest.FixtureRequest,
) -> None:
    wrong: list[str] = []

    def check(documents: Documents) -> None:
        for uid, primary in primaries(documents).items():
            if primary is None or not primary.numbers:
                request.applymarker(pytest.mark.xfail(reason="@default leads to nothing"))
            wrong.extend(differences(viewer.open(tmp_path / f"{uid}.hdf"), primary))

    if shape in FAULTS:
        request.applymarker(pytest.mark.xfail(reason=FAULTS[shape]))
    written(tmp_path, jittered(played(shape, "plain", shapes_folder)), check)
    assert not wrong, "; ".join(wrong)
