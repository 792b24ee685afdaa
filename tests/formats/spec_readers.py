"""What independent readers see in a SPEC file, and what the documents say they should."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from silx.io.specfile import SpecFile as SilxFile
from spec2nexus.spec import SpecDataFile

Documents = list[tuple[str, dict[str, Any]]]


@dataclass
class Expected:
    """One run as its documents tell it."""

    start: dict[str, Any]
    stop: dict[str, Any] | None = None
    names: list[str] = field(default_factory=list)
    """Streams in the order of their descriptors."""
    events: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """seq_num, time and data of each event, by stream."""
    external: set[str] = field(default_factory=set)

    @property
    def main(self) -> str:
        if "primary" in self.names:
            return "primary"
        first = next((s for s in self.events if s != "baseline" and "label" not in s), "")
        return first

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.events[self.main] if self.main in self.events else []


def expected(documents: Documents) -> list[Expected]:
    """Return the runs of a document stream, in the order of their starts."""
    runs: dict[str, Expected] = {}
    owners: dict[str, tuple[Expected, str]] = {}
    for name, doc in documents:
        if name == "start":
            runs[doc["uid"]] = Expected(doc)
        elif name == "descriptor" and doc["run_start"] in runs:
            run = runs[doc["run_start"]]
            stream = doc.get("name") or "primary"
            owners[doc["uid"]] = run, stream
            run.names.append(stream)
            run.external.update(k for k, v in doc["data_keys"].items() if v.get("external"))
        elif name == "event" and doc["descriptor"] in owners:
            run, stream = owners[doc["descriptor"]]
            run.events[stream].append(doc)
        elif name == "event_page" and doc["descriptor"] in owners:
            run, stream = owners[doc["descriptor"]]
            run.events[stream] += [
                {
                    "seq_num": doc["seq_num"][i],
                    "time": doc["time"][i],
                    "data": {k: column[i] for k, column in doc["data"].items()},
                }
                for i in range(len(doc["seq_num"]))
            ]
        elif name == "stop" and doc["run_start"] in runs:
            runs[doc["run_start"]].stop = doc
    return list(runs.values())


def is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "biuf"
    return isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating)


def spectrum(value: Any) -> list[Any] | None:
    """Return the channels of a one-dimensional array of numbers."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim == 1 and value.dtype.kind in "biuf" else None
    is_array = isinstance(value, list | tuple) and all(map(is_number, value))
    return [getattr(v, "item", lambda v=v: v)() for v in value] if is_array else None


def same(read: float, measured: Any, *, single: bool = False) -> bool:
    measured = float(measured)
    if single:
        # silx has no nan: it reads nan and inf as 0
        return read == (np.float32(measured) if math.isfinite(measured) else 0.0)
    return read == measured or (math.isnan(read) and math.isnan(measured))


def scans(path: Path) -> dict[str, Any]:
    """Return spec2nexus' scans of a file by their number, each interpreted without a complaint."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
        found = SpecDataFile(str(path)).scans
        for scan in found.values():
            scan.interpret()
    return dict(found)


def by_uid(path: Path) -> dict[str, Any]:
    """Return spec2nexus' scans of a file by the run's uid."""
    return {json_or_text(scan.MD["uid"]): scan for scan in scans(path).values()}


def silx_by_uid(path: Path) -> dict[str, Any]:
    """Return silx' scans of a file by the run's uid."""
    file = SilxFile(str(path))
    found = {}
    for key in file.keys():  # noqa: SIM118  # not a mapping
        scan = file[key]
        lines = [line for line in scan.scan_header if line.startswith("#MD uid = ")]
        found[json_or_text(lines[0].removeprefix("#MD uid = "))] = scan
    return found


def json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def labels(scan: Any) -> dict[str, str]:
    """Return the label of each field that the comments of a scan tell, else its own name."""
    found = {}
    for line in scan.comments:
        match = re.fullmatch(r'column (".*") is (".*")', line)
        if match:
            found[json.loads(match[2])] = json.loads(match[1])
    return found


def spectra(scan: Any) -> list[str]:
    """Return the fields whose spectra follow each row, in their order."""
    found = [
        line.split(" ", 1)[1] for line in scan.raw.splitlines() if line.startswith("#@DET_")
    ]
    for line in scan.comments:
        match = re.fullmatch(r'spectrum (".*") is (\[.*\])', line)
        if match:
            found[found.index(json.loads(match[1]))] = json.loads(match[2])[0]
    return found


def told(scan: Any, name: str) -> dict[int, str]:
    """Return what the comments of a scan tell of a field, by row."""
    found = {}
    for line in _joined(scan.comments):
        match = re.fullmatch(r"from row (\d+): (\"(?:[^\"\\]|\\.)*\") (.*)", line, re.DOTALL)
        if match and json.loads(match[2]) == name and "not always finite" not in line:
            found[int(match[1])] = match[3]
    return found


def value_told(scan: Any, name: str, row: int) -> str | None:
    """Return what holds for a field in a row: told there or in an earlier one."""
    rows = told(scan, name)
    return rows[max(before)] if (before := [r for r in rows if r <= row]) else None


def _joined(comments: list[str]) -> list[str]:
    """Put together what was too long for one line."""
    lines: list[str] = []
    for line in comments:
        match = re.fullmatch(r"\((\d+)/\d+\) \|(.*)\|", line, re.DOTALL)
        if match and match[1] != "1":
            lines[-1] += match[2]
        else:
            lines.append(match[2] if match else line)
    return lines
