"""Files of writers that were killed are mended, and hold nothing that was not measured."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from pathlib import Path

import h5py
import nexusformat.nexus
import numpy as np
import pytest
import silx.io
from hypothesis import given
from hypothesis import strategies as st

from bluescribe import NexusWriter
from bluescribe.assets.hdf5.superblock import Superblock, lookup3
from bluescribe.formats.nexus.recovery import NexusRecovery
from bluescribe.hdf5.finished import mend as mending
from bluescribe.testing import documents
from tests import warm
from tests.formats.mended import STREAMS, check_columns

BLUESKY = "/entry/instrument/bluesky"
KILLS = int(os.environ.get("BLUESCRIBE_KILLS", "40"))

WRITER = """
    import os, random, signal, sys, time
    from event_model import compose_run
    from bluescribe import NexusWriter

    NexusWriter.interval = 0.005

    def write(folder, begun):
        writer = NexusWriter(folder)
        run = compose_run()
        key = {"dtype": "number", "shape": [], "source": "sim"}
        names = [f"x{i}" for i in range(8)]
        keys = dict.fromkeys([*names, "text", "spectrum", "gaps", "ragged"], key)
        primary = run.compose_descriptor(name="primary", data_keys=keys)
        monitor = run.compose_descriptor(name="monitor", data_keys={"m": key})
        for name, doc in [("start", run.start_doc), ("descriptor", primary.descriptor_doc),
                          ("descriptor", monitor.descriptor_doc)]:
            writer(name, doc)
        row = 0
        while True:
            data = dict.fromkeys(names, row + 0.5)
            data.update(text=f"t{row}", spectrum=[float(row)] * 700,
                        gaps=None if row % 3 == 2 else float(row), ragged=[row] * (row % 4 + 1))
            event = primary.compose_event(data=data, timestamps=dict.fromkeys(keys, row + 1.0),
                                          time=row + 1.0, validate=False)
            writer("event", event)
            writer("event", monitor.compose_event(data={"m": row}, timestamps={"m": row + 1.0},
                                                  time=row + 1.0, validate=False))
            row += 1
            if row == 1:
                writer.flush()
                os.write(begun, b"1")
            time.sleep(0.0005)

    random.seed(int(sys.argv[3]))
    for number in range(int(sys.argv[2])):
        has_begun, begun = os.pipe()
        child = os.fork()
        if not child:
            write(f"{sys.argv[1]}/{number:04d}", begun)
        os.close(begun)
        if number % 4:  # others are killed at any instant from the first on
            os.read(has_begun, 1)
        time.sleep(random.uniform(0, 0.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
"""


def mend(path: Path, *, dry_run: bool = False) -> mending.MendReport:
    return mending.mend(path, NexusRecovery.layout, dry_run=dry_run)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return files whose writers were killed at random instants."""
    folder = tmp_path_factory.mktemp("killed")
    program = textwrap.dedent(WRITER)
    command = [sys.executable, "-c", program, str(folder), str(KILLS), "7"]
    state = str(tmp_path_factory.mktemp("state"))  # or a session of another test finishes the files
    warm.run(command, check=True, env={**os.environ, "XDG_STATE_HOME": state})
    return sorted(folder.glob("*/*.hdf"))


@pytest.mark.ci
def test_every_file_of_a_killed_writer_is_mended(killed: list[Path]) -> None:
    readable = 0
    for path in killed:
        original = path.read_bytes()
        foreseen = mend(path, dry_run=True)
        assert path.read_bytes() == original
        report = mend(path)
        assert report == foreseen
        if not report.is_readable:  # killed while objects were being added: it says so
            assert path.read_bytes() == original
            continue
        readable += 1
        check_columns(path)
        with silx.io.open(str(path)) as file:  # type: ignore[attr-defined]  # silx re-exports
            assert "entry" in file
        nexusformat.nexus.nxload(str(path))
        mended = path.read_bytes()
        assert not mend(path).is_changed
        assert path.read_bytes() == mended
    print(f"{readable} of {len(killed)} could be mended")
    assert readable > 0.5 * len(killed)  # others were killed in the midst of new objects


@pytest.mark.skipif(not shutil.which("h5clear"), reason="h5clear is not installed")
def test_the_superblock_is_as_h5clear_leaves_it(killed: list[Path], tmp_path: Path) -> None:
    for path in killed[:5]:
        ours, theirs = tmp_path / "ours.h5", tmp_path / "theirs.h5"
        shutil.copy(path, ours)
        shutil.copy(path, theirs)
        mend(ours)
        warm.run(["h5clear", "-s", "--increment=0", str(theirs)], check=True)
        with h5py.File(ours) as a, h5py.File(theirs) as b:
            assert set(a) == set(b)


def finished(folder: Path) -> Path:
    with NexusWriter(folder) as writer:
        for document in documents("scan", folder):
            writer(*document)
        path = writer.status().last_file
    assert path is not None
    return path


def test_a_finished_file_needs_nothing(tmp_path: Path) -> None:
    path = finished(tmp_path)
    before = path.read_bytes()
    report = mend(path)
    assert report.is_readable
    assert not report.is_changed
    assert path.read_bytes() == before


def test_ragged_columns_are_cut_to_the_rows_that_all_have(tmp_path: Path) -> None:
    path = tmp_path / "ragged.h5"
    with h5py.File(path, "w", libver="v110") as file:
        stream = file.create_group(f"{STREAMS}/primary")
        rows = {"seq_num": 5, "EPOCH": 5, "time": 4, "x/value": 5, "x/EPOCH": 3, "x/value_shape": 5}
        for name, number in rows.items():
            stream.create_dataset(name, data=np.arange(1.0, number + 1), maxshape=(None,))
        stream.create_dataset("x/value_missing", data=[1, 3, 4], maxshape=(None,))
        stream.create_dataset("x/value__remade", data=[1.0], maxshape=(None,))
        stream["x/time"] = stream["time"]
        stream["x/limit"] = np.arange(9)
    report = mend(path)
    assert dict(report.rows_cut) == {"primary": 2}
    assert report.leftovers == (f"{STREAMS}/primary/x/value__remade",)
    with h5py.File(path) as file:
        stream = file[f"{STREAMS}/primary"]
        assert {len(stream[name]) for name in rows} == {3}
        assert stream["x/value"][()].tolist() == [1.0, 2.0, 3.0]
        assert stream["x/value_missing"][()].tolist() == [1]
        assert stream["x/limit"][()].tolist() == list(range(9))
        assert "value__remade" not in stream["x"]
    assert not mend(path).is_changed


def test_rows_that_were_never_written_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "zeros.h5"
    with h5py.File(path, "w", libver="v110") as file:
        stream = file.create_group(f"{STREAMS}/primary")
        for name in ("seq_num", "EPOCH", "time"):
            stream.create_dataset(name, data=[1, 2, 0, 0], maxshape=(None,))
    assert dict(mend(path).rows_cut) == {"primary": 2}


@pytest.mark.parametrize(
    "content", [b"", b"not HDF5 at all" * 20, b"\x89HDF\r\n\x1a\n\x03\x08\x08\x05"]
)
def test_what_cannot_be_opened_is_told_and_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.h5"
    path.write_bytes(content)
    report = mend(path)
    assert report.problem
    assert not report.is_readable
    assert not report.is_changed
    assert path.read_bytes() == content


@pytest.mark.parametrize("at", [9, 12, 30, 45, 60, 500])
def test_damaged_bytes_are_told_or_harmless(at: int, tmp_path: Path) -> None:
    path = finished(tmp_path)
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    report = mend(path)
    assert report.is_readable == (not report.problem)
    assert path.read_bytes() == data


def test_a_file_that_was_cut_off_is_told_or_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "whole.h5"
    with h5py.File(path, "w", libver="v110") as file:
        stream = file.create_group(f"{STREAMS}/primary")
        for name in ("seq_num", "EPOCH", "time", "x/value", "x/EPOCH"):
            stream.create_dataset(name, data=np.arange(1.0, 301), maxshape=(None,), chunks=(128,))
    whole, told = path.read_bytes(), 0
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        report = mend(path)
        told += not report.is_readable
        if report.is_readable:
            with h5py.File(path) as file:
                assert np.array_equal(file[f"{STREAMS}/primary/x/value"], np.arange(1.0, 301))
    assert told > 0.8 * len(whole) / 97


@given(st.binary(max_size=150), st.integers(0, 5))
def test_any_bytes_are_a_superblock_or_refused(tail: bytes, version: int) -> None:
    data = b"\x89HDF\r\n\x1a\n" + bytes([version]) + tail
    try:
        found = Superblock.parse(data)
    except ValueError:
        return
    assert found.closed(found.end).end == found.end


def test_the_checksum_is_that_of_bob_jenkins() -> None:
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110"])
def test_the_end_of_a_file_of_any_version_is_corrected(libver: str, tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file[f"{BLUESKY}/x"] = np.zeros(100)
    whole = path.read_bytes()
    assert (
        Superblock.parse(whole).closed(len(whole)).data
        == whole[: len(Superblock.parse(whole).data)]
    )
    path.write_bytes(whole + bytes(8))
    assert mend(path).end_was_wrong
    assert Superblock.parse(path.read_bytes()).end == len(whole) + 8
    assert not mend(path).is_changed
