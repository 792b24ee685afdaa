"""Finished NeXus files of small runs are small, and hold what the large ones held."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe import NexusWriter
from bluescribe.files import Place
from bluescribe.hdf5.finished.compact import compact
from bluescribe.testing import SHAPES, documents
from tests import warm
from tests.extent import some
from tests.test_corpus import STREAMS, load

LIVE = ("v110", "v110")


def grown_file(path: Path) -> Path:
    """Write a file of every kind of object that ours have, with room lost."""
    (path.parent / "external.h5").unlink(missing_ok=True)
    with h5py.File(path.parent / "external.h5", "w") as file:
        file["data"] = np.arange(6.0).reshape(2, 3)
    with h5py.File(path, "w", libver=LIVE) as file:
        file.attrs["default"] = "entry"
        columns = file.create_group("entry/columns")
        columns.attrs["names"] = ["µ", "b"]
        columns.attrs["count"] = np.int16(7)
        columns.attrs["none"] = h5py.Empty("f8")
        for number, dtype in enumerate(
            ("f8", "i2", "?", "S7", "<u8", h5py.string_dtype("utf-8", 5))
        ):
            column = columns.create_dataset(
                f"c{number}", (0,), dtype, maxshape=(None,), chunks=(99,)
            )
            column.resize((3,))
            text = {3: ["1", "", "1"], 5: ["µ", "", "1"]}
            column[...] = text.get(number, [1, 0, 1])
            column.attrs["units"] = "mm"
            column.attrs["target"] = column.name
        columns.create_dataset("empty", (0, 4), "f4", maxshape=(None, 4), chunks=(9, 4))
        columns.create_dataset("hollow", (3, 0), "f4", maxshape=(None, None), chunks=(9, 4))
        columns.create_dataset("images", data=np.ones((5, 90, 90)), maxshape=(None, 90, 90))
        columns.create_dataset("zipped", data=np.ones((5, 90)), chunks=(1, 90), compression="gzip")
        columns["texts"] = ["any", "length"]
        columns["scalar"] = 5
        file["entry/data/x"] = columns["c0"]
        file["entry/again"] = file["entry/data"]
        file["entry/soft"] = h5py.SoftLink("/entry/columns/c1")
        file["entry/outside"] = h5py.ExternalLink("external.h5", "/data")
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:2] = h5py.VirtualSource("external.h5", "data", (2, 3))[:, 0]
        layout[2] = h5py.VirtualSource(".", "/entry/columns/c0", (3,))[0]
        file.create_virtual_dataset("entry/virtual", layout, fillvalue=-1.0)
        for number in range(20):
            file.create_group(f"entry/gone{number}").attrs["text"] = "x" * 100
        for number in range(20):
            del file[f"entry/gone{number}"]
    return path


def test_text_of_the_copy_is_ascii_where_it_can_be(tmp_path: Path) -> None:
    """Octave reads no other text, and a column that grows cannot know what is still to come."""
    path = grown_file(tmp_path / "grown.h5")
    with h5py.File(path, "r+") as file:
        file["entry/columns/c5"][0] = "m"
    assert compact(Place.at(path), LIVE)
    with h5py.File(path) as file:
        column = file["entry/columns/c5"]
        assert h5py.check_string_dtype(column.dtype).encoding == "ascii"
        assert column.asstr()[()].tolist() == ["m", "", "1"]


def tree(path: Path) -> dict[str, Any]:
    """Return all that a file says, by absolute names; one object's names tell of each other."""
    found: dict[str, Any] = {}
    with h5py.File(path, locking=False) as file:
        names: dict[int, str] = {}

        def visit(group: h5py.Group) -> None:
            found[f"{group.name} @"] = attributes(group)
            for key in group:
                name = f"{group.name.rstrip('/')}/{key}"
                link = group.get(key, getlink=True)
                if isinstance(link, h5py.SoftLink):
                    found[name] = ("soft", link.path)
                elif isinstance(link, h5py.ExternalLink):
                    found[name] = ("external", link.filename, link.path)
                else:
                    take(name, group[key])

        def take(name: str, item: h5py.HLObject) -> None:
            address = h5py.h5o.get_info(item.id).addr
            if address in names:
                found[name] = ("hard", names[address])
                return
            names[address] = name
            found[name] = type(item).__name__
            if isinstance(item, h5py.Group):
                visit(item)
            else:
                data = item[()]
                content = data.tolist() if item.dtype.hasobject else np.asarray(data).tobytes()
                stored = str(stored_type(item).encode())
                sources = virtual_sources(item) if item.is_virtual else None
                found[name] = (item.shape, stored, content, sources, attributes(item))

        visit(file)
    return found


def stored_type(item: h5py.Dataset) -> h5py.h5t.TypeID:
    """Return the type of a dataset; whether its text is marked as ASCII has a test of its own."""
    stored = item.id.get_type().copy()
    if stored.get_class() == h5py.h5t.STRING:
        stored.set_cset(h5py.h5t.CSET_UTF8)
    return stored


def virtual_sources(item: h5py.Dataset) -> list[Any]:
    return [
        (s.file_name, s.dset_name, s.vspace.get_select_bounds(), s.src_space.get_select_bounds())
        for s in item.virtual_sources()
    ]


def attributes(item: h5py.HLObject) -> list[Any]:
    stored = [(key, item.attrs.get_id(key)) for key in sorted(item.attrs)]
    return [
        (key, at.shape, str(at.get_type().encode()), repr(item.attrs[key])) for key, at in stored
    ]


def test_the_copy_is_the_same_tree(tmp_path: Path) -> None:
    path = grown_file(tmp_path / "grown.h5")
    path.chmod(0o640)
    before, size = tree(path), path.stat().st_size
    assert compact(Place.at(path), LIVE)
    assert tree(path) == before
    assert path.stat().st_size < size
    assert path.stat().st_mode & 0o777 == 0o640
    assert {entry.name for entry in tmp_path.iterdir()} == {"grown.h5", "external.h5"}
    with h5py.File(path, "r", swmr=True) as file:  # as a reader opens it who does not know
        assert file["entry/data/x"][()].tolist() == [1.0, 0.0, 1.0]
        assert file["entry/columns/zipped"].compression == "gzip"


@pytest.mark.ci
@pytest.mark.parametrize("live", [True, False])
def test_every_shape_of_run_is_the_same_tree(
    live: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees: list[dict[str, Any]] = []

    def compared(place: Place, libver: tuple[str, str]) -> bool:
        path = place.path
        before = tree(path)
        done = compact(place, libver)
        trees.append(before)
        assert tree(path) == before
        return done

    monkeypatch.setattr("bluescribe.hdf5.file.compact", compared)
    for name in some(SHAPES):
        folder = tmp_path / name
        folder.mkdir()
        with NexusWriter(folder, live=live, warn_missing=False) as writer:
            for document in documents(name, folder):
                writer(*document)
                if document[0] == "start":  # or it may be whole when it is begun
                    assert writer.flush()
            assert not writer.status().failures
    assert len(trees) >= len(some(SHAPES))


def test_a_large_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros(1 << 20)
    before = path.stat()
    assert not compact(Place.at(path), LIVE)
    assert path.stat().st_ino == before.st_ino


def test_a_full_disk_leaves_the_complete_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = grown_file(tmp_path / "grown.h5")
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", refuse)
    with caplog.at_level(logging.WARNING):
        assert not compact(Place.at(path), LIVE)
    assert path.read_bytes() == before
    assert "is complete, but was not written anew" in caplog.text
    assert "[Errno 28]" in caplog.text
    assert not list(tmp_path.glob(".*"))


def test_who_has_the_old_file_open_goes_on_reading_it(tmp_path: Path) -> None:
    path = grown_file(tmp_path / "grown.h5")
    with h5py.File(path, locking=True) as file:
        assert compact(Place.at(path), LIVE)
        assert file["entry/columns/c0"][()].tolist() == [1.0, 0.0, 1.0]
        assert file["entry/columns/c0"].maxshape == (None,)
    with h5py.File(path) as file:
        assert file["entry/columns/c0"].maxshape == (3,)


def test_a_file_that_was_taken_away_stays_away(tmp_path: Path) -> None:
    assert not compact(Place.at(tmp_path / "moved.h5"), LIVE)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("is_large", [False, True])
def test_killed_at_any_instant_the_file_is_the_old_or_the_new_one(
    is_large: bool, tmp_path: Path
) -> None:
    program = """
        import sys
        from pathlib import Path
        from bluescribe.files import Place
        from bluescribe.hdf5.finished.compact import compact
        print("ready", flush=True)
        sys.stdin.readline()
        compact(Place.at(Path(sys.argv[1])), ("v110", "v110"))
        print("done", flush=True)
    """
    path = grown_file(tmp_path / "grown.h5")
    if is_large:
        with h5py.File(path, "r+", libver=LIVE) as file:
            file.create_dataset("more", data=np.zeros(1 << 18), chunks=(99,), maxshape=(None,))
    complete, expected = path.read_bytes(), tree(path)
    for attempt in range(12):
        path.write_bytes(complete)
        child = warm.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdout is not None
            assert child.stdin is not None
            child.stdout.readline()
            child.stdin.write("\n")
            child.stdin.flush()
            threading.Event().wait(attempt * 1e-3)
            os.kill(child.pid, signal.SIGKILL)
        assert tree(path) == expected


def test_a_count_of_three_points_takes_24_kb(tmp_path: Path) -> None:
    with NexusWriter(tmp_path) as writer:
        for document in documents("count", tmp_path):
            writer(*document)
        path = writer.status().last_file
    assert path is not None
    assert path.stat().st_size < 24_000


@pytest.mark.ci
@pytest.mark.skipif(not STREAMS, reason="the corpus is not there")
@pytest.mark.parametrize("is_read_meanwhile", [False, True])
def test_no_file_is_larger_than_that_of_apstools(is_read_meanwhile: bool, tmp_path: Path) -> None:
    callbacks = pytest.importorskip("apstools.callbacks")
    compared = 0
    for stream in STREAMS:
        docs = load(stream)
        if sum(name == "start" for name, _ in docs) != 1:
            continue  # apstools cannot nest runs
        path = tmp_path / f"{stream.stem}.apstools.hdf"
        if not _write_by_apstools(callbacks.NXWriter(), path, docs):
            continue
        with NexusWriter(tmp_path, file_name=stream.stem) as writer:
            for document in docs:
                writer(*document)
                if is_read_meanwhile and document[0] == "descriptor":
                    assert writer.flush()
        ours = writer.status().last_file  # closed by now: a busy machine takes its time
        assert ours is not None
        compared += 1
        assert ours.stat().st_size <= 1.2 * path.stat().st_size, stream.stem
    assert compared > 10


def _write_by_apstools(callback: Any, path: Path, docs: list[tuple[str, Any]]) -> bool:
    """Return whether it got to the end: what fails in its thread is only printed."""
    callback.file_name, callback.warn_on_missing_content = path, False
    failures: list[Any] = []
    former, threading.excepthook = threading.excepthook, failures.append
    try:
        for document in docs:
            callback.receiver(*document)
        callback.wait_writer()
    except Exception:
        return False
    finally:
        threading.excepthook = former
    return not failures and path.exists()
