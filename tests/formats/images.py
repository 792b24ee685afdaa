"""Runs with external images, as their producers write and announce them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run

from bluescribe import NexusWriter

STREAMS = "/entry/instrument/bluesky/streams"
CAMERA = f"{STREAMS}/primary/camera"

Documents = list[tuple[str, Any]]


def frames(count: int, first: int = 0, shape: tuple[int, ...] = (6, 8)) -> Any:
    """Return images that can be told from each other."""
    numbers = np.arange(first, first + count, dtype=np.uint16).reshape(-1, *[1] * len(shape))
    return numbers * 100 + np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def area_detector_file(path: Path, data: Any, **options: Any) -> Path:
    """Write a file as areaDetector does: chunks of a frame, attributes, extensible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "entry/data/data",
            data=data,
            maxshape=(None, *data.shape[1:]),
            chunks=(1, *data.shape[1:]),
            **options,
        )
        dataset.attrs["NDArrayNumDims"] = 2
        dataset.attrs["signal"] = 1
    return path


def refuse_pages(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Have the disk be full at two writes into a stack of TIFF, from that on; half goes in."""
    refusals = iter([False] * at + [True, True])
    real = os.pwrite

    def pwrite(file: int, data: bytes, place: int) -> int:
        if next(refusals, False):
            real(file, data[: len(data) // 2], place)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data, place)

    monkeypatch.setattr("bluescribe.files.system.os.pwrite", pwrite)


def run_of_resources(
    resources: Sequence[dict[str, Any]], points: Sequence[tuple[int, dict[str, Any]]], shape: Any
) -> Documents:
    """Return a run whose events refer to parts of resources: (number of resource, datum_kwargs)."""
    run = compose_run(metadata={"scan_id": 1, "plan_name": "count", "detectors": ["camera"]})
    key = {"dtype": "array", "shape": list(shape), "source": "PV:SIM", "external": "FILESTORE:"}
    stream = run.compose_descriptor(
        name="primary",
        data_keys={"camera": key},
        hints={"camera": {"fields": ["camera"]}},
        object_keys={"camera": ["camera"]},
        configuration={"camera": {"data": {}, "timestamps": {}, "data_keys": {}}},
    )
    docs: Documents = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
    bundles = [run.compose_resource(**resource) for resource in resources]
    docs += [("resource", bundle.resource_doc) for bundle in bundles]
    for number, kwargs in points:
        datum = bundles[number].compose_datum(kwargs)
        event = stream.compose_event(
            data={"camera": datum["datum_id"]}, timestamps={"camera": 1.0}, validate=False
        )
        docs += [("datum", datum), ("event", event)]
    return [*docs, ("stop", run.compose_stop())]


def run_of_streams(
    resources: Sequence[dict[str, Any]], ranges: Sequence[tuple[int, int, int]], shape: Any
) -> Documents:
    """Return a flight: (number of stream_resource, first index, index after the last)."""
    run = compose_run(metadata={"scan_id": 1, "plan_name": "fly", "detectors": ["camera"]})
    key = {"dtype": "array", "shape": list(shape), "source": "sim", "external": "STREAM:"}
    stream = run.compose_descriptor(
        name="primary",
        data_keys={"camera": key},
        hints={"camera": {"fields": ["camera"]}},
        object_keys={"camera": ["camera"]},
        configuration={"camera": {"data": {}, "timestamps": {}, "data_keys": {}}},
    )
    docs: Documents = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
    compose: Any = run.compose_stream_resource
    bundles = [compose(data_key="camera", **each) for each in resources]
    docs += [("stream_resource", bundle.stream_resource_doc) for bundle in bundles]
    seq = 1
    for number, start, stop in ranges:
        datum = bundles[number].compose_stream_datum(
            {"start": start, "stop": stop}, {"start": seq, "stop": seq + stop - start},
            stream.descriptor_doc,
        )  # fmt: skip
        seq += stop - start
        docs.append(("stream_datum", datum))
    return [*docs, ("stop", run.compose_stop())]


def hdf5_stream(path: Path, shape: Any = (1, 6, 8)) -> dict[str, Any]:
    """Return what a stream_resource says of an HDF5 file."""
    parameters = {"chunk_shape": tuple(shape), "dataset": "/entry/data/data"}
    return {
        "mimetype": "application/x-hdf5",
        "uri": f"file://localhost{path}",
        "parameters": parameters,
    }


def hdf5_resource(path: Path, spec: str = "AD_HDF5", **kwargs: Any) -> dict[str, Any]:
    """Return what a resource says of an HDF5 file."""
    return {
        "spec": spec,
        "root": str(path.parent),
        "resource_path": path.name,
        "resource_kwargs": kwargs,
    }


def write(folder: Path, docs: Documents, **settings: Any) -> Path:
    """Write a run, wait for its images, and return its file; nothing may have failed."""
    with NexusWriter(folder, **settings) as writer:
        for name, doc in docs:
            writer(name, doc)
    status = writer.status()
    assert not status.failures, status
    assert not status.copying
    assert status.last_file is not None
    assert not list(folder.glob("*.part"))
    return status.last_file


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a finished file, as anybody does."""
    with h5py.File(path) as file:
        yield file
