"""The programs that the documentation names open the stacks, and see the values of the run."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import fabio
import numpy as np
import pytest
import tifffile
from bluesky import RunEngine
from bluesky.plans import count
from ophyd.sim import SynSignal
from PyMca5.PyMcaIO.TiffIO import TiffIO
from PyMca5.PyMcaIO.TiffStack import TiffStack
from silx.io.utils import open as silx_open

import bluescribe
from bluescribe import TiffWriter
from tests.formats.images import area_detector_file, hdf5_stream, run_of_streams

IMAGEJ = Path("/usr/share/java/ij.jar")
"""Where Debian's libij-java puts it."""
IMAGEJ_TYPES = ["uint8", "uint16", "int16", "int32", "uint32", "float32"]
TYPES = [*IMAGEJ_TYPES, "int8", "int64", "uint64", "float64"]
WAYS = ["live", "exported", "copied"]


def images(dtype):
    """Return three images, with the smallest and the largest number that all programs hold."""
    values = np.arange(3 * 12).reshape(3, 3, 4).astype(dtype)
    if values.dtype.kind in "iu":
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        values[:, 0, :2] = (max(least, -(2**24)), min(most, 2**24))
    return values


def take(folder, way, values, **settings):
    """Write a run with images; return the files of its stack."""
    if way == "copied":
        area_detector_file(folder / "raw.h5", values)
        shape = (1, *values.shape[1:])
        stream = hdf5_stream(folder / "raw.h5", shape)
        documents = run_of_streams([stream], [(0, 0, len(values))], shape)
        play(folder / "data", documents, **settings)
    else:
        measure(folder, values, is_live=way == "live", **settings)
    return sorted((folder / "data").glob("*.tif"))


def play(folder, documents, **settings):
    with TiffWriter(folder, file_name="run", **settings) as writer:
        for document in documents:
            writer(*document)
    assert not writer.status().failures


def measure(folder, values, *, is_live, **settings):
    frames = itertools.chain(values[:1], values)  # it looks once when it is made
    camera = SynSignal(func=lambda: next(frames), name="camera")
    documents: list[Any] = []
    engine = RunEngine()
    engine.subscribe(lambda *pair: documents.append(pair))
    with TiffWriter(folder / "data", file_name="run", **settings) as writer:
        if is_live:
            engine.subscribe(writer.receiver)
        engine(count([camera], num=len(values)))
    assert not writer.status().failures
    if not is_live:
        done = bluescribe.export(documents, folder / "data", ["tiff"], file_name="run", **settings)
        assert not done.failures


def seen_by_tifffile(path):
    return tifffile.imread(path)


def seen_by_silx(path):
    with silx_open(str(path)) as file:
        found = file["scan_0/measurement/image_0/data"][()]
    return np.reshape(found, (-1, *found.shape[-2:]))


def seen_by_pymca(path):
    file = TiffIO(str(path))
    return np.array([file.getImage(n) for n in range(file.getNumberOfImages())])


def seen_by_fabio(path):
    with fabio.open(str(path)) as file:
        return np.array([file.getframe(n).data for n in range(file.nframes)])


READERS = [seen_by_tifffile, seen_by_silx, seen_by_pymca, seen_by_fabio]


@pytest.mark.parametrize("see", READERS)
@pytest.mark.parametrize("way", WAYS)
def test_readers_see_a_stack(way, see, tmp_path):
    for dtype in TYPES:
        values = images(dtype)
        (path,) = take(tmp_path / dtype, way, values)
        found = see(path)
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)


@pytest.mark.parametrize("see", READERS)
def test_readers_see_each_of_single_files(see, tmp_path):
    values = images("uint16")
    paths = take(tmp_path, "live", values, one_file_a_frame=True)
    found = [see(path) for path in paths]
    assert np.array_equal(np.reshape(found, values.shape), values)


@pytest.mark.parametrize("settings", [{}, {"one_file_a_frame": True}])
def test_pymca_opens_a_stack_of_files(settings, tmp_path):
    values = images("uint16")
    stack = TiffStack()
    stack.loadFileList([str(path) for path in take(tmp_path, "live", values, **settings)])
    assert np.array_equal(stack.data, values)


@pytest.mark.parametrize("way", WAYS)
def test_imagej_opens_a_stack(way, tmp_path):
    missing = f"needs java and {IMAGEJ}: apt install default-jdk-headless libij-java"
    assert IMAGEJ.exists(), missing
    assert shutil.which("java"), missing
    every = {dtype: images(dtype) for dtype in IMAGEJ_TYPES}
    paths = [take(tmp_path / dtype, way, values)[0] for dtype, values in every.items()]
    program = Path(__file__).parents[1] / "readers" / "ImageJ.java"
    java = ["java", "-Djava.awt.headless=true", "-cp", str(IMAGEJ), str(program)]
    done = subprocess.run(
        [*java, *map(str, paths)], capture_output=True, text=True, check=True, timeout=120
    )
    for values, line in zip(every.values(), done.stdout.splitlines(), strict=True):
        shape, pixels = line.split()[:3], line.split()[3:]
        assert shape == ["3", "3", "4"]
        assert np.array_equal(np.array(pixels, float).reshape(values.shape), values)


@pytest.mark.parametrize("way", WAYS)
def test_bigtiff_when_that_is_wanted(way, tmp_path):
    values = images("uint16")
    (path,) = take(tmp_path, way, values, bigtiff=True)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff
        assert np.array_equal(file.asarray(), values)
