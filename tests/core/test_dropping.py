"""A writer that nobody holds any more: it stops nothing, finishes its files, and leaves nothing."""

from __future__ import annotations

import gc
import json
import threading
import time
import weakref

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import h5py
import numpy as np
import pytest

from bluescribe import (
    CsvWriter,
    Hdf5Writer,
    JsonlWriter,
    JsonWriter,
    NexusWriter,
    SpecWriter,
    TiffWriter,
)
from bluescribe.formats import load_format
from bluescribe.testing.shapes.engine import recording
from tests.core.scanning import PATIENCE, scan
from tests.formats.images import CAMERA, area_detector_file, frames, hdf5_stream, run_of_streams

WRITERS = [CsvWriter, Hdf5Writer, JsonWriter, JsonlWriter, NexusWriter, SpecWriter, TiffWriter]
QUICK = 2.0
"""Seconds; far below what is waited for here."""


@pytest.fixture(autouse=True)
def _nothing_of_other_tests_is_collected():
    gc.collect()
    gc.freeze()


def threads():
    return {
        t for t in threading.enumerate() if isinstance(t, threading.Timer) or "scribe" in t.name
    }


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def endings():
    """Return how many objects wait for the end of the interpreter."""
    return len(vars(weakref.finalize)["_registry"])


@pytest.mark.parametrize("kind", ["nexus", "tiff", "dx"])
def test_images_that_are_waited_for_stop_nobody_and_come_in(tmp_path, kind):
    before, waiting = threads(), endings()
    raw = tmp_path / "raw.h5"
    options = {"images_timeout": PATIENCE} | ({} if kind == "tiff" else {"images": "copy"})
    writer = load_format(kind)(tmp_path / "out", **options)
    for document in run_of_streams([hdf5_stream(raw)], [(0, 0, 4)], (1, 6, 8)):
        writer(*document)
    path = writer.status().last_file
    wait_for(lambda: any("later" in thread.name for thread in threads() - before))
    began = time.monotonic()
    del writer
    assert time.monotonic() - began < QUICK
    area_detector_file(tmp_path / "part.h5", frames(4)).rename(raw)
    wait_for(lambda: threads() <= before)
    assert endings() <= waiting
    if kind == "nexus":
        with h5py.File(path) as file:
            assert isinstance(file[CAMERA].get("value", getlink=True), h5py.HardLink)
            assert np.array_equal(file[CAMERA]["value"], frames(4))
    if kind == "tiff":
        assert list((tmp_path / "out").glob("*.tif*"))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_writer_dropped_after_its_run_leaves_no_thread(tmp_path, kind):
    before, waiting = threads(), endings()
    with recording() as (engine, _):
        writer = kind(tmp_path)
        token = engine.subscribe(writer)
        engine(scan())
        assert writer.status().runs_written == 1
        engine.unsubscribe(token)
        began = time.monotonic()
        del writer
        gc.collect()
        assert time.monotonic() - began < QUICK
    wait_for(lambda: threads() <= before)
    wait_for(lambda: endings() <= waiting)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_writer_that_was_never_used_leaves_nothing(tmp_path, kind):
    before, waiting = threads(), endings()
    writer = kind(tmp_path)
    del writer
    gc.collect()
    assert threads() <= before
    assert endings() <= waiting


def test_a_run_that_is_open_is_finished_all_the_same(tmp_path):
    before = threads()
    with recording() as (engine, _):
        writer = JsonWriter(tmp_path, file_name="run")
        token = engine.subscribe(writer)
        held = [writer]
        del writer

        @bpp.run_decorator()
        def plan():
            yield from bps.null()
            engine.unsubscribe(token)
            held.clear()
            gc.collect()
            wait_for(lambda: threads() <= before)

        engine(plan())
    assert json.loads((tmp_path / "run.json").read_text())["metadata"]["stop"] is None


def test_a_collection_on_the_thread_of_the_engine_does_not_hold_it_up(tmp_path):
    """It may come in any moment of it."""
    raw = tmp_path / "raw.h5"
    with recording() as (engine, documents):
        writer = NexusWriter(tmp_path / "out", images="copy", images_timeout=PATIENCE)
        for document in run_of_streams([hdf5_stream(raw)], [(0, 0, 4)], (1, 6, 8)):
            writer(*document)
        cycle: list[object] = [writer]
        cycle.append(cycle)
        del writer, cycle
        began = time.monotonic()

        def plan():
            gc.collect()
            yield from scan()

        engine(plan())
        assert time.monotonic() - began < QUICK + 5
        assert documents[-1][0] == "stop"
    area_detector_file(tmp_path / "part.h5", frames(4)).rename(raw)
