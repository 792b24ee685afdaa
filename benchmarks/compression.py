"""What each `COMPRESSION` costs: of the codec alone, and the whole way from document to file.

``python -m benchmarks.compression``. Frames are 16-bit counts, as a detector has them: Poisson
noise on a low background with peaks. The codec alone is the same filter into a file in memory; on
the whole way NexusWriter gets the frames as events as fast as it takes them, and the clock stops
when the file is complete. The floor copies the frames, appends them to a log with a checksum and
writes them without a codec, one after the other. CPU is that of all processes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import psutil

from bluescribe.hdf5.columns.rows import write_rows
from bluescribe.hdf5.compression import compression_options
from bluescribe.hdf5.objects import new_column

from .processes import at_rest, processor_seconds
from .workloads import WORKLOADS, Played, documents

__all__ = ["images", "main"]

_SHAPE = (1024, 1024)
_DISTINCT = 16
_PEAKS = 60
_AT_ONCE = 8
_VALUES = "entry/instrument/bluesky/streams/primary/det_0/value"
_NAMES = ("none", "gzip", "lz4", "zstd", "bitshuffle", "blosc")

Cost: TypeAlias = tuple[float, float, float]
"""Seconds, seconds of processors, and bytes in the file for each byte of a frame."""
Measure: TypeAlias = Callable[[Path, "list[Any]", str], Cost]


def main(arguments: list[str]) -> int:
    """Measure, print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.compression", description=__doc__)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--names", default=",".join(_NAMES))
    options = parser.parse_args(arguments)
    distinct = images(min(_DISTINCT, options.frames))
    frames = [distinct[number % len(distinct)] for number in range(options.frames)]
    size = sum(frame.nbytes for frame in frames) / 1e9
    cores = psutil.cpu_count()
    print(f"{options.frames} frames of {_SHAPE}; medians of {options.repeat}; {cores} cores")
    print(f"{'':28}{'GB/s':>8}{'CPU s/GB':>10}{'size':>8}")
    ways = [("floor", "none", _floor)]
    for name in options.names.split(","):
        ways += [("codec alone", name, _codec_alone), ("whole way", name, _whole_way)]
    samples: dict[str, list[Cost]] = {}
    for _ in range(options.repeat):  # they take turns: a machine that slows down slows all
        for title, name, measure in ways:
            found = _in_a_folder(measure, frames, name)
            samples.setdefault(f"{name}: {title}", []).append(found)
    for label, costs in samples.items():
        wall, cpu, stored = (statistics.median(column) for column in zip(*costs, strict=True))
        print(f"{label:28}{size / wall:8.2f}{cpu / size:10.2f}{stored:8.2f}")
    return 0


def images(count: int) -> list[Any]:
    """Return frames of a detector: counts with Poisson noise, few between peaks of many sizes."""
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[: _SHAPE[0], : _SHAPE[1]]
    expected = np.full(_SHAPE, 2.0)
    for height, width, row, column in zip(
        random.uniform(20, 2000, _PEAKS),
        random.uniform(3, 20, _PEAKS),
        *(random.uniform(0, length, _PEAKS) for length in _SHAPE),
        strict=True,
    ):
        distance = (rows - row) ** 2 + (columns - column) ** 2
        expected += height * np.exp(-distance / (2 * width**2))
    return [random.poisson(expected).astype("<u2") for _ in range(count)]


def _in_a_folder(measure: Measure, frames: list[Any], name: str) -> Cost:
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
        return measure(Path(folder), frames, name)


def _floor(folder: Path, frames: list[Any], _name: str) -> Cost:
    """Copy each frame, append it to a log with a checksum, and write it as a chunk of its own."""
    log = os.open(folder / "x.log", os.O_WRONLY | os.O_CREAT)
    cpu, wall = time.process_time(), time.perf_counter()
    with h5py.File(folder / "x.h5", "w", libver="latest", rdcc_nbytes=0) as file:
        column = new_column(file.id, "x", np.dtype("<u2"), _SHAPE, chunk_rows=1, storage={})
        for start in range(0, len(frames), _AT_ONCE):
            copies = [frame.copy() for frame in frames[start : start + _AT_ONCE]]
            for each in copies:
                os.writev(log, [zlib.crc32(each).to_bytes(4, "little"), each])
            write_rows(column, start, copies)
    os.close(log)
    return time.perf_counter() - wall, time.process_time() - cpu, 1.0


def _codec_alone(folder: Path, frames: list[Any], name: str) -> Cost:
    """Compress each frame as HDF5 does, in memory, into one chunk."""
    with h5py.File(folder / "x.h5", "w", driver="core", backing_store=False, rdcc_nbytes=0) as file:
        storage = compression_options(name)
        column = new_column(file.id, "x", np.dtype("<u2"), _SHAPE, chunk_rows=1, storage=storage)
        cpu, wall = time.process_time(), time.perf_counter()
        for frame in frames:
            write_rows(column, 0, frame[np.newaxis])
        costs = time.perf_counter() - wall, time.process_time() - cpu
        return *costs, column.get_storage_size() / frames[-1].nbytes


def _whole_way(folder: Path, frames: list[Any], name: str) -> Cost:
    """Have NexusWriter take frames as events, as fast as it can, until its file is complete."""
    from bluescribe.formats import load_format

    workload = replace(WORKLOADS["d"], shape=_SHAPE, events=len(frames))
    few = [*documents(replace(workload, events=1))]
    writer = load_format("nexus")(folder, compression=name, drain_timeout=600.0)
    for each in few:  # imports and the process
        writer.receiver(*each)
    writer.flush(600.0)
    played = [*_with(frames, documents(replace(workload, shape=(1, 1))), few[1])]
    cpu, wall = at_rest(), time.perf_counter()
    for each in played:
        writer.receiver(*each)
    costs = time.perf_counter() - wall, processor_seconds() - cpu
    with h5py.File(writer.status().last_file) as file:
        values = file[_VALUES]
        stored, is_complete = values.id.get_storage_size(), len(values) == len(frames)
        if not is_complete or not np.array_equal(values[-1], frames[-1]):
            raise SystemExit(f"{name}: INCOMPLETE")
    writer.close()
    return *costs, stored / sum(frame.nbytes for frame in frames)


def _with(frames: list[Any], small: Iterator[Played], described: Played) -> Iterator[Played]:
    """Yield documents of a run with frames in the place of its arrays."""
    rest = iter(frames)
    for name, doc in small:
        if name == "descriptor":
            yield name, {**doc, "data_keys": described[1]["data_keys"]}
        elif name == "event":
            yield name, {**doc, "data": dict.fromkeys(doc["data"], next(rest))}
        else:
            yield name, doc


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
