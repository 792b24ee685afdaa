"""CPU of each `COMPRESSION` for images, of the codec alone, and of direct chunks from threads.

``python -m benchmarks.compression``. Frames are 16-bit counts, as a detector has them: few photons
a pixel, or many. The codec alone is the same filter into a file in memory.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bluescribe.hdf5.columns.rows import write_rows
from bluescribe.hdf5.compression import compression_options
from bluescribe.hdf5.objects import new_column

__all__ = ["main"]

_SHAPE = (1024, 1024)
_NAMES = ("none", "gzip", "lz4", "zstd", "bitshuffle", "blosc")
_BLOSC_THREADS = (1, 2)


def main(arguments: list[str]) -> int:
    """Measure, print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.compression", description=__doc__)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(arguments)
    for title, mean in (("few photons", 0.5), ("many photons", 200.0)):
        frames = np.random.default_rng(1).poisson(mean, (options.frames, *_SHAPE)).astype("<u2")
        size = frames.nbytes / 1e9
        print(f"{title}: {options.frames} frames of {_SHAPE}; medians of {options.repeat}")
        print(f"{'':30}{'CPU s/GB':>10}{'wall s/GB':>10}{'size':>8}")
        samples: dict[str, list[tuple[float, float, float]]] = {}
        for _ in range(options.repeat):
            for name, write in _ways():
                samples.setdefault(name, []).append(_timed(write, frames))
        for name, found in samples.items():
            cpu, wall, stored = (statistics.median(column) for column in zip(*found, strict=True))
            print(f"{name:30}{cpu / size:10.2f}{wall / size:10.2f}{stored / frames.nbytes:8.2f}")
    return 0


Write = Callable[[h5py.File, Any], None]


def _ways() -> Iterator[tuple[str, Callable[[Path, Any], int]]]:
    for name in _NAMES:
        yield (
            f"{name}: as bluescribe does",
            lambda path, frames, name=name: _file(path, frames, name),
        )
        yield f"{name}: codec alone", lambda path, frames, name=name: _memory(path, frames, name)
    with suppress(ImportError):
        import numcodecs  # noqa: F401  # not every environment has it

        for threads in _BLOSC_THREADS:
            yield (
                f"blosc: direct chunks, {threads} threads",
                lambda path, frames, threads=threads: _direct(path, frames, threads),
            )


def _timed(write: Callable[[Path, Any], int], frames: Any) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
        cpu, wall = time.process_time(), time.perf_counter()
        stored = write(Path(folder) / "frames.h5", frames)
        return time.process_time() - cpu, time.perf_counter() - wall, float(stored)


def _column(file: h5py.File, name: str) -> h5py.h5d.DatasetID:
    storage = compression_options(name)
    return new_column(file.id, "frames", np.dtype("<u2"), _SHAPE, chunk_rows=1, storage=storage)


def _file(path: Path, frames: Any, name: str) -> int:
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        column = _column(file, name)
        for number, frame in enumerate(frames):
            write_rows(column, number, frame[np.newaxis])
        return int(column.get_storage_size())


def _memory(path: Path, frames: Any, name: str) -> int:
    with h5py.File(path, "w", driver="core", backing_store=False) as file:
        column = _column(file, name)
        column.set_extent((1, *_SHAPE))
        stored = 0
        for frame in frames:
            write_rows(column, 0, frame[np.newaxis])
            stored += int(column.get_storage_size())
        return stored


def _direct(path: Path, frames: Any, threads: int) -> int:
    """Compress chunks in a pool, in the form of HDF5's Blosc filter, and write them in order."""
    from numcodecs import blosc

    blosc.use_threads = False  # a context of its own for each call: many may run at once
    with (
        h5py.File(path, "w", libver=("v110", "v110")) as file,
        ThreadPoolExecutor(threads) as pool,
    ):
        column = _column(file, "blosc")
        column.set_extent(frames.shape)
        packed = pool.map(lambda frame: blosc.compress(frame, b"lz4", 5, blosc.SHUFFLE), frames)
        for number, chunk in enumerate(packed):
            column.write_direct_chunk((number, 0, 0), bytes(chunk))
        stored = int(column.get_storage_size())
        assert np.array_equal(h5py.Dataset(column)[-1], frames[-1])
        return stored


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
