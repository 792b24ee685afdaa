"""What a format of somebody else gets of detectors' files: `RunFile.frames`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from pydantic import Field

from bluescribe import Writer
from bluescribe.assets.asset import Asset, Frames
from bluescribe.assets.images import ImagesError, NotReadyError
from bluescribe.contract.plugin import FormatPlugin
from bluescribe.contract.post_run import Shortfall, Work
from bluescribe.contract.runfile import RunFile
from bluescribe.contract.settings import Seconds, WriterSettings
from bluescribe.files import Place
from bluescribe.files.job_note import Note
from bluescribe.model.run import Descriptor, Document, Page, Run, Stream
from bluescribe.testing.contract import played
from tests.formats.images import (
    area_detector_file,
    frames,
    hdf5_resource,
    hdf5_stream,
    run_of_resources,
    run_of_streams,
)
from tests.formats.test_external_frames import READABLE, expected
from tests.formats.test_external_parameters import CASES, read_by_bluesky
from tests.formats.test_external_parameters import documents as documents_of

SHAPE = (1, 6, 8)


class StackSettings(WriterSettings):
    """Settings of stacks."""

    images_timeout: Seconds = Field(10.0, description="Seconds for which images are waited for")


class StackFile(RunFile[StackSettings]):
    """A file of numpy for each field that has images in files of their own."""

    def open(self, run: Run) -> None:
        self._run = run
        self._place = self.claim(run, ".uid")
        self._told: dict[str, list[tuple[Asset, Frames | None]]] = {}

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None: ...

    def write_events(self, stream: Stream, page: Page) -> None: ...

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        self._told.setdefault(f"{stream.name}-{field}", []).append((asset, frames))

    def sync(self) -> None: ...

    def close(self, stop: Document | None) -> None:
        told = {"run": self._run.noted(), "told": [dict(a.doc) for a, _ in self._assets()]}
        self.owe("stacks", self._run, self._place, "its stacks are there", lambda: told)

    def abandon(self) -> None: ...

    def afterwards(self) -> Work | None:
        return self._write if self._told else None

    def take_up(self, note: Note) -> Work:
        self._run = Run.from_note(note.about["run"])
        self._place = note.file
        assets = [Asset.from_doc(doc, self.locate) for doc in note.about["told"]]
        self._told = {"taken-up": [(asset, None) for asset in assets]}
        return self._write

    def _assets(self) -> Iterator[tuple[Asset, Frames | None]]:
        yield from (pair for pairs in self._told.values() for pair in pairs)

    def _write(self, give_up: threading.Event) -> list[Shortfall]:
        for name, told in self._told.items():
            images = [i for pair in told for i in self.frames(*pair, give_up)]
            path = self._place.path.with_name(f"{self._run.uid}-{name}.npy")
            np.save(path, np.array(images))
        return []


class StackWriter(Writer):
    format = "stacks"
    file_class = StackFile
    settings_class = StackSettings


FORMAT = FormatPlugin(StackWriter, opens_hdf5=True)


def send(folder: Path, documents: Any, **settings: Any) -> StackWriter:
    with StackWriter(folder, file_name="{uid}", **settings) as writer:
        for name, doc in documents:
            writer(name, doc)
    return writer


def stack(folder: Path, documents: Any) -> Any:
    """Write a run of which nothing may fail; return its one stack."""
    assert not send(folder, documents).status().failures
    (path,) = folder.glob("*.npy")
    return np.load(path)


def failure(folder: Path, documents: Any, **settings: Any) -> str:
    """Write a run whose images cannot be read; return what is told of it."""
    writer = send(folder, documents, **{"images_timeout": 0.2, **settings})
    (told,) = writer.status().failures
    assert not list(folder.glob("*.npy"))
    assert not list(folder.glob("*.owed"))
    return f"{told.cause}. {told.remedy}"


@pytest.mark.parametrize("name", READABLE)
def test_every_shape_of_run_with_images(name, tmp_path, tmp_path_factory):
    documents = list(played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"))
    assert not send(tmp_path, documents).status().failures
    for (run, stream, field), wanted in expected(documents).items():
        found = np.load(tmp_path / f"{run}-{stream}-{field}.npy")
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("name", CASES)
def test_all_that_bluesky_reads(name, tmp_path):
    docs = documents_of(CASES[name], tmp_path / "raw")
    wanted = read_by_bluesky(docs)
    found = stack(tmp_path / "stacks", docs)
    assert found.dtype == wanted.dtype
    assert np.array_equal(found, wanted.reshape(found.shape))


def test_a_file_that_comes_later_is_waited_for(tmp_path):
    raw = tmp_path / "raw.h5"
    docs = run_of_streams([hdf5_stream(raw)], [(0, 1, 3)], SHAPE)
    begun = time.monotonic()
    timer = threading.Timer(0.5, area_detector_file, (raw, frames(4)))
    timer.start()
    assert np.array_equal(stack(tmp_path / "stacks", docs), frames(2, 1))
    assert time.monotonic() - begun > 0.4


def test_what_is_not_there_is_told_with_its_name_and_how_long_it_was_waited_for(tmp_path):
    raw = tmp_path / "gone.h5"
    docs = run_of_streams([hdf5_stream(raw)], [(0, 0, 2)], SHAPE)
    told = failure(tmp_path / "stacks", docs)
    assert f"{raw} is not there, after 0 s" in told
    assert "PATH_MAP" in told


def test_frames_that_are_missing_are_told(tmp_path):
    raw = area_detector_file(tmp_path / "raw.h5", frames(2))
    docs = run_of_streams([hdf5_stream(raw)], [(0, 0, 3)], SHAPE)
    assert "has 2 frames of 3" in failure(tmp_path / "stacks", docs)


def test_files_of_which_nothing_is_known_are_told_at_once(tmp_path):
    resource = {"spec": "BRUKER", "root": "/", "resource_path": "a", "resource_kwargs": {}}
    docs = run_of_resources([resource], [(0, {"point_number": 0})], SHAPE)
    told = failure(tmp_path / "stacks", docs, images_timeout=60)
    assert "spec 'BRUKER', of which nothing is known; known are HDF5, AD_TIFF" in told


def test_a_package_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    (tmp_path / "a_0.tif").write_bytes(b"II*\0")
    resource = {
        "spec": "AD_TIFF", "root": str(tmp_path), "resource_path": "",
        "resource_kwargs": {"template": "%s%s_%d.tif", "filename": "a", "frame_per_point": 1},
    }  # fmt: skip
    docs = run_of_resources([resource], [(0, {"point_number": 0})], SHAPE)
    assert 'pip install "bluescribe[images]"' in failure(tmp_path / "stacks", docs)


def test_before_the_end_of_a_run_nothing_is_waited_for(tmp_path):
    file = StackFile(StackSettings.validated("stacks", {"directory": tmp_path}))
    asset = Asset.from_doc(hdf5_stream(tmp_path / "raw.h5") | {"uid": "r"}, Path)
    with pytest.raises(NotReadyError, match="is not there, after 0 s"):
        file.frames(asset)
    area_detector_file(tmp_path / "raw.h5", frames(3))
    assert np.array_equal(list(file.frames(asset, Frames(1, 3, 1, 3))), frames(2, 1))
    assert issubclass(NotReadyError, OSError)
    assert issubclass(NotReadyError, ImagesError)


def test_only_some_frames_are_read_at_a_time(tmp_path):
    raw = tmp_path / "raw.h5"
    with h5py.File(raw, "w") as file:
        file.create_dataset("entry/data/data", (4_000_000, 6, 8), "u2", chunks=(1000, 6, 8))
    file = StackFile(StackSettings.validated("stacks", {"directory": tmp_path}))
    asset = Asset.from_doc(hdf5_stream(raw) | {"uid": "r"}, Path)
    held = next(file.frames(asset)).base
    assert held is not None
    assert held.nbytes <= 8 << 20


def test_the_work_is_given_up_with_the_session_and_taken_up_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("bluescribe.recording.backend._EXIT_SECONDS", 0.01)
    raw, folder = tmp_path / "raw.h5", tmp_path / "stacks"
    docs = run_of_resources(
        [hdf5_resource(raw, frame_per_point=1)], [(0, {"point_number": 0})], SHAPE
    )
    writer = StackWriter(folder, file_name="{uid}", images_timeout=60)
    for name, doc in docs:
        writer(name, doc)
    writer._close()  # as the interpreter does at its end
    assert len(list(folder.glob("*.owed"))) == 1
    area_detector_file(raw, frames(1))
    with StackWriter(folder) as second:
        (path,) = folder.glob("*.owed")
        note = Note.taken(Place.at(path))
        assert note is not None
        second.take_up(note)
    (path,) = folder.glob("*.npy")
    assert np.array_equal(np.load(path), frames(1))
    assert not list(folder.glob("*.owed"))
