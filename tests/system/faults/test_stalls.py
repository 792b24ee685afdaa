"""Writes that take seconds: the scan keeps its cadence, unless there is no spool and no memory."""

from __future__ import annotations

import os
import time
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
import pytest

from bluescribe.hdf5.file import LiveFile
from bluescribe.spool import feed, intake, window
from bluescribe.spool.window import DOCUMENT_BYTES
from tests.core.scanning import told
from tests.system.faults import instrument
from tests.system.faults.test_disks import check_all, session

pytestmark = pytest.mark.timeout(120)
RATE = 100.0
STALL = 5.0


@pytest.fixture
def stalls(monkeypatch):
    """Have the third write of each file take five seconds."""
    pwrite, flush = os.pwrite, LiveFile.flush
    calls: dict[Any, int] = {}

    def slow(key, call, *args):
        calls[key] = calls.get(key, 0) + 1
        if calls[key] == 3:
            time.sleep(STALL)
        return call(*args)

    monkeypatch.setattr(os, "pwrite", lambda fd, *args: slow(fd, pwrite, fd, *args))
    monkeypatch.setattr(LiveFile, "flush", lambda file: slow(file, flush, file))
    return calls


def timed(times, points):
    detector = instrument.Detector(has_array=False)
    yield from bps.open_run({})
    began = time.perf_counter()
    for n in range(points):
        yield from bps.trigger_and_read([detector])
        times.append(time.perf_counter())
        yield from bps.sleep(max(0.0, began + (n + 1) / RATE - time.perf_counter()))
    yield from bps.close_run()


def test_a_stall_does_not_touch_the_cadence(tmp_path, stalls, caplog):
    times: list[float] = []
    with session(tmp_path, retry_seconds=30) as (engine, _, documents):
        engine(timed(times, 300))
    assert len(stalls) >= 4
    assert max(stalls.values()) >= 3
    gaps = np.diff(times)
    assert np.median(gaps) < 1.5 / RATE
    assert gaps.max() < 1.0, "a stall of five seconds was felt"
    check_all(tmp_path, documents)
    assert not [line for line in told(caplog) if "memory is full" in line]


def test_memory_that_is_full_makes_the_scan_wait_and_loses_nothing(
    tmp_path, stalls, caplog, monkeypatch
):
    """There is no spool: a file stands where it should be."""
    for module in (intake, feed, window):
        monkeypatch.setattr(module, "MOST_BYTES", 100 * DOCUMENT_BYTES)
    monkeypatch.setattr(intake, "_MOST_ITEMS", 10)
    monkeypatch.setattr(intake, "_LONG_WAIT_SECONDS", 0.3)
    (tmp_path / "spool").write_text("")
    times: list[float] = []
    with session(tmp_path / "data", retry_seconds=30, SPOOL=str(tmp_path / "spool")) as (
        engine,
        _,
        documents,
    ):
        engine(timed(times, 300))
    gaps = np.diff(times)
    assert gaps.max() > 1.0, "nothing was held up: memory has no bound"
    check_all(tmp_path / "data", documents)
    (refused,) = [line for line in told(caplog) if "the spool cannot be written" in line]
    assert "Remedy: " in refused
    assert [line for line in told(caplog) if "the RunEngine waits until the disk" in line]
    assert [line for line in told(caplog) if "room again after" in line]
