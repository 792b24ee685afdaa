"""Export on a Dask cluster: workers and scheduler are killed, versions and folders differ."""

from __future__ import annotations

import pytest

from tests.export.clusters import make_runs, play
from tests.extent import IS_LONG
from tests.needs import needs

needs("distributed")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_run_is_there_exactly_once_whoever_is_killed(tmp_path):
    runs, kills = (2000, 10) if IS_LONG else (50, 1)
    make_runs(tmp_path / "src", runs)
    play(tmp_path, runs, kills)
