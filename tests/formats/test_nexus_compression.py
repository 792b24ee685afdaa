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
from bluescribe.hdf5.compression import Compression, compression_options
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
        for document in begun:
            writer(*document)
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
