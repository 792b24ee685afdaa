"""Many small runs: what exporting them costs beside bare files, and a scheduler for each batch.

``python -m benchmarks.many_runs FOLDER [--runs 1000] [--rounds 5]``. The floor makes the files that
an export has made, with the same bytes, by the least that Python needs; nothing of it is synced to
the disk, as nothing of an export is. Of NeXus and raw HDF5 two more are measured: the objects of
one of these files, made by h5py's low-level interface, and by h5py. All take turns, and the least
of all rounds counts: other programs only add to it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import bluescribe
from bluescribe.archive.exporting import Manifest
from bluescribe.sources.jsonlines import read_journal
from tests.export.clusters import make_runs

from .objects_floor import Object, objects_of, write_by_h5py, write_objects

FORMATS = (["csv"], ["jsonl"], ["csv", "jsonl"], ["nexus"], ["hdf5"], ["spec"])

BY_HDF5 = {"h5py's low-level interface": write_objects, "h5py": write_by_h5py}
_HDF5 = ("nexus", "hdf5")
_TIMES = 100


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds and CPU seconds of something."""
    began, before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - before


def bare(files: dict[str, bytes], out: Path) -> None:
    """Make files."""
    out.mkdir()
    for name, content in files.items():
        fd = os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, content)
        os.close(fd)


def by_hdf5(objects: list[Object], write: Callable[[list[Object], Path], None], out: Path) -> None:
    """Make the objects of a file some times."""
    out.mkdir()
    for number in range(_TIMES):
        write(objects, out / f"{number}.h5")


def parsed(journals: list[Path]) -> None:
    """Read journals, and do nothing with them."""
    for path in journals:
        for _ in read_journal(path):
            pass


def tell(what: str, runs: int, times: list[tuple[float, float]]) -> None:
    wall, cpu = (min(column) for column in zip(*times, strict=True))
    print(
        f"| {what} | {cpu / runs * 1e3:.2f} | {runs / cpu:,.0f} | {runs / wall:,.0f} |",
        flush=True,
    )


def of_scheduler(tasks: int) -> float:
    """Return how many tasks that do nothing a scheduler passes to two workers in a second."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(abs, range(100), pure=False))
        began = time.perf_counter()
        client.gather(client.map(abs, range(tasks), pure=False))
        return tasks / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    source = make_runs(asked.folder / "src", asked.runs)
    journals = sorted(source.rglob("*.jsonl"))
    out, floor = asked.folder / "out", asked.folder / "floor"
    print("| runs of 10 points | CPU ms a run | runs a second and core | by the clock |")
    print("|---|---|---|---|")
    tell("reading journals", asked.runs, [measured(lambda: parsed(journals)) for _ in range(3)])
    for formats in FORMATS:
        ours, floors, objects = [], [], []
        hdf5: dict[str, list[tuple[float, float]]] = {}
        for _ in range(asked.rounds):
            ours.append(measured(lambda f=formats: bluescribe.export(source, out, f)))
            files = {p.name: p.read_bytes() for p in out.iterdir() if p.name != Manifest.name}
            floors.append(measured(lambda f=files: bare(f, floor)))
            if formats[0] in _HDF5:
                objects = objects_of(next(p for p in out.iterdir() if p.name in files))
            shutil.rmtree(out)
            shutil.rmtree(floor)
            for by, write in BY_HDF5.items() if objects else ():
                work = partial(by_hdf5, objects, write, floor)
                hdf5.setdefault(by, []).append(measured(work))
                shutil.rmtree(floor)
        tell(", ".join(formats), asked.runs, ours)
        for by, times in hdf5.items():
            tell(f"{formats[0]}: floor, the same {len(objects)} objects by {by}", _TIMES, times)
        tell(f"{', '.join(formats)}: floor, {len(files):,} files", asked.runs, floors)
    print(f"\nA scheduler passes {of_scheduler(5000):,.0f} tasks a second.")


if __name__ == "__main__":
    main()
