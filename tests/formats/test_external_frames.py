"""Every frame that a detector wrote for an event is in each format that takes frames, no other is.

What is expected is read from the documents here, apart from the code of the writers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
import tifffile
from nexusformat.nexus import nxload
from silx.io.utils import open as open_in_silx

from bluescribe import DxWriter, Hdf5Writer, NexusWriter, TiffWriter
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from tests.extent import IS_LONG
from tests.test_corpus import CORPUS, load

READABLE = [
    name
    for name, shape in SHAPES.items()
    if shape.external and name not in ("resource_missing_file", "resource_tiff", "stream_fly_tiff")
]
CORPUS_RUNS = ("oa_blob_count", "oa_blob_scan", "bs_area_resource_datum")

Frames = dict[tuple[str, str, str], Any]


def expected(documents: Any) -> Frames:
    """Return the frames by run, stream and field, in the order of the events."""
    told = _Told()
    for name, doc in documents:
        getattr(told, name, lambda doc: None)(doc)
    return {key: np.concatenate(images) for key, images in told.images.items()}


class _Told:
    """What documents tell of external frames; a method for each kind."""

    def __init__(self) -> None:
        self.images: dict[tuple[str, str, str], list[Any]] = {}
        self._streams: dict[str, Any] = {}
        self._resources: dict[str, Any] = {}
        self._datums: dict[str, Any] = {}

    def descriptor(self, doc: Any) -> None:
        self._streams[doc["uid"]] = doc

    def resource(self, doc: Any) -> None:
        self._resources[doc["uid"]] = doc

    stream_resource = resource

    def datum(self, doc: Any) -> None:
        self._datums[doc["datum_id"]] = doc["resource"], doc["datum_kwargs"]

    def datum_page(self, doc: Any) -> None:
        for row, datum_id in enumerate(doc["datum_id"]):
            kwargs = {key: column[row] for key, column in doc["datum_kwargs"].items()}
            self._datums[datum_id] = doc["resource"], kwargs

    def event(self, doc: Any) -> None:
        for field, value in doc["data"].items():
            if isinstance(value, str) and value in self._datums:
                uid, kwargs = self._datums[value]
                self._add(doc, field, _of_resource(self._resources[uid], kwargs))

    def stream_datum(self, doc: Any) -> None:
        resource = self._resources[doc["stream_resource"]]
        field = resource["data_key"]
        shape = self._streams[doc["descriptor"]]["data_keys"][field]["shape"]
        if len(shape) == 3:
            self._add(doc, field, _of_stream(resource, doc["indices"], shape[0]))

    def _add(self, doc: Any, field: str, images: Any) -> None:
        declared = self._streams[doc["descriptor"]]
        key = declared["run_start"], declared.get("name", "primary"), field
        self.images.setdefault(key, []).append(images)


def _of_resource(doc: Any, kwargs: Any) -> Any:
    path = Path(doc["root"]) / doc["resource_path"]
    if doc["spec"] == "NPY_SEQ":
        return np.load(f"{path}_{kwargs['index']}.npy")[np.newaxis]
    each = doc["resource_kwargs"]["frame_per_point"]
    with h5py.File(path) as file:
        first = kwargs["point_number"] * each
        return file["entry/data/data"][first : first + each]


def _of_stream(doc: Any, indices: Any, each: int) -> Any:
    with h5py.File(doc["uri"].partition("localhost")[2]) as file:
        dataset = file[doc["parameters"]["dataset"]]
        return dataset[indices["start"] * each : indices["stop"] * each]


def send(writer: Any, documents: Any) -> None:
    with writer:
        for name, doc in documents:
            writer(name, doc)
    assert not writer.status().failures, writer.status()


def check_dx(folder: Path, documents: Any, wanted: Frames, **settings: Any) -> int:
    """Write each field with a writer of its own; return the frames that were compared."""
    compared = 0
    for field in dict.fromkeys(field for _, _, field in wanted):
        fields = {run: images for (run, stream, name), images in wanted.items() if name == field}
        send(DxWriter(folder / field, file_name="{uid}", image=field, **settings), documents)
        for run, images in fields.items():
            path = folder / field / f"{run}.dx.h5"
            with h5py.File(path) as file:
                assert np.array_equal(file["exchange/data"], images)
                assert file["exchange/data"].dtype == images.dtype
                assert len(file["process/acquisition/data/seq_num"]) == len(images)
            with open_in_silx(str(path)) as opened:
                assert np.array_equal(opened["exchange/data"][0], images[0])
            compared += len(images)
        assert len(list((folder / field).glob("*.h5"))) == len(fields)
    return compared


def check_tiff(folder: Path, documents: Any, wanted: Frames) -> int:
    send(TiffWriter(folder, file_name="{uid}"), documents)
    for (run, stream, field), images in wanted.items():
        found = tifffile.imread(folder / f"{run}-{stream}-{field}.tif")
        assert np.array_equal(found.reshape(images.shape), images)
        assert found.dtype == images.dtype
    assert len(list(folder.glob("*.tif"))) == len(wanted)
    return sum(map(len, wanted.values()))


def check_nexus(
    folder: Path, documents: Any, wanted: Frames, images: Literal["link", "copy"]
) -> int:
    send(NexusWriter(folder, file_name="{uid}", images=images), documents)
    for (run, stream, field), frames in wanted.items():
        place = f"/entry/instrument/bluesky/streams/{stream}/{field}/value"
        with h5py.File(folder / f"{run}.hdf") as file:
            assert np.array_equal(file[place], frames)
        assert np.array_equal(nxload(str(folder / f"{run}.hdf"))[place].nxdata, frames)
    return sum(map(len, wanted.values()))


def check_raw(folder: Path, documents: Any, wanted: Frames) -> int:
    send(Hdf5Writer(folder, file_name="{uid}"), documents)
    for (run, stream, field), frames in wanted.items():
        with h5py.File(folder / f"{run}.h5") as file:
            assert np.array_equal(file[f"/streams/{stream}/{field}/value"], frames)
    return sum(map(len, wanted.values()))


def check(folder: Path, documents: Any) -> dict[str, int]:
    """Fail unless all frames are there; return how many were compared."""
    wanted = expected(documents)
    compared = {}
    if all(doc.get("spec") != "NPY_SEQ" for name, doc in documents if name == "resource"):
        compared["raw"] = check_raw(folder / "raw", documents, wanted)
        compared["joined"] = check_nexus(folder / "nexus", documents, wanted, "link")
        compared["linked"] = check_dx(folder / "link", documents, wanted)
    compared["nexus"] = check_nexus(folder / "copied", documents, wanted, "copy")
    compared["copied"] = check_dx(folder / "copy", documents, wanted, images="copy")
    return {**compared, "tiff": check_tiff(folder / "tiff", documents, wanted)}


@pytest.mark.parametrize("name", READABLE[:: 1 if IS_LONG else 3])
def test_shapes_of_run(name, tmp_path, tmp_path_factory):
    documents = list(played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"))
    check(tmp_path, documents)


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus is not at {CORPUS}")
@pytest.mark.parametrize("name", CORPUS_RUNS)
def test_corpus(name, tmp_path):
    documents = load(CORPUS / f"{name}.jsonl")
    assert min(check(tmp_path, documents).values()) > 0
