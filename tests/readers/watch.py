"""Open a run's files twice a second, as a program beside the scan does, and tell the points.

    python -m tests.readers.watch FOLDER

It writes one JSON line a look: the time, and for each format how many points its reader sees, or
what went wrong. It ends when its standard input does.
"""

from __future__ import annotations

import json
import select
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pandas as pd
from spec2nexus.spec import SpecDataFile


def main(folder: Path) -> None:
    print(json.dumps("ready"), flush=True)
    while not select.select([sys.stdin], [], [], 0.5)[0]:
        print(json.dumps(look(folder)), flush=True)


def look(folder: Path) -> dict[str, float | str]:
    """Return the time and each format's points."""
    seen: dict[str, float | str] = {}
    for name, (pattern, count) in READERS.items():
        seen[f"{name} at"] = time.time()
        try:
            seen[name] = max(map(count, folder.glob(pattern)), default=0)
        except Exception as error:
            seen[name] = repr(error)
    return seen


def _again(count: Callable[[Path], int]) -> Callable[[Path], int]:
    """Open the file, again if it was just being rebuilt for a new descriptor, as readers do."""

    def look_again(path: Path) -> int:
        for _ in range(20):
            try:
                return count(path)
            except OSError:
                time.sleep(0.05)
        return count(path)

    return look_again


def _hdf5(path: Path) -> int:
    with h5py.File(path, "r", swmr=True) as file:
        values = file.get("streams/primary/det")
        return 0 if values is None else min(len(values), len(values[()]))


def _nexus(path: Path) -> int:
    with h5py.File(path, "r", swmr=True) as file:
        streams = file["entry/instrument/bluesky/streams"]
        if "primary/det/value" not in streams:
            return 0
        values = streams["primary/det/value"]
        return min(len(values), len(values[()]), len(file["entry/data/det"][()]))


def _spec(path: Path) -> int:
    if not path.stat().st_size:
        return 0
    scans = SpecDataFile(str(path)).scans.values()
    return max((len(scan.data["det"]) for scan in scans), default=0)


def _csv(path: Path) -> int:
    return len(pd.read_csv(path)["det"].dropna())


def _jsonl(path: Path) -> int:
    return sum(name == "event" for name, _ in _documents(path.read_bytes()))


def _documents(data: bytes) -> Iterator[tuple[str, object]]:
    whole, _, _ = data.rpartition(b"\n")
    yield from (json.loads(line) for line in whole.splitlines())


READERS: dict[str, tuple[str, Callable[[Path], int]]] = {
    "jsonl": ("*.jsonl", _jsonl),
    "csv": ("*-primary.csv", _csv),
    "spec": ("*.dat", _spec),
    "nexus": ("*.hdf", _again(_nexus)),
    "hdf5": ("*.h5", _again(_hdf5)),
}

if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
    main(Path(sys.argv[1]))
