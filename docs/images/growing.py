"""Draw files that grow while a scan runs: docs/images/growing.png, the picture in README.

    .venv/bin/python docs/images/growing.py                  # measures for some seconds, and draws
    .venv/bin/python docs/images/growing.py --samples S.json # draws what was measured before

A RunEngine scans a simulated axis while bluescribe writes four formats. Another process opens the
files with their users' readers, again and again, and notes how many points it finds. The same
samples give the same picture, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FORMATS = {"spec": "SPEC", "nexus": "NeXus", "csv": "CSV", "jsonl": "JSON Lines"}
COLOURS = {"spec": "#d55e00", "nexus": "#0072b2", "csv": "#009e73", "jsonl": "#cc79a7"}
READERS = {"spec": "spec2nexus", "nexus": "h5py", "csv": "pandas", "jsonl": "json"}
LOOK_SECONDS = 0.05
"""Pause between two looks at the files."""

Samples = dict[str, Any]
Reader = Callable[[Path], "int | list[list[float]]"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=81)
    parser.add_argument("--seconds", type=float, default=0.1, help="how long a point takes")
    parser.add_argument("--samples", type=Path, help="what was measured; it is written if missing")
    parser.add_argument("--out", type=Path, default=HERE / "growing.png")
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.look:
        look(asked.look)
        return
    if asked.samples and asked.samples.exists():
        samples = json.loads(asked.samples.read_text())
    else:
        samples = measure(asked.points, asked.seconds)
        if asked.samples:
            asked.samples.write_text(json.dumps(samples))
    draw(samples, asked.out)


# --- the scan, and who looks at its files ---------------------------------------------------------


def measure(points: int, seconds: float) -> Samples:
    """Scan, and return when points were measured and when readers found them."""
    import numpy as np
    from bluesky import RunEngine
    from bluesky.plans import scan
    from ophyd.sim import SynAxis, SynSignal

    from bluescribe import subscribe_writers

    theta = SynAxis(name="theta")
    random = np.random.default_rng(0)

    def count() -> int:
        return int(random.poisson(1000 * np.exp(-0.5 * ((theta.position - 0.2) / 0.6) ** 2) + 5))

    diode = SynSignal(count, name="diode", exposure_time=seconds)
    RE, measured = RunEngine(), []
    RE.subscribe(lambda name, doc: measured.append(doc["time"]), "event")
    with tempfile.TemporaryDirectory() as name:
        iconfig = {f"{kind.upper()}_DATA_FILES": {"ENABLE": True} for kind in FORMATS}
        iconfig["DATA_FILES"] = {"DIRECTORY": f"{name}/data", "SPOOL": f"{name}/spool"}
        command = [sys.executable, __file__, "--look", f"{name}/data"]
        with (
            subscribe_writers(RE, iconfig),
            subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as looking,
            ThreadPoolExecutor() as pool,
        ):
            assert looking.stdin is not None
            assert looking.stdout is not None
            looking.stdout.readline()  # it has imported the readers
            lines = pool.submit(list, looking.stdout)  # a pipe that is full would hold it up
            RE(scan([diode], theta, -2, 2, points))
            time.sleep(4 * LOOK_SECONDS)
            looking.stdin.close()
            looks = [json.loads(line) for line in lines.result()]
    began = measured[0]
    return {
        "measured": [when - began for when in measured],
        "looks": [{**one, "time": one["time"] - began} for one in looks],
    }


def look(folder: Path) -> None:
    """Print what the files' readers find, until nobody listens any more."""
    import threading

    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    readers = import_readers()
    print("ready", flush=True)
    while True:
        is_last = over.is_set()
        for kind, (ending, read) in readers.items():
            found = {"format": kind, "time": time.time(), **look_at(folder, ending, read)}
            print(json.dumps(found), flush=True)
        if is_last:
            return
        over.wait(LOOK_SECONDS)


def look_at(folder: Path, ending: str, read: Reader) -> Samples:
    """Return how many points a reader finds."""
    path = next(folder.glob(ending), None)
    try:
        found = read(path) if path else 0
    except Exception:  # no row yet: readers say so in many ways
        found = 0
    if isinstance(found, list):
        return {"points": len(found[0]), "curve": found}
    return {"points": found}


def import_readers() -> dict[str, tuple[str, Reader]]:
    """Return for each format the end of its files' names, and who counts the points in one."""
    import h5py
    import pandas
    from spec2nexus.spec import SpecDataFile

    def spec(path: Path) -> int:
        return len(SpecDataFile(str(path)).getScan("1").data["diode"])

    def nexus(path: Path) -> list[list[float]]:
        with h5py.File(path, swmr=True) as file:
            theta, diode = (file["entry/data"][name][()].tolist() for name in ("theta", "diode"))
        shorter = min(len(theta), len(diode))  # a page is written column by column
        return [theta[:shorter], diode[:shorter]]

    def csv(path: Path) -> int:
        return len(pandas.read_csv(path))

    def jsonl(path: Path) -> int:
        lines = path.read_text().splitlines()
        return sum(json.loads(line)[0] == "event" for line in lines)

    return {
        "spec": ("*.dat", spec),
        "nexus": ("*.hdf", nexus),
        "csv": ("*-primary.csv", csv),
        "jsonl": ("*.jsonl", jsonl),
    }


# --- the picture ----------------------------------------------------------------------------------


def draw(samples: Samples, png: Path) -> None:
    """Draw three looks at the NeXus file, and what all readers found over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.6), dpi=100, layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.25))
    curves = [one for one in samples["looks"] if one.get("curve")]
    last = max(one["points"] for one in curves)
    top = max(curves[-1]["curve"][1]) * 1.08
    for place, share in enumerate((0.33, 0.62, 1.0)):
        one = next(one for one in curves if one["points"] >= share * last)
        axes = figure.add_subplot(grid[0, place])
        axes.plot(*one["curve"], ".-", color=COLOURS["nexus"], linewidth=1, markersize=4)
        axes.set(xlim=(-2.1, 2.1), ylim=(0, top), xlabel="theta")
        axes.set_title(
            f"the NeXus file after {one['time']:.1f} s: {one['points']} points", fontsize=9
        )
        if not place:
            axes.set_ylabel("diode")
    _draw_looks(figure.add_subplot(grid[1, :]), samples)
    figure.savefig(png, metadata={"Software": None})


def _draw_looks(axes: Any, samples: Samples) -> None:
    measured = samples["measured"]
    counts = range(1, len(measured) + 1)
    axes.fill_between(measured, counts, step="post", color="#dddddd", label="measured by the scan")
    for kind, name in FORMATS.items():
        found = [(one["time"], one["points"]) for one in samples["looks"] if one["format"] == kind]
        label = f"found in the {name} file by {READERS[kind]}"
        axes.step(*zip(*found, strict=True), where="post", color=COLOURS[kind], label=label)
    axes.axvline(measured[-1], color="black", linestyle=":", linewidth=1)
    axes.annotate(
        "the scan ends ", (measured[-1], 2), ha="right", va="bottom", fontsize=8, rotation=90
    )
    axes.set(
        xlabel="seconds since the first point", ylabel="points", xlim=(0, None), ylim=(0, None)
    )
    axes.legend(fontsize=8, loc="upper left", frameon=False)


if __name__ == "__main__":
    main()
