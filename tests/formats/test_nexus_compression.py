"""Arrays in NeXus files are compressed as their owner wishes, also while others read."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, get_args

import h5py
import hdf5plugin  # noqa: F401  # what readers of these files have to import
import nexusformat.nexus
import numpy as np
import pytest
import silx.io
from event_model import compose_run

from bluescribe import NexusWriter
from bluescribe.errors import ConfigError
from bluescribe.hdf5.columns import codec
from bluescribe.hdf5.columns.rows import write_rows
from bluescribe.hdf5.compression import Compression, compression_options
from bluescribe.hdf5.objects import new_column
from bluescribe.session.subscribe import subscribe_writers

STREAM = "/entry/instrument/bluesky/streams/primary"
NAMES = get_args(Compression)
IMAGE = np.arange(100 * 100, dtype=np.uint16).reshape(100, 100) // 100
SPECTRUM = np.arange(100.0)


def run_with_arrays(events: int) -> list[tuple[str, Any]]:
    run = compose_run()
    shapes: dict[str, tuple[int, ...]] = {"x": (), "spectrum": (100,), "image": (100, 100)}
    keys = {
        name: {"dtype": "array" if shape else "number", "shape": list(shape), "source": "sim"}
        for name, shape in shapes.items()
    }
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    stamps = dict.fromkeys(shapes, 1.0)
    rows = [{"x": n, "spectrum": SPECTRUM + n, "image": IMAGE + n} for n in range(events)]
    docs = [
        ("event", stream.compose_event(data=row, timestamps=stamps, validate=False)) for row in rows
    ]
    return [
        ("start", run.start_doc),
        ("descriptor", stream.descriptor_doc),
        *docs,
        ("stop", run.compose_stop()),
    ]


def check(images: Any, events: int) -> None:
    assert len(images) == events
    assert all(np.array_equal(images[row], IMAGE + row) for row in range(events))


def _live_sum(path: Path) -> int:
    """Return the sum over all pixels, as another process reads it while this one writes."""
    program = f"""
        import sys, h5py, hdf5plugin
        with h5py.File(sys.argv[1], "r", swmr=True) as file:
            print(file["{STREAM}/image/value"][()].sum(dtype=int))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_finds_the_images_live_and_at_the_end(name: str, tmp_path: Path) -> None:
    *begun, stop = run_with_arrays(6)
    with NexusWriter(tmp_path, compression=name) as writer:
        for number, document in enumerate(begun):
            writer(*document)
            if number not in (4, 5):  # three events at once are compressed on several cores
                writer.flush()
        path = next(tmp_path.glob("*.hdf"))
        assert _live_sum(path) == sum(int((IMAGE + row).sum()) for row in range(6))
        writer(*stop)
        assert not writer.status().failures
    with h5py.File(path) as file:
        group = file[STREAM]
        check(group["image/value"], 6)
        is_compressed = group["image/value"].id.get_create_plist().get_nfilters() > 0
        assert is_compressed == (name != "none")
        assert group["x/value"].id.get_create_plist().get_nfilters() == 0
        assert group["spectrum/value"].id.get_create_plist().get_nfilters() == 0
    with silx.io.open(str(path)) as file:  # type: ignore[attr-defined]
        check(file[f"{STREAM}/image/value"][()], 6)
    with nexusformat.nexus.nxload(str(path)) as root:
        check(root[f"{STREAM}/image/value"].nxdata, 6)


@pytest.mark.parametrize("name", NAMES[1:])
def test_the_file_is_smaller_though_rows_are_flushed_one_by_one(name: str, tmp_path: Path) -> None:
    size = {}
    for setting in ("none", name):
        with NexusWriter(tmp_path / setting, compression=setting) as writer:
            for document in run_with_arrays(200):
                writer(*document)
                if document[0] == "event":
                    writer.flush()
            path = writer.status().last_file
        assert path is not None
        size[setting] = path.stat().st_size
    assert size[name] < 0.3 * size["none"]


@pytest.mark.skipif(sys.platform != "linux", reason="HDF5 compresses alone elsewhere")
@pytest.mark.parametrize("dtype", ["<u2", ">i4", "f4", "u1", "?", "g", "c8"])
@pytest.mark.parametrize("name", NAMES[1:])
def test_chunks_are_those_of_hdf5_alone(
    name: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many come at once, and whether or not several cores compress them."""
    monkeypatch.setattr(codec, "_threads", lambda: 2)
    random = np.random.default_rng(1)
    rows = [random.poisson(3, (70, 80)).astype(dtype) for _ in range(9)]
    rows[5] = random.integers(0, 256, rows[5].nbytes, np.uint8).view("u1").reshape(70, -1)[:, :80]
    rows[5] = rows[5].astype(dtype)  # what cannot be made smaller, or hardly
    with h5py.File(tmp_path / "x.h5", "w", rdcc_nbytes=0) as file:
        columns = [
            new_column(file.id, each, rows[0].dtype, (70, 80), chunk_rows=1, storage=storage)
            for each, storage in zip(
                ("ours", "alone"), [compression_options(name)] * 2, strict=True
            )
        ]
        ours = codec.Codec.of(columns[0])
        for start, stop in [(0, 1), (1, 4), (4, 9), (2, 9)]:  # the last time after a failure
            write = write_rows if ours is None else ours.write
            write(columns[0], start, rows[start:stop])
        assert (ours is not None) == (dtype in ("<u2", "f4", "u1"))
        assert ours is None or ours._is_proven or name == "gzip", "Python may have another zlib"
        write_rows(columns[1], 0, rows)
        for row in range(9):
            one, other = (each.read_direct_chunk((row, 0, 0)) for each in columns)
            assert one == other
        assert np.array_equal(file["ours"][()], rows)


def test_a_codec_that_makes_other_bytes_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "_threads", lambda: 2)
    monkeypatch.setattr(codec, "_deflated", lambda _level, chunk: chunk[:9])
    with NexusWriter(tmp_path, compression="gzip") as writer:
        for document in run_with_arrays(9):
            writer(*document)
        path = writer.status().last_file
    assert path is not None
    with h5py.File(path) as file:
        check(file[STREAM]["image/value"], 9)


def test_a_compression_that_is_unknown_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"compression = 'zip'.*'gzip'"):
        NexusWriter(tmp_path, compression="zip")
    with pytest.raises(ConfigError, match="no compression 'zip'; allowed are none, gzip"):
        compression_options("zip")


def test_a_missing_package_is_named_at_once_with_its_remedy(tmp_path: Path) -> None:
    program = """
        import sys
        sys.modules["hdf5plugin"] = None  # as if it were not installed
        from bluescribe import NexusWriter
        NexusWriter(sys.argv[1], compression="gzip").close()
        try:
            NexusWriter(sys.argv[1], compression="lz4")
        except ValueError as error:
            print(error)
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "compression = 'lz4'" in told
    assert 'pip install "bluescribe[compression]"' in told


def test_iconfig_takes_the_key(tmp_path: Path) -> None:
    from bluesky import RunEngine

    block = {"ENABLE": True, "DIRECTORY": str(tmp_path), "COMPRESSION": "gzip"}
    with subscribe_writers(RunEngine(), {"NEXUS_DATA_FILES": block}) as writers:
        assert dict(writers.nexus.settings)["compression"] == "gzip"
