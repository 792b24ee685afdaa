"""Gives each measurement a fresh process and lets the contenders take turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .contenders import LIVE, OF_IMAGES, Contender
from .measure import Job, Outcome
from .workloads import WORKLOADS

__all__ = [
    "FULL",
    "KEYS",
    "QUICK",
    "Extent",
    "Row",
    "Section",
    "add_twins",
    "environment",
    "measure",
    "sections",
]

_TOP = Path(__file__).resolve().parent.parent

_PACE = 100.0
"""Events a second of what is not measured at full speed."""

_LONG_SECONDS = 10.0
"""A measurement that takes longer is made once: its noise is small beside what it tells."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured.

    Parameters
    ----------
    repeat
        Fresh processes for each figure.
    events
        Events of a workload at the most.
    paced_events, live_events
        Events at 100 Hz, and of a live scan.
    few_events, many_events, peer_events
        Events of the two runs whose memory is compared; peers get a shorter long one, because
        some of them keep it all.
    frames
        Images of the simulated detector.
    signals
        Of the run that has many.
    short_runs
        How many runs of three points.
    time_limit
        Seconds after which a measurement is given up.
    """

    repeat: int = 5
    events: int = sys.maxsize
    paced_events: int = 200
    live_events: int = 1_000
    few_events: int = 1_000
    many_events: int = 1_000_000
    peer_events: int = 100_000
    frames: int = 2_000
    signals: int = 2_000
    short_runs: int = 50
    time_limit: float = 120.0


FULL = Extent()
QUICK = Extent(
    repeat=1,
    events=200,
    paced_events=20,
    live_events=50,
    few_events=100,
    many_events=2_000,
    peer_events=2_000,
    frames=50,
    signals=100,
    short_runs=5,
)
KEYS = (*WORKLOADS, "f", "memory", "import", "images", "signals", "runs", "reading")
"""What can be measured: the workloads, a live RunEngine, memory, imports, external images, what a
signal and a run cost, and how arrays are read."""


@dataclass(slots=True)
class Row:
    """One contender in one section."""

    contender: Contender
    jobs: list[Job] = field(default_factory=list)
    note: str = ""
    tree: Path | None = None
    """Sources of the package, where they are not those of this folder."""
    samples: dict[str, list[Outcome]] = field(default_factory=dict)
    """Outcomes by the label of the job, one for each repetition."""

    def value(self, label: str, name: str) -> float | None:
        """Return the median of what was measured, or None if it was not."""
        values = [sample[name] for sample in self.samples.get(label, []) if name in sample]
        return statistics.median(values) if values else None

    def all_true(self, name: str) -> bool:
        """Tell whether every sample that knows about it says so, and one does."""
        known = [s[name] for outcomes in self.samples.values() for s in outcomes if name in s]
        return bool(known) and all(known)


@dataclass(slots=True)
class Section:
    """One table: a workload, or what is measured apart from them."""

    key: str
    title: str
    rows: list[Row]

    def row(self, name: str) -> Row | None:
        """Return the row of a contender."""
        return next((row for row in self.rows if row.contender.name == name), None)


def sections(
    keys: Iterable[str], extent: Extent, contenders: Iterable[Contender]
) -> Iterator[Section]:
    """Yield the tables that are to be filled.

    Parameters
    ----------
    keys
        Of `KEYS`.
    extent
        How much is measured.
    contenders
        Who takes part.
    """
    chosen = list(contenders)
    for key in keys:
        if key == "f":
            yield _live_section(extent)
        elif key == "memory":
            yield _memory_section(extent, chosen)
        elif key == "images":
            yield _images_section(extent)
        elif key in ("signals", "runs", "reading"):
            yield _costs_section(key, extent, chosen)
        elif key == "import":
            yield _import_section(chosen)
        else:
            yield _workload_section(key, extent, chosen)


def add_twins(section: Section, commit: str, tree: Path) -> None:
    """Put each of our writers beside itself as it was at a commit.

    Parameters
    ----------
    section
        The table.
    commit
        As it stands in the tables.
    tree
        Sources of that commit.
    """
    rows = []
    for row in section.rows:
        rows.append(row)
        if row.contender.side == "bluescribe":
            twin = replace(row.contender, name=f"{row.contender.name} at {commit}")
            rows.append(Row(twin, [*row.jobs], row.note, tree))
    section.rows = rows


def measure(section: Section, extent: Extent, tell: Callable[[Job], None]) -> None:
    """Fill a table: in each round every contender has its turn, so that drift cancels.

    Parameters
    ----------
    section
        The table.
    extent
        How much is measured.
    tell
        Is called before each measurement.
    """
    for _ in range(extent.repeat):
        for row in section.rows:
            for job in row.jobs:
                if not row.note and not _is_long(row.samples.get(job.label)):
                    tell(job)
                    _take(row, job, extent.time_limit)


def _workload_section(key: str, extent: Extent, contenders: list[Contender]) -> Section:
    workload = WORKLOADS[key].shortened(extent.events)
    rows = []
    for contender in contenders:
        refusal = contender.refusal(workload)
        job = Job("speed", "play", contender.name, workload=key, events=extent.events)
        paced = replace(job, label="paced", events=extent.paced_events, rate=_PACE)
        rows.append(Row(contender, [job, paced] if key == "a" else [job], refusal))
    return Section(key, f"({key}) {workload.title}", rows)


def _live_section(extent: Extent) -> Section:
    rows = []
    for contender in LIVE.values():
        speed = Job("speed", "live", contender.name, events=extent.live_events)
        paced = replace(speed, label="paced", events=extent.live_events // 2, rate=_PACE)
        rows.append(Row(contender, [speed, paced], contender.absence))
    return Section("f", "(f) a RunEngine counting 10 signals", rows)


def _memory_section(extent: Extent, contenders: list[Contender]) -> Section:
    rows = []
    for contender in contenders:
        if contender.family != "copy":
            long = extent.peer_events if contender.side == "peer" else extent.many_events
            few = Job("few", "memory", contender.name, events=extent.few_events)
            rows.append(Row(contender, [few, replace(few, label="many", events=long)]))
            rows[-1].note = contender.absence
    return Section("memory", f"Memory: growth of the peak over {extent.few_events:,} events", rows)


def _images_section(extent: Extent) -> Section:
    rows = [
        Row(c, [Job("images", "images", c.name, events=extent.frames)], c.absence)
        for c in OF_IMAGES.values()
    ]
    title = f"Images: {extent.frames:,} frames of 512 x 512 from a simulated detector"
    return Section("images", title, rows)


def _costs_section(key: str, extent: Extent, contenders: list[Contender]) -> Section:
    ours = [c for c in contenders if c.side == "bluescribe" and c.family != "all"]
    if key == "runs":
        jobs = [(c, Job(key, "runs", c.name, events=extent.short_runs)) for c in ours]
        title = f"Runs: {extent.short_runs:,} of three points"
    else:
        nexus = [c for c in ours if c.family == "nexus"]
        if key == "signals":
            jobs = [(c, Job(key, "signals", c.name, events=extent.signals)) for c in nexus]
            title = f"Signals: a run of {extent.signals:,}, beside its objects by low-level h5py"
        else:
            jobs = [(c, Job(key, "reading", c.name, workload=w)) for c in nexus for w in "cd"]
            title = "Reading arrays (c), (d), beside chunks of one array"
    return Section(key, title, [Row(c, [job], c.absence) for c, job in jobs])


def _import_section(contenders: list[Contender]) -> Section:
    rows = [
        Row(contender, [Job("import", "import", contender.name)], contender.absence)
        for contender in contenders
        if contender.imports
    ]
    return Section("import", "Import, over bluesky's own", rows)


def _is_long(samples: list[Outcome] | None) -> bool:
    return samples is not None and samples[0]["wall_s"] > _LONG_SECONDS


def _take(row: Row, job: Job, time_limit: float) -> None:
    """Add a sample to a row, or the reason why there is none."""
    began = time.perf_counter()
    outcome = _run(job, time_limit, row.tree)
    outcome["wall_s"] = time.perf_counter() - began
    if "error" in outcome:
        row.note = outcome["error"]
    else:
        row.samples.setdefault(job.label, []).append(outcome)


def _run(job: Job, time_limit: float, tree: Path | None) -> Outcome:
    """Measure in a fresh process, in a fresh folder."""
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
        result = Path(folder) / "outcome.json"
        encoded = json.dumps(asdict(replace(job, directory=folder)))
        command = [sys.executable, "-m", "benchmarks.measure", encoded, str(result)]
        try:
            done = subprocess.run(
                command,
                cwd=_TOP,
                env=environment(tree),
                capture_output=True,
                timeout=time_limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"not finished after {time_limit:.0f} s"}
        if not result.exists():
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            return {"error": f"exit status {done.returncode}: {last}"}
        outcome: Outcome = json.loads(result.read_bytes())
        return outcome


def environment(tree: Path | None) -> dict[str, str]:
    """Return the environment of a measurement, with the package of a tree if it is another one.

    Python keeps what it compiles, or every import would be measured with a compilation.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept if tree is None else {**kept, "PYTHONPATH": str(tree)}
