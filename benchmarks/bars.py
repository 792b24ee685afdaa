"""What bluescribe promises, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .runner import Section

__all__ = ["Bar", "bars", "ratio"]

Tables: TypeAlias = Mapping[str, Section]

_FOUR = ("SpecWriter", "NexusWriter", "CsvWriter", "JsonlWriter")
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise.

    Parameters
    ----------
    what
        What was measured.
    measured
        The figure.
    limit
        The bar.
    is_least
        Whether the figure has to be above the bar.
    unit
        Of both; ``x`` for a ratio.
    """

    what: str
    measured: float
    limit: float
    unit: str
    is_least: bool = False

    @property
    def is_held(self) -> bool:
        """Whether the promise is kept."""
        if self.is_least:
            return self.measured >= self.limit
        return self.measured <= self.limit


def bars(sections: list[Section]) -> list[Bar]:
    """Return the promises that can be checked with what was measured."""
    tables = {section.key: section for section in sections}
    return [bar for part in _PARTS for bar in part(tables)]


def ratio(table: Section | None, label: str, name: str, of: str, to: str) -> float | None:
    """Return a contender's figure over another one's; None unless both are there."""
    above, below = _value(table, of, label, name), _value(table, to, label, name)
    return above / below if above is not None and below else None


def _value(table: Section | None, contender: str, label: str, name: str) -> float | None:
    row = table.row(contender) if table is not None else None
    return row.value(label, name) if row is not None else None


def _post(tables: Tables) -> Iterator[Bar]:
    for key, label, limit in (
        ("a", "speed", 2.5),
        ("b", "speed", 2.5),
        ("a", "paced", 2.5),
        ("c", "speed", 1.5),
        ("d", "speed", 1.5),
    ):
        for writer in _FOUR:
            cost = ratio(tables.get(key), label, "median_us", writer, "copy of each event")
            if cost is not None:
                pace = " at 100 Hz" if label == "paced" else ""
                what = f"({key}) {writer}: callback{pace} / copy of the event, median"
                yield Bar(what, cost, limit, "x")


def _live(tables: Tables) -> Iterator[Bar]:
    table, name = tables.get("f"), "bluescribe, all four"
    worst = _value(table, name, "paced", "p99_us")
    point = _value(table, "no writer", "speed", "point_us")
    if worst is not None and point:
        what = "(f) all four at 100 Hz: callback, p99 / a point of the scan at full speed"
        yield Bar(what, worst / point, 0.05, "x")
    slower = ratio(table, "speed", "scan_s", name, "no writer")
    if slower is not None:
        yield Bar("(f) scan with all four / without", slower, 1.06, "x")


def _totals(tables: Tables) -> Iterator[Bar]:
    for keys, of, to, limit in (
        ("abcd", "JsonlWriter", "orjson append", 2.0),
        ("ab", "NexusWriter", "h5py in blocks", 2.0),
        ("c", "NexusWriter", "log, h5py in blocks", 1.5),
        ("d", "NexusWriter", "log, h5py in blocks", 1.1),
        ("e", "NexusWriter", "h5py in blocks", 1.5),
    ):
        for key in keys:
            slower = ratio(tables.get(key), "speed", "total_s", of, to)
            if slower is not None:
                yield Bar(f"({key}) {of} / {to}: total", slower, limit, "x")
    for keys, of, to, limit in (
        ("abcd", "suitcase.jsonl", "JsonlWriter", 3.0),
        ("ab", "suitcase.csv", "CsvWriter", 15.0),
        ("ab", "apstools SpecWriterCallback2", "SpecWriter", 6.0),
    ):
        for key in keys:
            faster = ratio(tables.get(key), "speed", "total_s", of, to)
            if faster is not None:
                yield Bar(f"({key}) {of} / {to}: total", faster, limit, "x", is_least=True)


def _sizes(tables: Tables) -> Iterator[Bar]:
    for key in "abc":
        size = _value(tables.get(key), "NexusWriter", "speed", "file_bytes")
        raw = _value(tables.get(key), "NexusWriter", "speed", "raw_bytes")
        if size is not None and raw:
            yield Bar(f"({key}) NexusWriter: file / raw bytes", size / raw, 1.3, "x")


def _memory(tables: Tables) -> Iterator[Bar]:
    for writer in _FOUR:
        few, many = (
            _value(tables.get("memory"), writer, label, "peak_bytes") for label in ("few", "many")
        )
        if few is not None and many is not None:
            yield Bar(f"{writer}: growth of peak memory", (many - few) / _MB, 8.0, "MB")


def _imports(tables: Tables) -> Iterator[Bar]:
    for name in ("bluescribe, all four", *_FOUR):
        seconds = _value(tables.get("import"), name, "import", "import_s")
        own = _value(tables.get("import"), name, "import", "bluesky_s")
        if seconds is not None and own:
            yield Bar(f"{name}: import / bluesky's own", seconds / own, 0.3, "x")


def _images(tables: Tables) -> Iterator[Bar]:
    table = tables.get("images")
    alone = _value(table, "no writer", "images", "growth_bytes")
    for name, limit in (("linked", 20.0), ("copied", 200.0)):
        growth = _value(table, name, "images", "growth_bytes")
        if growth is not None and alone is not None:
            more = (growth - alone) / _MB
            yield Bar(f"images {name}: growth of memory over the detector's own", more, limit, "MB")
    share = _value(table, "copied", "images", "share")
    if share is not None:
        yield Bar("images copied: speed / plain h5py copy", share, 0.7, "x", is_least=True)


def _costs(tables: Tables) -> Iterator[Bar]:
    many = tables.get("signals")
    for name, limit, unit in (("memory_kb", 20.0, "kB"), ("over_floor", 1.2, "x")):
        found = _value(many, "NexusWriter", "signals", name)
        if found is not None:
            what = "memory" if unit == "kB" else "CPU / floor"
            yield Bar(f"NexusWriter, many signals: {what} a signal", found, limit, unit)
    for writer in _FOUR:
        cost = _value(tables.get("runs"), writer, "runs", "cpu_ms")
        if cost is not None:
            yield Bar(f"{writer}: CPU of a run of three points", cost, 10.0, "ms")
        over = _value(tables.get("runs"), writer, "runs", "over_floor")
        if over is not None:
            what = f"{writer}: CPU of a run of three points / its objects by h5py's low level"
            yield Bar(what, over, 5.0, "x")


def _reading(tables: Tables) -> Iterator[Bar]:
    table = tables.get("reading")
    for row in table.rows if table is not None else ():
        for what, limit in (("frame", 1.25), ("history", 1.1), ("all", 1.1)):
            found = row.value("reading", f"{what}_over_plain")
            if found is not None:
                key = row.jobs[0].workload
                yield Bar(f"({key}) reading {what} / chunks of one array: CPU", found, limit, "x")


_PARTS: tuple[Callable[[Tables], Iterator[Bar]], ...] = (
    _post,
    _live,
    _totals,
    _sizes,
    _memory,
    _imports,
    _images,
    _costs,
    _reading,
)
