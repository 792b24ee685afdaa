"""The spool's own disk is full or away: it is told, and the files have everything."""

from __future__ import annotations

import shutil

import bluesky.plan_stubs as bps
import pytest

from bluescribe import retry_policy
from bluescribe.retry_policy import RetryPolicy
from bluescribe.spool import keeping
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE, told
from tests.system.faults.disks import small_disk
from tests.system.faults.test_disks import check_all, long_scan, session

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def spool(tmp_path, monkeypatch):
    """Return a small disk for the spool, of which all may be used."""
    monkeypatch.setattr(keeping, "_LEAST_FREE", 0)
    monkeypatch.setattr(retry_policy, "FOR_SPOOL", RetryPolicy(0.1, 0.1))
    with small_disk(tmp_path / "spool", 4_000) as disk:
        disk.path.chmod(0o700)
        yield disk


def about_the_spool(caplog):
    return [line for line in told(caplog) if line.startswith("the spool")]


def test_a_spool_that_is_full_costs_nothing_while_the_files_can_be_written(tmp_path, spool, caplog):
    folder = tmp_path / "data"
    with session(folder, retry_seconds=5, SPOOL=str(spool.path)) as (engine, writers, documents):
        engine(long_scan({20: spool.fill}, points=60))
        engine(long_scan({}, points=10))
        spool.free()
        engine(long_scan({}, points=10))
        assert writers.flush(PATIENCE)
        assert not any(status.failures or status.late for status in writers.status().values())
    check_all(folder, documents)
    full, again = about_the_spool(caplog)
    assert "No space left on device" in full
    assert "Remedy: free space there" in full
    assert "written again" in again
    assert not [path for path in spool.path.iterdir() if path.is_dir()], "something is left"


def test_a_run_that_began_before_the_spool_was_full_is_late_when_there_is_room_again(
    tmp_path, spool, caplog
):
    folder = tmp_path / "data"

    def away():
        shutil.rmtree(folder)
        folder.write_text("the mount is away")

    with session(folder, 0.3, names=("csv", "nexus"), SPOOL=str(spool.path)) as (
        engine,
        writers,
        documents,
    ):
        engine(long_scan({10: spool.fill, 20: spool.free, 40: away}, points=60))
        assert all(len(status.late) == 1 for status in writers.status().values())
        folder.unlink()
        assert writers.flush(PATIENCE)
    for name in ("csv", "nexus"):
        CONTRACTS[name]().check_runs(CONTRACTS[name]().read_back(folder), documents)
    assert len(about_the_spool(caplog)) == 2


def test_a_spool_that_is_unmounted_in_mid_run_costs_nothing(tmp_path, spool):
    folder = tmp_path / "data"
    with session(folder, retry_seconds=5, SPOOL=str(spool.path)) as (engine, writers, documents):
        engine(long_scan({10: spool.unmount}, points=30))
        engine(no_points())
        assert writers.flush(PATIENCE)
    check_all(folder, documents)


def no_points():
    yield from bps.open_run({})
    yield from bps.close_run()
