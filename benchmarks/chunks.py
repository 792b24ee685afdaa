"""How chunks of arrays write and read: ``python -m benchmarks.chunks``.

One array, the history of one of its elements, and all, of a stack that grows by 4 MB at a time;
milliseconds of CPU, the least of several tries, as disks and other programs are of no matter here.
``ours`` is what `rows_a_chunk` says, ``tiles`` are 64 x 64 pixels of 16 frames (512 elements of 64
spectra), and ``h5py`` is what h5py guesses.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bluescribe.hdf5.columns.chunks import rows_a_chunk

__all__ = ["main"]

_STACKS = (((500, 4096), "<f8"), ((100, 512, 512), "<u2"), ((5000, 64, 64), "<u2"))
_BYTES_AT_ONCE = 4 << 20
_CHUNK_CACHE_BYTES = 1 << 16
_Chunks = tuple[int, ...] | bool


def main(arguments: list[str]) -> int:
    """Measure, print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.chunks", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the arrays of each stack")
    options = parser.parse_args(arguments)
    print(f"{'stack':18}{'chunks':>24}{'write':>9}{'one':>9}{'history':>9}{'all':>9}{'size':>7}")
    for shape, dtype in _STACKS:
        rows = max(2, int(shape[0] * options.share))
        stack = np.random.default_rng(1).integers(0, 4096, (rows, *shape[1:])).astype(dtype)
        for name, chunks in _policies(stack):
            with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
                costs, used, size = _costs(Path(folder) / "x.h5", stack, chunks, options.repeat)
            label = f"{name} {'x'.join(map(str, used))}"
            told = "x".join(map(str, stack.shape))
            print(f"{told:18}{label:>24}" + "".join(f"{c:9.2f}" for c in costs) + f"{size:7.2f}")
    return 0


def _policies(stack: Any) -> Iterator[tuple[str, _Chunks]]:
    rows, *row = stack.shape
    tile = (16, *(min(64, n) for n in row)) if len(row) > 1 else (64, 512)
    yield "ours", (rows_a_chunk(stack[0].nbytes, rows), *row)
    yield "one", (1, *row)
    yield "4 MB", (max(1, min(rows, _BYTES_AT_ONCE // stack[0].nbytes)), *row)
    yield "tiles", tuple(map(min, tile, stack.shape))
    yield "h5py", True


def _costs(
    path: Path, stack: Any, chunks: _Chunks, repeat: int
) -> tuple[list[float], tuple[int, ...], float]:
    """Return what writing and reading cost, the chunks, and the bytes of the file for each."""
    inside = tuple(n // 2 for n in stack.shape[1:])
    places = ((len(stack) // 2,), (slice(None), *inside), ())
    acts = [partial(_write, path, stack, chunks), *(partial(_read, path, p) for p in places)]
    costs = [min(_cpu_of(act) for _ in range(repeat)) * 1e3 for act in acts]
    with h5py.File(path) as file:
        assert np.array_equal(file["x"][-1], stack[-1])
        return costs, file["x"].chunks, path.stat().st_size / stack.nbytes


def _write(path: Path, stack: Any, chunks: _Chunks) -> None:
    step = max(1, _BYTES_AT_ONCE // stack[0].nbytes)
    rows, *row = stack.shape
    with h5py.File(path, "w", libver="latest", rdcc_nbytes=_CHUNK_CACHE_BYTES) as file:
        dataset = file.create_dataset(
            "x", (0, *row), stack.dtype, maxshape=(None, *row), chunks=chunks
        )
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            dataset.resize(stop, axis=0)
            dataset[start:stop] = stack[start:stop]


def _read(path: Path, place: Any) -> None:
    with h5py.File(path) as file:
        file["x"][place]


def _cpu_of(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
