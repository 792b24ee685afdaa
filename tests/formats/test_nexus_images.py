"""Linked, joined and copied images, read by h5py, silx and nexusformat."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
import silx.io
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nexusformat.nexus import nxload
from PIL import Image
from silx.io import nxdata

from bluescribe.assets.book import AssetBook
from bluescribe.assets.images import Images, Part
from bluescribe.hdf5.images.frames import copy_frames
from bluescribe.hdf5.images.streaming import blocks
from bluescribe.model.run import Field, Stream
from bluescribe.testing import documents
from tests import warm
from tests.formats.images import (
    CAMERA,
    area_detector_file,
    frames,
    hdf5_resource,
    hdf5_stream,
    run_of_resources,
    run_of_streams,
    write,
)
from tests.readers import nexus, nexus_rules

SHAPE = (1, 6, 8)


def two_files(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [area_detector_file(folder / f"c{n}.h5", frames(4, 10 * n)) for n in range(2)]


def test_several_files_are_one_dataset_of_the_frames_of_events(tmp_path: Path) -> None:
    paths = two_files(tmp_path / "raw")
    docs = run_of_streams([hdf5_stream(p) for p in paths], [(0, 1, 3), (1, 0, 4)], SHAPE)
    path = write(tmp_path / "data", docs)
    expected = np.concatenate([frames(2, 1), frames(4, 10)])
    shutil.move(tmp_path / "raw", tmp_path / "moved")
    shutil.move(tmp_path / "moved", tmp_path / "raw")
    with h5py.File(path) as file:
        assert file[CAMERA]["value"].is_virtual
        assert np.array_equal(file[CAMERA]["value"], expected)
        assert len(file[CAMERA]["value_1"]) == 4, "all frames of the file"
        assert np.array_equal(file["/entry/instrument/camera/data"], expected)
        assert file["/entry/instrument/camera/data"].attrs["target"] == f"{CAMERA}/value"
    with silx.io.open(str(path)) as opened:  # type: ignore[attr-defined]  # silx re-exports
        plot: Any = nxdata.get_default(opened)  # type: ignore[attr-defined]  # it too
        assert np.array_equal(plot.signal, expected)


def test_joined_files_survive_the_move_of_their_folder(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    paths = two_files(here / "raw 50% b#")
    docs = run_of_streams([hdf5_stream(p) for p in paths], [(0, 0, 4), (1, 0, 4)], SHAPE)
    path = write(here / "data", docs)
    here.rename(tmp_path / "there")
    with h5py.File(tmp_path / "there" / "data" / path.name) as file:
        assert np.array_equal(file[CAMERA]["value"][4:], frames(4, 10))
        assert np.array_equal(file[CAMERA]["value_2"], frames(4, 10))


def test_a_file_that_is_missing_is_never_shown_as_zeros(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = two_files(tmp_path / "raw")
    paths[1].unlink()
    docs = run_of_streams([hdf5_stream(p) for p in paths], [(0, 0, 4), (1, 0, 4)], SHAPE)
    with h5py.File(write(tmp_path, docs)) as file:
        assert "value" not in file[CAMERA]
        assert np.array_equal(file[CAMERA]["value_1"], frames(4))
    assert "linked one by one and not joined" in caplog.text
    assert f"{paths[1]} is not there" in caplog.text


def test_files_that_do_not_fit_together_stay_apart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = two_files(tmp_path / "raw")
    area_detector_file(paths[1], frames(4, shape=(3, 3)))
    docs = run_of_streams([hdf5_stream(p) for p in paths], [(0, 0, 4), (1, 0, 4)], SHAPE)
    with h5py.File(write(tmp_path, docs)) as file:
        assert "value" not in file[CAMERA]
    assert "frames of shape (3, 3)" in caplog.text


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_joined_and_copied_frames_are_those_of_the_ranges(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("ranges")
    each = data.draw(st.integers(1, 3), "frames an event")
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3), "events a file")
    paths = [
        area_detector_file(folder / f"c{n}.h5", frames(length * each, 100 * n))
        for n, length in enumerate(lengths)
    ]
    numbers = data.draw(st.lists(st.integers(0, len(paths) - 1), min_size=1, max_size=6), "files")
    starts = [data.draw(st.integers(0, lengths[n] - 1), "first event") for n in numbers]
    ranges = [(n, start, lengths[n]) for n, start in zip(numbers, starts, strict=True)]
    docs = run_of_streams([hdf5_stream(p, (each, 6, 8)) for p in paths], ranges, (each, 6, 8))
    expected = np.concatenate([frames((b - a) * each, 100 * n + a * each) for n, a, b in ranges])
    found = [write(folder / "c", docs, images="copy")]
    if len({n for n, _, _ in ranges}) > 1:
        found.append(write(folder / "l", docs))
    for path in found:
        with h5py.File(path) as file:
            assert np.array_equal(file[CAMERA]["value"], expected)
            assert file[CAMERA]["value"].attrs["frames_per_event"] == each


def assert_copied(path: Path, expected: Any, rank: int = 3) -> None:
    """Look with three readers whether images are in the file itself, in all places."""
    with h5py.File(path) as file:
        value = file[CAMERA]["value"]
        assert not value.is_virtual
        assert np.array_equal(value, expected)
        assert value.dtype == expected.dtype
        assert value.attrs["copied_from"]
        for place in ("/entry/instrument/camera/data", "/entry/data/camera"):
            assert isinstance(file.get(place, getlink=True), h5py.HardLink)
            assert file[place] == value
        assert not [n for n in file[CAMERA] if n.startswith("value_")]
        assert list(file["/entry/data"].attrs["axes"]) == ["."] * rank
    with silx.io.open(str(path)) as opened:  # type: ignore[attr-defined]  # silx re-exports
        plot: Any = nxdata.get_default(opened)  # type: ignore[attr-defined]  # it too
        assert np.array_equal(plot.signal, expected)
    assert np.array_equal(nxload(str(path))[f"{CAMERA}/value"].nxdata, expected)


@pytest.mark.parametrize(
    ("spec", "kwargs", "points"),
    [
        ("AD_HDF5", {"frame_per_point": 1}, [{"point_number": n} for n in range(4)]),
        ("AD_HDF5", {"frame_per_point": 2}, [{"point_number": n} for n in range(2)]),
        ("AD_HDF5_SWMR", {}, [{"point_number": n} for n in range(4)]),
        ("AD_HDF5_SWMR_STREAM", {}, [{"point_number": n} for n in range(4)]),
        ("SITE", {"dataset": "entry/data/data"}, [{}]),
    ],
)
def test_images_of_resources_are_copied(
    tmp_path: Path, spec: str, kwargs: dict[str, Any], points: list[dict[str, Any]]
) -> None:
    raw = area_detector_file(tmp_path / "raw" / "a.h5", frames(4))
    each = kwargs.get("frame_per_point", 1)
    docs = run_of_resources(
        [hdf5_resource(raw, spec, **kwargs)], [(0, point) for point in points], (each, 6, 8)
    )
    path = write(tmp_path, docs, images="copy")
    raw.unlink()
    assert_copied(path, frames(4))
    with h5py.File(path) as file:
        assert file[CAMERA]["value"].attrs["NDArrayNumDims"] == 2
        assert file[CAMERA]["value"].attrs["copied_from"] == f"{raw}:/entry/data/data"


def test_spectra_of_an_xspress3_are_copied(tmp_path: Path) -> None:
    raw = tmp_path / "x.h5"
    data = frames(3, shape=(4, 16))
    with h5py.File(raw, "w") as file:
        file["entry/instrument/detector/data"] = data  # contiguous
    points = [(0, {"frame": n, "channel": 1}) for n in range(3)]
    docs = run_of_resources([hdf5_resource(raw, "XSP3")], points, (16,))
    assert_copied(write(tmp_path, docs, images="copy"), data)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip", "shuffle": True},
        dict(hdf5plugin.Bitshuffle(cname="lz4")),
        dict(hdf5plugin.Blosc2()),
        dict(hdf5plugin.LZ4()),
    ],
    ids=["plain", "gzip", "bitshuffle", "blosc2", "lz4"],
)
def test_a_copy_is_compressed_as_its_source(tmp_path: Path, options: dict[str, Any]) -> None:
    raw = area_detector_file(tmp_path / "raw.h5", frames(9, shape=(64, 64)), **options)
    docs = run_of_streams([hdf5_stream(raw, (1, 64, 64))], [(0, 0, 4), (0, 5, 9)], (1, 64, 64))
    path = write(tmp_path, docs, images="copy")
    expected = np.concatenate([frames(4, shape=(64, 64)), frames(4, 5, shape=(64, 64))])
    assert_copied(path, expected)
    with h5py.File(path) as file, h5py.File(raw) as source:
        made, given = file[CAMERA]["value"], source["entry/data/data"]
        assert made._filters.keys() == given._filters.keys()
        assert made.id.get_storage_size() == pytest.approx(
            given.id.get_storage_size() * 8 / 9, rel=0.2
        )


def test_sequences_of_tiff_files_are_copied(tmp_path: Path) -> None:
    for n, image in enumerate(frames(4)):
        tifffile.imwrite(tmp_path / f"shot_{n:06d}.tiff", image)
    kwargs = {"template": "%s%s_%6.6d.tiff", "filename": "shot", "frame_per_point": 2}
    resource = {"spec": "AD_TIFF", "root": "/", "resource_path": str(tmp_path)[1:],
                "resource_kwargs": kwargs}  # fmt: skip
    docs = run_of_resources([resource], [(0, {"point_number": n}) for n in range(2)], (2, 6, 8))
    assert_copied(write(tmp_path / "data", docs, images="copy"), frames(4))


@pytest.mark.parametrize("template", ["shot_{:06d}.tiff", "%s%s_%6.6d.tiff", "%s_%06d.tiff"])
def test_streams_of_tiff_files_are_copied(tmp_path: Path, template: str) -> None:
    for n, image in enumerate(frames(4)):
        tifffile.imwrite(tmp_path / f"shot_{n:06d}.tiff", image)
    parameters = {"chunk_shape": SHAPE, "template": template, "filename": "shot"}
    resource = {"mimetype": "multipart/related;type=image/tiff",
                "uri": f"file://localhost{tmp_path}/", "parameters": parameters}  # fmt: skip
    docs = run_of_streams([resource], [(0, 0, 1), (0, 1, 4)], SHAPE)
    assert_copied(write(tmp_path / "data", docs, images="copy"), frames(4))


def test_files_of_several_frames_are_copied(tmp_path: Path) -> None:
    for n in range(4):
        tifffile.imwrite(tmp_path / f"shot_{n}.tiff", frames(3, 3 * n), photometric="minisblack")
    parameters = {"chunk_shape": (3, 6, 8), "template": "shot_{}.tiff"}
    resource = {"mimetype": "multipart/related;type=image/tiff",
                "uri": f"file://localhost{tmp_path}/", "parameters": parameters}  # fmt: skip
    docs = run_of_streams([resource], [(0, 0, 2)], (6, 6, 8))
    assert_copied(write(tmp_path / "data", docs, images="copy"), frames(12))


def test_sequences_of_npy_files_are_copied(tmp_path: Path) -> None:
    for n, image in enumerate(frames(4)):
        np.save(tmp_path / f"stem_{n}.npy", image)
    resource = hdf5_resource(tmp_path / "stem", "NPY_SEQ")
    docs = run_of_resources([resource], [(0, {"index": n}) for n in (0, 1, 3)], (6, 8))
    assert_copied(write(tmp_path / "data", docs, images="copy"), frames(4)[[0, 1, 3]])


def test_streams_of_jpeg_files_are_copied(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 255, (3, 16, 16, 3), np.uint8)
    for n, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"j_{n:06d}.jpg", quality=95)
    read = np.stack([np.asarray(Image.open(tmp_path / f"j_{n:06d}.jpg")) for n in range(3)])
    parameters = {"chunk_shape": (1, 16, 16, 3), "template": "j_{:06d}.jpg"}
    resource = {"mimetype": "multipart/related;type=image/jpeg",
                "uri": f"file://localhost{tmp_path}/", "parameters": parameters}  # fmt: skip
    docs = run_of_streams([resource], [(0, 0, 3)], (1, 16, 16, 3))
    assert_copied(write(tmp_path / "data", docs, images="copy"), read, rank=4)


def test_one_hdf5_file_a_point_is_a_sequence(tmp_path: Path) -> None:
    for n, image in enumerate(frames(2)):
        area_detector_file(tmp_path / f"shot_{n:06d}.h5", image[np.newaxis])
    kwargs = {"template": "%s%s_%6.6d.h5", "filename": "shot", "frame_per_point": 1}
    resource = hdf5_resource(tmp_path, "AD_HDF5_SINGLE", **kwargs)
    docs = run_of_resources([resource], [(0, {"point_number": n}) for n in range(2)], SHAPE)
    assert_copied(write(tmp_path / "data", docs, images="copy"), frames(2))


@pytest.mark.parametrize(
    "name", ["resource_hdf5", "resource_grid", "resource_two_detectors", "stream_count",
             "resource_and_scalars", "async_scan", "async_fly_frames", "resource_rollover"]
)  # fmt: skip
def test_runs_of_every_kind_hold_their_images_after_copying(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, documents(name, tmp_path), images="copy")
    with h5py.File(path) as file:
        links = []

        def look(group: h5py.Group) -> None:
            for key in group:
                link = group.get(key, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    links.append(f"{group.name}/{key}")
                elif isinstance(group[key], h5py.Group):
                    look(group[key])

        look(file["/"])
        assert not links


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), min_size=1, max_size=3),
    st.integers(1, 200),
)
def test_blocks_cover_everything_once_and_are_bounded(
    axes: list[tuple[int, int]], most: int
) -> None:
    shape, chunks = zip(*axes, strict=True)
    seen = np.zeros(shape, int)
    for block in blocks(shape, chunks, 2, most):
        seen[block] += 1
        assert seen[block].nbytes // seen.itemsize * 2 <= max(most, 2 * np.prod(chunks))
    assert (seen == 1).all()


GROWTH = """
import json, sys
from pathlib import Path
from benchmarks.images import measure_images
print(json.dumps(measure_images(sys.argv[1], Path(sys.argv[2]), 300)))
"""


@pytest.mark.ci
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    growth = {}
    for name in ("no writer", "linked", "copied"):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", GROWTH, name, str(tmp_path / name)]
        done = warm.run(command, check=True, capture_output=True, text=True)
        growth[name] = json.loads(done.stdout)["growth_bytes"]
    images = 300 * 512 * 512 * 2
    assert growth["linked"] - growth["no writer"] < 20e6
    assert growth["copied"] - growth["no writer"] < min(60e6, images / 2)


@pytest.mark.parametrize(
    "name", ["resource_hdf5", "resource_rollover", "stream_fly_rollover", "resource_grid",
             "async_fly_two_detectors", "stream_fly_tiff", "resource_npy"]
)  # fmt: skip
def test_files_with_images_in_them_are_valid_and_hold_every_value(
    tmp_path: Path, name: str
) -> None:
    write(tmp_path, documents(name, tmp_path), images="copy")
    nexus_rules.check_folder(tmp_path)
    (run,) = nexus.read_folder(tmp_path)
    assert run.stop is not None
    with h5py.File(next(tmp_path.glob("*.hdf"))) as file:
        copied: list[str] = []

        def look(path: str, node: h5py.HLObject) -> None:
            if "copied_from" in node.attrs:
                copied.append(path)

        file.visititems(look)
    assert copied


@pytest.mark.parametrize("options", [{"compression": "gzip"}, dict(hdf5plugin.Bitshuffle())])
def test_a_copy_may_be_compressed_otherwise(tmp_path: Path, options: dict[str, Any]) -> None:
    raw = area_detector_file(tmp_path / "raw.h5", frames(5, shape=(64, 64)))
    docs = run_of_streams([hdf5_stream(raw, (1, 64, 64))], [(0, 0, 5)], (1, 64, 64))
    book = AssetBook()
    book.add_stream_resource(docs[2][1])
    camera = Field("camera", shape=(1, 64, 64))
    _, asset, _ = book.of_stream_datum(docs[3][1], Stream("primary", fields={"camera": camera}))
    images = Images("primary", "camera", (Part(asset, 1, 4),))
    with h5py.File(tmp_path / "copy.h5", "w") as file:
        made = copy_frames(file, "copy", images, options, threading.Event())
        assert np.array_equal(made, frames(3, 1, (64, 64)))
        assert made._filters
        assert made.id.get_storage_size() < made.nbytes


def test_frames_that_were_never_written_read_as_in_their_file(tmp_path: Path) -> None:
    raw = tmp_path / "raw.h5"
    with h5py.File(raw, "w") as file:
        options = {"maxshape": (None, 6, 8), "chunks": (1, 3, 8), "fillvalue": 9, "shuffle": True}
        images = file.create_dataset("entry/data/data", (6, 6, 8), "u2", **options)
        images[2], images[4] = frames(2)
        expected = images[1:6]
    docs = run_of_streams([hdf5_stream(raw)], [(0, 1, 6)], SHAPE)
    assert_copied(write(tmp_path, docs, images="copy"), expected)


def test_chunks_of_several_frames_are_cut_where_the_events_begin(tmp_path: Path) -> None:
    raw = tmp_path / "raw.h5"
    with h5py.File(raw, "w") as file:
        file.create_dataset(
            "entry/data/data", data=frames(10), maxshape=(None, 6, 8), chunks=(4, 5, 8),
            compression="gzip",
        )  # fmt: skip
    docs = run_of_streams([hdf5_stream(raw)], [(0, 0, 4), (0, 5, 9)], SHAPE)
    expected = np.concatenate([frames(4), frames(4, 5)])
    assert_copied(write(tmp_path, docs, images="copy"), expected)
