"""The figures as tables on the screen, in Markdown and in JSON, and as a picture."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table

from .bars import bars
from .contenders import CONTENDERS
from .picture import draw
from .runner import Extent, Row, Section

__all__ = ["show", "write"]

Lines: TypeAlias = "tuple[list[str], list[list[str]]]"
"""Headings and rows of a table."""


def show(sections: list[Section], console: Console) -> None:
    """Print a table for each section and one of the promises."""
    for title, (headings, rows) in _tables(sections):
        table = Table(title=title, title_justify="left")
        for number, heading in enumerate(headings):
            table.add_column(heading, justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def write(sections: list[Section], extent: Extent, out: Path) -> None:
    """Write ``results.json``, ``results.md`` and ``results.png`` to a folder."""
    out.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "extent": asdict(extent), "sections": list(map(_data, sections))}
    (out / "results.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    (out / "results.md").write_text(_markdown(sections), encoding="utf-8")
    draw(sections, out / "results.png")


def machine() -> dict[str, Any]:
    """Describe what was measured on, without names of hosts or paths."""
    return {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": sys.version.split()[0],
        "packages": {
            contender.distribution: contender.version for contender in CONTENDERS.values()
        },
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _data(section: Section) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "rows": [
            {
                "contender": row.contender.name,
                "side": row.contender.side,
                "note": row.note,
                "is_complete": row.all_true("is_complete"),
                "samples": row.samples,
            }
            for row in section.rows
        ],
    }


def _markdown(sections: list[Section]) -> str:
    found = machine()
    packages = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    blocks = [
        f"{found['cores']} cores of {found['processor']}, {found['system']}, "
        f"Python {found['python']}; {packages}."
    ]
    for title, (headings, rows) in _tables(sections):
        lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
        blocks.append(f"### {title}")
        blocks.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(blocks) + "\n"


def _tables(sections: list[Section]) -> Iterator[tuple[str, Lines]]:
    for section in sections:
        yield section.title, _LAYOUTS.get(section.key, _workload_lines)(section)
    promises = [
        [
            bar.what,
            f"{_number(bar.measured)} {bar.unit}",
            f"{'at least' if bar.is_least else 'at most'} {bar.limit:g} {bar.unit}",
            "yes" if bar.is_held else "NO",
        ]
        for bar in bars(sections)
    ]
    if promises:
        yield "The promises", (["what", "measured", "promised", "kept"], promises)


def _workload_lines(section: Section) -> Lines:
    headings = ["writer", "total s", "/ floor", "CPU s", "callback µs", "p99 µs"]
    is_paced = any("paced" in row.samples for row in section.rows)
    headings += ["at 100 Hz µs", "p99 µs"] if is_paced else []
    headings += ["file MB", "/ raw", "remarks"]
    return headings, [_workload_line(section, row, is_paced) for row in section.rows]


def _workload_line(section: Section, row: Row, is_paced: bool) -> list[str]:
    size, raw = row.value("speed", "file_bytes"), row.value("speed", "raw_bytes")
    paced = [row.value("paced", "median_us"), row.value("paced", "p99_us")] if is_paced else []
    figures = [
        row.value("speed", "total_s"),
        _over_floor(section, row),
        *(row.value("speed", name) for name in ("cpu_s", "median_us", "p99_us")),
        *paced,
        size / 1e6 if size is not None else None,
        size / raw if size is not None and raw else None,
    ]
    return [row.contender.name, *map(_number, figures), _remarks(row)]


def _over_floor(section: Section, row: Row) -> float | None:
    """Return the total over that of the format's floor; text formats have orjson's."""
    name = {"nexus": "h5py in blocks", "all": "", "copy": ""}.get(
        row.contender.family, "orjson append"
    )
    floor = section.row(name)
    below = floor.value("speed", "total_s") if floor is not None else None
    above = row.value("speed", "total_s")
    return above / below if above is not None and below else None


def _remarks(row: Row) -> str:
    if row.note:
        return row.note.replace("|", "/")
    outcomes = row.samples.get("speed", [{}])
    remarks = []
    if not all(outcome.get("is_complete", True) for outcome in outcomes):
        remarks.append(f"{min(outcome['events'] for outcome in outcomes)} events in the file")
    if not all(outcome.get("has_arrays", True) for outcome in outcomes):
        remarks.append("arrays left out")
    return "; ".join(remarks)


def _live_lines(section: Section) -> Lines:
    headings = ["subscribed", "scan s", "/ no writer", "callback µs", "p99 µs"]
    headings += ["scan at 100 Hz s", "at 100 Hz µs", "p99 µs", "remarks"]
    without = section.rows[0].value("speed", "scan_s")
    rows = []
    for row in section.rows:
        scan = row.value("speed", "scan_s")
        figures = [
            scan,
            scan / without if scan is not None and without else None,
            *(row.value("speed", name) for name in ("median_us", "p99_us")),
            *(row.value("paced", name) for name in ("scan_s", "median_us", "p99_us")),
        ]
        rows.append([row.contender.name, *map(_number, figures), row.note])
    return headings, rows


def _memory_lines(section: Section) -> Lines:
    headings = ["writer", "events", "peak MB", "growth MB", "remarks"]
    rows = []
    for row in section.rows:
        few, many = row.value("few", "peak_bytes"), row.value("many", "peak_bytes")
        growth = (many - few) / 1e6 if few is not None and many is not None else None
        peak = many / 1e6 if many is not None else None
        events = f"{row.jobs[-1].events:,}"
        rows.append([row.contender.name, events, _number(peak), _number(growth), row.note])
    return headings, rows


def _import_lines(section: Section) -> Lines:
    rows = []
    for row in section.rows:
        seconds = row.value("import", "import_s")
        milliseconds = seconds * 1e3 if seconds is not None else None
        figures = [milliseconds, row.value("import", "modules")]
        statement = f"`{row.contender.imports}`"
        rows.append([row.contender.name, *map(_number, figures), statement, row.note])
    return ["writer", "ms", "modules", "statement", "remarks"], rows


def _images_lines(section: Section) -> Lines:
    rows = []
    for row in section.rows:
        growth = row.value("images", "growth_bytes")
        figures = [
            growth / 1e6 if growth is not None else None,
            *(row.value("images", name) for name in ("copy_s", "plain_s", "share")),
        ]
        rows.append([row.contender.name, *map(_number, figures), row.note])
    headings = ["images", "growth MB", "copied s", "plain h5py s", "plain / copied", "remarks"]
    return headings, rows


def _costs_lines(section: Section) -> Lines:
    """Return whatever was measured, by its name."""
    names = [
        name for row in section.rows for one in row.samples.get(section.key, []) for name in one
    ]
    headings = [name for name in dict.fromkeys(names) if name != "wall_s"]
    rows = [
        [
            row.contender.name,
            *(_number(row.value(section.key, name)) for name in headings),
            row.note,
        ]
        for row in section.rows
    ]
    return ["writer", *(name.replace("_", " ") for name in headings), "remarks"], rows


_LAYOUTS: dict[str, Callable[[Section], Lines]] = {
    "f": _live_lines,
    "memory": _memory_lines,
    "import": _import_lines,
    "images": _images_lines,
    "signals": _costs_lines,
    "runs": _costs_lines,
    "reading": _costs_lines,
}


def _number(value: float | None) -> str:
    """Return a figure with the digits that it deserves."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
        if abs(value) >= 0.1
        else f"{value:.3f}"
    )
