"""What is particular to TIFF: stacks that are whole at any moment, and what they cannot hold."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import tifffile

from bluescribe import TiffWriter
from bluescribe.files import Place
from bluescribe.formats.tiff.stackfile import StackFile
from tests import warm
from tests.formats.images import refuse_pages
from tests.formats.test_json import START, STOP, documents
from tests.readers.tiff import read_list, read_stack

TYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 >u2 >f4"


def write(folder, *rows, **settings):
    with TiffWriter(folder, file_name="run", **settings) as writer:
        for document in [*documents(*rows), ("stop", STOP)]:
            writer(*document)
    assert not writer.status().failures
    return json.loads((folder / "run.tiff.json").read_text())


@pytest.mark.parametrize("dtype", TYPES.split())
def test_each_type_comes_back(dtype, tmp_path):
    images = [np.arange(12).reshape(3, 4).astype(dtype) + np.array(n, dtype) for n in range(3)]
    write(tmp_path, *({"camera": image} for image in images))
    found = tifffile.imread(tmp_path / "run-primary-camera.tif")
    assert found.shape == (3, 3, 4)
    assert np.array_equal(found, np.stack(images))
    assert found.dtype == ("uint8" if dtype == "bool" else np.dtype(dtype).newbyteorder("="))


def test_the_description_tells_what_is_shown(tmp_path):
    write(tmp_path, {"camera": np.ones((2, 3))}, {"camera": np.zeros((2, 3))})
    (first, _), (second, _) = read_stack(tmp_path / "run-primary-camera.tif")
    assert first["start"]["uid"] == START["uid"]
    assert (first["field"], first["stream"], first["dtype"]) == ("camera", "primary", "float64")
    assert (second["seq_num"], second["row"]) == (2, 1)


def test_the_shape_of_a_grid_scan_is_not_taken_for_that_of_the_images(tmp_path):
    (_, start), *others = documents({"camera": np.ones((2, 3))})
    with TiffWriter(tmp_path, file_name="run") as writer:
        for document in [("start", {**start, "shape": [5, 7]}), *others, ("stop", STOP)]:
            writer(*document)
    ((page, image),) = read_stack(tmp_path / "run-primary-camera.tif")
    assert page["start"]["shape"] == [5, 7]
    assert image.shape == (2, 3)


def test_each_frame_has_a_file_when_that_is_wanted(tmp_path):
    rows = [{"camera": np.full((2, 3), n)} for n in range(3)]
    told = write(tmp_path, *rows, one_file_a_frame=True)
    names = sorted(path.name for path in tmp_path.glob("*.tif"))
    assert names == [f"run-primary-camera-00000{n}.tif" for n in (1, 2, 3)]
    for number, name in enumerate(names):
        ((page, image),) = read_stack(tmp_path / name)
        assert page["seq_num"] == number + 1
        assert page["start"]["uid"] == START["uid"]
        assert (image == number).all()
    assert told["streams"][0]["images"][0]["seq_nums"] == [[1, 3]]


def test_another_shape_begins_another_stack(tmp_path):
    write(tmp_path, *({"camera": np.full((2, n), n)} for n in (3, 4, 3)))
    assert tifffile.imread(tmp_path / "run-primary-camera.tif").shape == (2, 2, 3)
    assert tifffile.imread(tmp_path / "run-primary-camera-2.tif").shape == (2, 4)
    (found,) = read_list(tmp_path / "run.tiff.json").events["primary"].values()
    assert [image.shape for image in found] == [(2, 3), (2, 4), (2, 3)]


@pytest.mark.parametrize("value", [np.ones((2, 2, 3)), np.ones((2, 2)) * 1j, np.ones(3), 1, "a"])
def test_what_is_no_image_is_named(value, tmp_path):
    told = write(tmp_path, {"camera": value})
    (entry,) = told["left_out"]
    assert (entry["stream"], entry["field"]) == ("primary", "camera")
    assert "1 values" in entry["what"]
    assert not list(tmp_path.glob("*.tif"))


@pytest.mark.parametrize("at", range(8))
def test_a_page_that_was_refused_is_written_once(at, tmp_path, monkeypatch):
    refuse_pages(monkeypatch, at)
    images = [np.full((2, 3), n) for n in range(3)]
    write(tmp_path, *({"one": image, "two": image + 10} for image in images))
    for name, more in (("one", 0), ("two", 10)):
        found = tifffile.imread(tmp_path / f"run-primary-{name}.tif")
        assert np.array_equal(found, np.stack(images) + more)


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("bytes_lost", [0, 1, 100, 200, 250, 300])
def test_a_file_that_a_crash_cut_has_the_pages_before(bytes_lost, is_big, tmp_path):
    """The pointer to a page is written last: cut the file before it was."""
    path = tmp_path / "cut.tif"
    path.touch()
    stack = StackFile(Place.at(path), is_big=is_big)
    for number in range(2):
        stack.append(np.full((4, 5), number), b"{}")
    before = path.read_bytes()
    stack.append(np.full((4, 5), 2), b"{}")
    grown = path.read_bytes()
    lost = before + grown[len(before) : len(grown) - bytes_lost]  # the former pages as they were
    path.write_bytes(lost)
    assert [image[0, 0] for _, image in read_stack(path)] == [0, 1]


_CHILD = """
import os, sys
import numpy as np
from bluescribe import TiffWriter
from tests.formats.test_json import documents
writer = TiffWriter(sys.argv[1], file_name="run")
for document in documents(*({"camera": np.full((2, 3), n)} for n in range(5))):
    writer(*document)
writer.flush()
os.kill(os.getpid(), 9)
"""


def test_after_a_kill_all_that_was_flushed_is_there(tmp_path):
    warm.run([sys.executable, "-c", _CHILD, str(tmp_path)], timeout=60, check=False)
    found = tifffile.imread(tmp_path / "run-primary-camera.tif")
    assert found[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert json.loads((tmp_path / "run.tiff.json").read_text())["state"] == "recording"
