"""Export on a Dask cluster: workers and scheduler are killed, versions and folders differ."""

from __future__ import annotations

import pytest

from tests.export.clusters import Cluster, begun, make_runs, play
from tests.extent import IS_LONG
from tests.needs import needs

needs("distributed")


@pytest.mark.ci
@pytest.mark.timeout(1200)
def test_each_run_is_there_exactly_once_whoever_is_killed(tmp_path):
    runs, kills = (2000, 10) if IS_LONG else (50, 1)
    make_runs(tmp_path / "src", runs)
    play(tmp_path, runs, kills)


_WITHOUT = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "bluescribe"]:
    del sys.modules[name]
sys.modules["bluescribe"] = None
"""
_OLDER = "import bluescribe; bluescribe.__version__ = '0.0.9'"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("preload", "message"),
    [
        (_WITHOUT, "cannot export: ModuleNotFoundError: No module named 'bluescribe"),
        (_OLDER, "has bluescribe 0.0.9, and this is"),
    ],
    ids=["none", "older"],
)
def test_a_worker_with_another_bluescribe_ends_the_export(tmp_path, preload, message):
    make_runs(tmp_path / "src", 2)
    (tmp_path / "preload.py").write_text(preload)
    cluster = Cluster(tmp_path / "cluster", "--preload", str(tmp_path / "preload.py"), workers=1)
    try:
        cluster.wait()
        process = begun(tmp_path, cluster.address)
        told, _ = process.communicate(timeout=100)
    finally:
        cluster.close()
    assert process.returncode == 1
    assert f"FAILED: {'a' if preload is _WITHOUT else 'the'} worker" in told, told
    assert message in told
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".bluescribe-export"]
