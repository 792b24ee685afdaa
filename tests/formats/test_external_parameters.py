"""What stream_resources say of their files is heeded as bluesky and tiled heed it, by each format.

What is right is what bluesky's consolidator and tiled's adapter read, not what is written here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
import silx.io
import tifffile
from bluesky import RunEngine
from event_model import DocumentNames, schema_validators
from nexusformat.nexus import nxload

from bluescribe import DxWriter, Hdf5Writer, NexusWriter, TiffWriter
from bluescribe.hdf5.images import virtual
from bluescribe.testing.shapes.devices import motor
from bluescribe.testing.shapes.stream_assets import StreamDetector
from tests import warm
from tests.formats.images import (
    CAMERA,
    Documents,
    frames,
    hdf5_resource,
    run_of_resources,
    run_of_streams,
)

HDF5 = "application/x-hdf5"
TIFF = "multipart/related;type=image/tiff"
NPY = "multipart/related;type=application/x-npy"


@dataclass(frozen=True)
class Case:
    """Files, and how a stream tells of them."""

    make: Callable[[Path], Sequence[tuple[Path, str]]]
    """Writes files; returns the place of each stream_resource and its mimetype."""
    parameters: dict[str, Any]
    shape: tuple[int, ...]
    """Of an event."""
    ranges: Sequence[tuple[int, int, int]] = ((0, 0, 3),)
    """Number of the stream_resource, first index, index after the last."""
    dtype: str = "<u2"


def hdf5(*datasets: Any) -> Callable[[Path], Sequence[tuple[Path, str]]]:
    """Return what writes one file for each dataset."""

    def make(folder: Path) -> Sequence[tuple[Path, str]]:
        paths = [folder / f"{number}.h5" for number in range(len(datasets))]
        for path, data in zip(paths, datasets, strict=True):
            with h5py.File(path, "w") as file:
                file["/entry/data/data"] = data
        return [(path, HDF5) for path in paths]

    return make


def images(
    kind: str, save: Callable[[Path, Any], None], name: str, each: int = 1
) -> Callable[[Path], Sequence[tuple[Path, str]]]:
    """Return what writes a sequence of files."""

    def make(folder: Path) -> Sequence[tuple[Path, str]]:
        for number in range(6):
            image = frames(each, each * number)
            save(folder / name.format(number), image[0] if each == 1 else image)
        return [(folder / name.partition("_")[0] if kind == NPY else folder, kind)]

    return make


def save_tiff(path: Path, image: Any) -> None:
    tifffile.imwrite(path, image, photometric="minisblack")


TABLE = np.add.outer(np.arange(5) * 10, np.arange(4)).astype("<u2")
SHAPE = (1, 6, 8)
DATASET = {"dataset": "/entry/data/data"}

CASES = {
    "other runs' frames": Case(hdf5(frames(10)), {"chunk_shape": SHAPE}, SHAPE, [(0, 5, 8)]),
    "skipped frames": Case(hdf5(frames(6)), {}, SHAPE, [(0, 0, 2), (0, 4, 6)]),
    "surplus frames": Case(hdf5(frames(5)), {"swmr": False}, SHAPE),
    "several files": Case(
        hdf5(frames(2), frames(3, 10)), {"chunk_shape": SHAPE}, SHAPE, [(0, 0, 2), (1, 0, 3)]
    ),
    "frames an event": Case(hdf5(frames(9)), {"chunk_shape": SHAPE}, (3, 6, 8), [(0, 1, 3)]),
    "multiplier": Case(hdf5(frames(6)), {"multiplier": 2}, (6, 8)),
    "multiplier of one frame": Case(hdf5(frames(6)), {"multiplier": 2}, SHAPE),
    "multiplier of numbers": Case(hdf5(np.arange(6, dtype="<u2")), {"multiplier": 2}, ()),
    "stack": Case(hdf5(frames(5)), {"join_method": "stack"}, (6, 8), [(0, 1, 4)]),
    "stack of several": Case(
        hdf5(frames(12).reshape(4, 3, 6, 8)),
        {"join_method": "stack", "multiplier": 3, "chunk_shape": (1, 3, 6, 8)},
        (6, 8),
        [(0, 1, 3)],
    ),
    "column of a table": Case(hdf5(TABLE), {"slice": ":,2"}, (), [(0, 1, 4)]),
    "columns of a table": Case(hdf5(TABLE), {"slice": "(:, 1:3)"}, (1, 2)),
    "every second row": Case(hdf5(TABLE), {"slice": "1::2"}, (1, 4), [(0, 0, 2)]),
    "last column": Case(hdf5(TABLE), {"slice": "...,-1"}, ()),
    "a region": Case(hdf5(frames(5)), {"slice": ":,1:4,::2"}, (1, 3, 4), [(0, 1, 4)]),
    "squeezed": Case(hdf5(TABLE[:, None]), {"squeeze": True}, (1, 4), [(0, 2, 5)]),
    "squeezed before": Case(hdf5(TABLE[None]), {"squeeze": True}, (1, 4), [(0, 2, 5)]),
    "sliced and squeezed": Case(hdf5(TABLE[None]), {"slice": "0,:,1:2", "squeeze": True}, ()),
    "scalars": Case(
        hdf5(*np.arange(3, dtype="<u2")), {"chunk_shape": ()}, (), [(n, 0, 1) for n in range(3)]
    ),
    "numbers with a chunk": Case(hdf5(np.arange(9, dtype="<u2")), {"chunk_shape": (1024,)}, (1,)),
    "TIFF": Case(images(TIFF, save_tiff, "a_{:03d}.tif"), {"template": "a_{:03d}.tif"}, SHAPE),
    "TIFF with a stem": Case(
        images(TIFF, save_tiff, "a_{:06d}.tiff"),
        {"template": "%s%s_%6.6d.tiff", "filename": "a"},
        SHAPE,
        [(0, 1, 3)],
    ),
    "TIFF with a new stem": Case(
        images(TIFF, save_tiff, "a_{:d}.tiff"), {"template": "{:s}_{:d}.tiff", "filename": "a"},
        SHAPE,
    ),
    "TIFF, two files an event": Case(
        images(TIFF, save_tiff, "a_{}.tif"),
        {"template": "a_{}.tif", "chunk_shape": (1,)},
        (2, 6, 8),
        [(0, 1, 3)],
    ),
    "TIFF of three pages": Case(
        images(TIFF, save_tiff, "a_{}.tif", 3),
        {"template": "a_{}.tif", "chunk_shape": (3, 6, 8)},
        (6, 6, 8),
        [(0, 0, 2)],
    ),
    "NPY": Case(images(NPY, np.save, "stem_{}.npy"), {}, (6, 8), [(0, 1, 3)]),
}  # fmt: skip


def documents(case: Case, folder: Path) -> Documents:
    """Write the files of a case, and return its run, of documents that event-model validates."""
    folder.mkdir()
    resources = []
    for path, mimetype in case.make(folder):
        parameters = {**(DATASET if mimetype == HDF5 else {}), **case.parameters}
        ending = "/" if path.is_dir() else ""
        resources.append(
            {"mimetype": mimetype, "uri": f"file://localhost{path}{ending}",
             "parameters": parameters}
        )  # fmt: skip
    docs = run_of_streams(resources, case.ranges, case.shape)
    docs[1][1]["data_keys"]["camera"]["dtype_numpy"] = case.dtype
    for name, doc in docs:
        schema_validators[DocumentNames[name]].validate(doc)
    return docs


def read_by_bluesky(docs: Documents) -> Any:
    """Return what each file has for the events, by bluesky's consolidators, one after the other."""
    from bluesky.consolidators import consolidator_factory  # imports the parts of a server

    descriptor = docs[1][1]
    consolidators = {
        doc["uid"]: consolidator_factory(
            {**doc, "parameters": {**doc["parameters"]}}, descriptor
        )
        for name, doc in docs
        if name == "stream_resource"
    }  # fmt: skip
    found = []
    for name, doc in docs:
        if name == "stream_datum":
            reader = consolidators[doc["stream_resource"]]
            reader.consume_stream_datum(doc)
            array = read_whole(reader)
            is_counted = reader.join_method == "concat" and reader.datum_shape
            each = reader.datum_shape[0] if is_counted else 1
            of_run = [reader._seqnums_to_indices_map[n] for n in range(*doc["seq_nums"].values())]
            if "template" in reader._sres_parameters:  # the adapter has the files of the run only
                of_run = list(range(len(array) // each))[-len(of_run) :]
            found += [array[index * each : (index + 1) * each] for index in of_run]
    return np.concatenate(found)


def read_whole(reader: Any) -> Any:
    """Return all that tiled's adapter finds; `get_adapter` wants files without surplus frames."""
    from tiled.mimetypes import DEFAULT_ADAPTERS_BY_MIMETYPE

    adapter = DEFAULT_ADAPTERS_BY_MIMETYPE[reader.mimetype]
    uris = [asset.data_uri for asset in reader.assets]
    known = reader.adapter_parameters()
    array = np.asarray(adapter.from_uris(*uris, **known).read())
    rank = len(reader.shape)
    return array.reshape(-1, *array.shape[array.ndim - rank + 1 :])


def send(writer: Any, docs: Documents) -> Path:
    with writer:
        for name, doc in docs:
            writer(name, doc)
    assert not writer.status().failures, writer.status()
    found: Path = writer.status().last_file
    return found


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.mark.parametrize("images", ["link", "copy"])
def test_nexus_has_what_bluesky_reads(case: Case, images: str, tmp_path: Path) -> None:
    docs = documents(case, tmp_path / "raw")
    wanted = read_by_bluesky(docs)
    is_hdf5 = docs[2][1]["mimetype"] == HDF5
    path = send(NexusWriter(tmp_path, images=images), docs)
    if images == "link" and not is_hdf5:
        with h5py.File(path) as file:
            assert "value" not in file[CAMERA], "no link can show other files than HDF5"
        return
    with h5py.File(path) as file:
        value = file[CAMERA]["value"]
        assert value.shape == wanted.shape
        assert value.dtype == wanted.dtype
        assert np.array_equal(value, wanted)
    with silx.io.open(str(path)) as opened:  # type: ignore[attr-defined]  # silx re-exports
        assert np.array_equal(opened[f"{CAMERA}/value"][()], wanted)
        assert np.array_equal(opened["/entry/data/camera"][()], wanted)
    tree: Any = nxload(str(path))
    for place in (f"{CAMERA}/value", "/entry/data/camera", "/entry/instrument/camera/data"):
        assert tree[place].shape == wanted.shape
        assert np.array_equal(tree[place].nxdata, wanted)


def test_raw_hdf5_has_what_bluesky_reads(case: Case, tmp_path: Path) -> None:
    docs = documents(case, tmp_path / "raw")
    wanted = read_by_bluesky(docs)
    path = send(Hdf5Writer(tmp_path), docs)
    with h5py.File(path) as file:
        group = file["/streams/primary/camera"]
        if docs[2][1]["mimetype"] == HDF5:
            assert np.array_equal(group["value"], wanted)
        else:
            assert "value" not in group


IMAGES = [name for name, case in CASES.items() if len(case.shape) > 1 and 1 not in case.shape[-2:]]


@pytest.mark.parametrize("name", IMAGES)
def test_tiff_has_what_bluesky_reads(name: str, tmp_path: Path) -> None:
    docs = documents(CASES[name], tmp_path / "raw")
    send(TiffWriter(tmp_path, file_name="run"), docs)
    path = tmp_path / "run-primary-camera.tif"
    if docs[2][1]["mimetype"] == TIFF:
        assert not path.exists(), "they are TIFF already"
        return
    wanted = read_by_bluesky(docs)
    found = tifffile.imread(path)
    assert np.array_equal(found, wanted.reshape(found.shape))


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize("name", IMAGES)
def test_data_exchange_has_what_bluesky_reads(name: str, images: Any, tmp_path: Path) -> None:
    docs = documents(CASES[name], tmp_path / "raw")
    if images == "link" and docs[2][1]["mimetype"] != HDF5:
        pytest.skip("only HDF5 files can be shown in place, which is told elsewhere")
    path = send(DxWriter(tmp_path, image="camera", images=images), docs)
    wanted = read_by_bluesky(docs)
    with h5py.File(path) as file:
        assert np.array_equal(file["exchange/data"], wanted.reshape(-1, *wanted.shape[-2:]))


def single(path: Path, parameters: dict[str, Any], shape: tuple[int, ...], count: int) -> Documents:
    ending = "/" if path.is_dir() else ""
    resource = {"mimetype": HDF5, "uri": f"file://localhost{path}{ending}"}
    return run_of_streams([{**resource, "parameters": parameters}], [(0, 0, count)], shape)


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize(
    ("data", "shape", "parameters"),
    [
        (frames(3)[:, None], SHAPE, {"chunk_shape": SHAPE}),
        (frames(3), (6, 8), {}),
        (frames(3), (6, 8), {"join_method": "stack"}),
        (frames(6).reshape(3, 2, 6, 8), (2, 6, 8), {"chunk_shape": (2, 6, 8)}),
        (frames(6).reshape(3, 2, 6, 8), (2, 6, 8), {"join_method": "stack"}),
        (np.arange(3.0), (), {"chunk_shape": ()}),
        (np.arange(3.0)[:, None], (), {}),
        (frames(3)[:, None], (1, 3, 8), {"chunk_shape": (1, 3, 8), "slice": ":,2:5"}),
    ],
    ids=["frame", "image", "stacked", "two", "two stacked", "scalar", "number", "slice"],
)
@pytest.mark.parametrize("template", ["f_{:03d}.h5", "%s%s_%03d.h5"])
def test_one_hdf5_file_an_event(
    *, template: str, data: Any, shape: Any, parameters: Any, images: Any, tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    for number, each in enumerate(data):
        with h5py.File(tmp_path / f"raw/f_{number:03d}.h5", "w") as file:
            file["/entry/data/data"] = each
    told = {**DATASET, "template": template, "filename": "f", **parameters}
    docs = single(tmp_path / "raw", told, shape, 3)
    wanted = data[:, :, 2:5] if "slice" in parameters else data
    wanted = wanted.reshape(-1, *shape[-2:]) if "join_method" not in parameters else wanted
    path = send(NexusWriter(tmp_path, images=images), docs)
    with h5py.File(path) as file:
        value = file[CAMERA]["value"]
        assert value.is_virtual is (images == "link")
        assert value.shape == wanted.shape
        assert np.array_equal(value, wanted)
    assert np.array_equal(nxload(str(path))[f"{CAMERA}/value"].nxdata, wanted)
    if len(shape) > 1:
        send(DxWriter(tmp_path, image="camera", images=images, file_name="dx"), docs)
        with h5py.File(tmp_path / "dx.dx.h5") as file:
            assert np.array_equal(file["exchange/data"], wanted.reshape(-1, *shape[-2:]))


def test_a_template_goes_on_right_behind_its_uri(tmp_path: Path) -> None:
    for number in range(3):
        save_tiff(tmp_path / f"scan_{number:03d}.tif", frames(1, number)[0])
    parameters = {"template": "{:03d}.tif"}
    docs = single(tmp_path / "scan_", parameters, SHAPE, 3)
    docs[2][1]["mimetype"] = TIFF
    path = send(NexusWriter(tmp_path, images="copy"), docs)
    with h5py.File(path) as file:
        assert np.array_equal(file[CAMERA]["value"], frames(3))


@pytest.mark.parametrize("writer", [NexusWriter, Hdf5Writer, DxWriter, TiffWriter])
def test_a_parameter_that_is_not_known_is_told_once(
    writer: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ((path, _),) = hdf5(frames(3))(tmp_path)
    key = f"rotate_{writer.format}"
    settings = {"image": "camera"} if writer is DxWriter else {}
    docs = single(path, {**DATASET, key: 90}, SHAPE, 3)
    for _ in range(2):
        with writer(tmp_path / "files", file_name="{uid}", **settings) as opened:
            for name, doc in docs:
                opened(name, doc)
    (told,) = [record.getMessage() for record in caplog.records if key in record.getMessage()]
    assert "the files of 'camera' (stream primary)" in told
    assert "read as if it were not there" in told
    assert f"Compare them with {path}:/entry/data/data" in told
    assert caplog.records[0].levelname == "WARNING"


def test_what_is_known_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ((path, _),) = hdf5(frames(6).reshape(3, 2, 6, 8))(tmp_path)
    told = {"chunk_shape": (1, 2, 6, 8), "join_method": "stack", "join_chunks": False, "swmr": True}
    more = {"multiplier": 2, "slice": ":,:", "squeeze": False}
    send(NexusWriter(tmp_path), single(path, {**DATASET, **told, **more}, (6, 8), 3))
    assert not caplog.records


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"join_method": "merge"}, "the join_method 'merge' is unknown; known are concat"),
        ({"slice": "1,2,3,4"}, "the slice '1,2,3,4' of a dataset of shape (3, 6, 8) is not"),
        ({"slice": ":,99"}, "the slice ':,99' of a dataset"),
        ({"slice": ":,::-1"}, "its step is negative"),
        ({"slice": "one"}, "is not understood"),
        ({"slice": {"step": 0}}, "is not understood"),
        ({"template": "{:d}{:d}.h5"}, "makes no name of a file"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_understood_is_told_and_nothing_else_is_shown_for_it(
    parameters: Any, cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ((path, _),) = hdf5(frames(3))(tmp_path)
    docs = single(path, {**DATASET, **parameters}, SHAPE, 3)
    with h5py.File(send(NexusWriter(tmp_path), docs)) as file:
        assert "value" not in file[CAMERA]
    assert cause in caplog.text
    with NexusWriter(tmp_path, images="copy") as writer:
        for name, doc in docs:
            writer(name, doc)
    (failure,) = writer.status().failures
    assert cause in failure.cause


def test_more_rows_than_nexusformat_counts_are_right_for_hdf5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "_MOST_SINGLE", 3)
    ((path, _),) = hdf5(frames(9))(tmp_path)
    docs = run_of_streams(
        [{"mimetype": HDF5, "uri": f"file://localhost{path}", "parameters": DATASET}],
        [(0, 1, 4), (0, 6, 8)],
        SHAPE,
    )
    with h5py.File(send(NexusWriter(tmp_path), docs)) as file:
        value = file[CAMERA]["value"]
        assert len(value.virtual_sources()) == 2
        assert np.array_equal(value, frames(9)[[1, 2, 3, 6, 7]])


def test_a_file_that_is_still_open_is_joined_when_it_is_closed(tmp_path: Path) -> None:
    """The IOC closes its file after the stop document, with frames that belong to no event."""
    raw = tmp_path / "raw.h5"
    docs = single(raw, DATASET, SHAPE, 3)
    with NexusWriter(tmp_path) as writer, h5py.File(raw, "w", libver="latest") as file:
        for name, doc in docs:
            writer(name, doc)
        path = writer.status().last_file
        assert path is not None
        file["/entry/data/data"] = frames(5)
        file.close()
    assert not writer.status().failures
    with h5py.File(path) as opened:
        assert np.array_equal(opened[CAMERA]["value"], frames(3))
        assert len(opened[CAMERA]["value_1"]) == 5
        assert opened["/entry/data/camera"] == opened[CAMERA]["value"]


@pytest.mark.parametrize("images", ["link", "copy"])
def test_motors_are_the_axis_of_frames_that_are_one_an_event(images: str, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    detector, axis, engine = StreamDetector(tmp_path / "raw"), motor(), RunEngine()
    for number in (1, 2):  # into one file, which the first run has for itself until then
        # A writer each: the detector appends in this process, and HDF5 refuses that to all of a
        # process while its copy is being made.
        with NexusWriter(tmp_path / "data", file_name="{scan_id}", images=images) as writer:
            token = engine.subscribe(writer.receiver)
            engine(bp.scan([detector], axis, 0, number, 4))
            engine.unsubscribe(token)
        assert not writer.status().failures
    for number in (1, 2) if images == "copy" else (2,):
        path = tmp_path / f"data/{number}.hdf"
        with h5py.File(path) as file:
            data = file["/entry/data"]
            assert list(data.attrs["axes"]) == [axis.name, ".", "."]
            assert np.allclose(data[axis.name], np.linspace(0, number, 4))
            assert data["camera"][:, 0, 0].tolist() == [n + 4 * (number - 1) for n in range(4)]
        plot: Any = nxload(str(path)).plottable_data
        assert plot.nxaxes[0].nxname == axis.name
        assert plot.nxsignal.shape == (4, 6, 8)
        assert plot.nxsignal.valid_axes(plot.nxaxes)


@pytest.mark.parametrize(("dtype", "mark"), [("u2", 65535), ("i4", 2**31 - 1), ("f8", np.nan)])
def test_frames_that_are_gone_later_are_no_zeros(dtype: str, mark: Any, tmp_path: Path) -> None:
    ((path, _),) = hdf5(frames(5).astype(dtype))(tmp_path)
    found = send(NexusWriter(tmp_path), single(path, DATASET, SHAPE, 3))
    path.unlink()
    with h5py.File(found) as file:
        assert np.array_equal(file[CAMERA]["value"], np.full((3, 6, 8), mark), equal_nan=True)


PRODUCER = """
import sys
import h5py
import numpy as np
with h5py.File(sys.argv[1], "w", libver="latest") as file:
    images = file.create_dataset(
        "entry/data/data", (0, 6, 8), "u2", maxshape=(None, 6, 8), chunks=(1, 6, 8)
    )
    file.swmr_mode = True
    for line in sys.stdin:
        images.resize(len(images) + int(line), axis=0)
        images[:] = np.arange(len(images))[:, None, None]
        file.flush()
        print("written", flush=True)
"""


@pytest.mark.parametrize("images", ["link", "copy"])
def test_a_file_that_stays_open_shows_each_run_its_own_frames(images: str, tmp_path: Path) -> None:
    raw = tmp_path / "raw.h5"
    command, pipe = [sys.executable, "-c", PRODUCER, str(raw)], subprocess.PIPE
    with (
        NexusWriter(tmp_path, file_name="{uid}", images=images) as writer,
        warm.Popen(command, stdin=pipe, stdout=pipe, text=True) as process,
    ):
        runs: list[str] = []
        assert process.stdout is not None
        for first, stop in ((0, 3), (3, 5)):
            print(stop - first, file=process.stdin, flush=True)
            process.stdout.readline()
            resource = {"mimetype": HDF5, "uri": f"file://localhost{raw}", "parameters": DATASET}
            docs = run_of_streams([resource], [(0, first, stop)], SHAPE)
            runs.append(docs[0][1]["uid"])
            for name, doc in docs:
                writer(name, doc)
            writer.status()
        process.communicate()
    assert not writer.status().failures
    found = []
    for uid in runs:
        with h5py.File(tmp_path / f"{uid}.hdf") as file:
            found.append(file[CAMERA]["value"][:, 0, 0].tolist())
    assert found == [[0, 1, 2], [3, 4]]


def test_what_datums_say_beside_their_number_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["entry/instrument/detector/data"] = frames(3, shape=(4, 16))
    points = [(0, {"frame": n, "element": 1}) for n in range(3)]
    docs = run_of_resources([hdf5_resource(tmp_path / "x.h5", "XSP3")], points, (16,))
    with h5py.File(send(NexusWriter(tmp_path), docs)) as file:
        assert np.array_equal(file[CAMERA]["value"], frames(3, shape=(4, 16)))
    (told,) = [record.getMessage() for record in caplog.records]
    assert "announced with the parameter 'element', which bluescribe does not know" in told


@pytest.mark.parametrize("each", [1, 2])
def test_one_hdf5_file_a_frame_is_shown_in_place(each: int, tmp_path: Path) -> None:
    for number, frame in enumerate(frames(4)):
        with h5py.File(tmp_path / f"shot_{number:06d}.h5", "w") as file:
            file["entry/data/data"] = frame[np.newaxis]
    told = {"template": "%s%s_%6.6d.h5", "filename": "shot", "frame_per_point": each}
    points = [(0, {"point_number": n}) for n in range(4 // each)]
    resource = hdf5_resource(tmp_path, "AD_HDF5_SINGLE", **told)
    path = send(NexusWriter(tmp_path), run_of_resources([resource], points, (each, 6, 8)))
    with h5py.File(path) as file:
        assert np.array_equal(file[CAMERA]["value"], frames(4))
        assert file[CAMERA]["value"].attrs["frames_per_event"] == each
