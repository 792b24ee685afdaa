"""Read SPEC files with spec2nexus; silx and xrayutilities have to see the same."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from silx.io.specfile import SpecFile as SilxFile  # type: ignore[import-not-found]  # compiled
from silx.io.spech5 import SpecH5
from spec2nexus.spec import SpecDataFile

from bluescribe.testing.contract import RecordedRun

_TEXT = r'"(?:[^"\\]|\\.)*"'


class Code(int):
    """The index of an enum string, as rows hold it."""

    text: str


def read_folder(folder: Path) -> list[RecordedRun]:
    """Return the runs of all SPEC files in a folder."""
    return [read_run(scan) for path in sorted(folder.rglob("*.dat")) for scan in scans(path)]


def scans(path: Path) -> list[Any]:
    """Return spec2nexus' scans of a file, interpreted without a complaint."""
    if not path.stat().st_size:  # made, and the first scan has not begun
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
        found = list(SpecDataFile(str(path)).scans.values())
        for scan in found:
            scan.interpret()
    return found


def scan_of(path: Path) -> Any:
    """Return the only scan of a file."""
    (scan,) = scans(path)
    return scan


def read_run(scan: Any) -> RecordedRun:
    """Return what a scan holds of its run: rows, spectra, and what comments tell."""
    lines = comments(scan)
    run = RecordedRun(value(scan.MD["uid"]))
    for line in lines:
        if match := re.match(rf"only the other formats hold the events of stream ({_TEXT})", line):
            run.left_out[json.loads(match[1]), None] = line
    main = next(
        (m[1] for line in lines if (m := re.match(r"the rows are the .* of (.*)", line))), ""
    )
    if main == "no stream":
        return run
    stream = json.loads(main.removeprefix("stream ")) if main else "primary"
    columns = rows(scan)
    run.seq_num[stream] = columns.pop("seq_num")
    run.times[stream] = [scan.header.epoch + second for second in columns.pop("Epoch")]
    run.events[stream] = _events(scan, columns, len(run.seq_num[stream]))
    for line in lines:
        if match := re.fullmatch(rf"(?:from row \d+: )?({_TEXT}) is in ({_TEXT})", line):
            key = stream, json.loads(match[1])
            run.places.setdefault(key, []).append(json.loads(match[2]))
            run.left_out[key] = line
        if match := re.fullmatch(rf"no document names the file of ({_TEXT})", line):
            run.left_out[stream, json.loads(match[1])] = line
        if match := re.fullmatch(rf"from row \d+: ({_TEXT}) is an array of .*", line):
            run.left_out[stream, json.loads(match[1])] = line
    return run


def rows(scan: Any) -> dict[str, list[Any]]:
    """Return the columns by label, with every digit: spec2nexus would make doubles of integers."""
    lines = [line.split() for line in scan.data_lines if not line.startswith("@A")]
    assert all(len(line) == len(scan.L) == scan.N[0] for line in lines)
    return {label: [number(line[i]) for line in lines] for i, label in enumerate(scan.L)}


def scan_length(scan: Any) -> int:
    """Return the number of rows."""
    return len(rows(scan)["seq_num"])


def spectra(scan: Any) -> dict[str, list[list[Any]]]:
    """Return the spectra by their name in the header."""
    names = [line.split()[1] for line in scan.raw.splitlines() if line.startswith("#@DET_")]
    lines = [line.split()[1:] for line in scan.data_lines if line.startswith("@A")]
    found = [[number(token) for token in line] for line in lines]
    return {name: found[i :: len(names)] for i, name in enumerate(names)}


def number(token: str) -> int | float:
    return int(token) if re.fullmatch(r"[+-]?\d+", token) else float(token)


def value(text: str) -> Any:
    """Return a value of the metadata: JSON, or text that is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def metadata(scan: Any) -> dict[str, Any]:
    """Return the start document, as #MD lines and comments tell it."""
    whole: dict[str, str] = {}
    for key, text in scan.MD.items():
        match = re.fullmatch(r"(.*)\(\d+/\d+\)", key)
        if match:
            whole[match[1]] = whole.get(match[1], "") + text[1:-1]
        else:
            whole[key] = text
    names = pairs(scan, rf"metadata ({_TEXT}) is ({_TEXT})")
    return {names.get(key, key): value(text) for key, text in whole.items()}


def comments(scan: Any) -> list[str]:
    """Return the comments, those whole again that were too long for one line."""
    lines: list[str] = []
    for line in scan.comments:
        match = re.fullmatch(r"\((\d+)/\d+\) \|(.*)\|", line, re.DOTALL)
        if match and match[1] != "1":
            lines[-1] += match[2]
        else:
            lines.append(match[2] if match else line)
    return lines


def _events(scan: Any, columns: dict[str, list[Any]], count: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    names = pairs(scan, rf"column ({_TEXT}) is ({_TEXT})")
    codes = pairs(scan, rf"column ({_TEXT}) counts (\{{.*\}})")
    for label, column in columns.items():
        texts = {index: text for text, index in codes.get(label, {}).items()}
        found[names.get(label, label)] = [_coded(v, texts) if texts else v for v in column]
    arrays = pairs(scan, rf"spectrum ({_TEXT}) is ({_TEXT})")
    scalars = pairs(scan, rf"the channels of ({_TEXT}) are scalars: (\[.*\])")
    for label, channels in spectra(scan).items():
        if label in scalars:
            padded = [row or [None] * len(scalars[label]) for row in channels]
            found.update(zip(scalars[label], map(list, zip(*padded, strict=True)), strict=True))
        else:
            found[arrays.get(label, label)] = list(channels)
    for name, told in _told(scan).items():
        column = found.setdefault(name, [None] * count)
        for row, held in enumerate(_holding(told, count)):
            if held is not None:
                column[row] = json.loads(held[2:]) if held.startswith("= ") else None
    return found


def _coded(index: Any, texts: dict[int, str]) -> Any:
    if index not in texts:
        return index
    code = Code(index)
    code.text = texts[index]
    return code


def _told(scan: Any) -> dict[str, dict[int, str]]:
    """Return what comments tell of each field, by the row from which it holds."""
    found: dict[str, dict[int, str]] = {}
    for line in comments(scan):
        match = re.fullmatch(
            rf"from row (\d+): ({_TEXT}) (=.*|is an array.*|is in the rows again)", line
        )
        if match:
            found.setdefault(json.loads(match[2]), {})[int(match[1])] = match[3]
    return found


def _holding(told: dict[int, str], count: int) -> Iterator[str | None]:
    held: str | None = None
    for row in range(1, count + 1):
        held = told.get(row, held)
        yield None if held == "is in the rows again" else held


def pairs(scan: Any, pattern: str) -> dict[Any, Any]:
    found = (re.fullmatch(pattern, line) for line in comments(scan))
    return {json.loads(m[1]): json.loads(m[2]) for m in found if m}


def check_silx(path: Path) -> None:
    """Fail unless silx sees the same scans, rows, positions and spectra."""
    expected = scans(path)
    file = SilxFile(str(path))
    assert len(file) == len(expected)
    for scan, seen in zip(expected, file, strict=True):
        assert seen.number == int(float(scan.scanNum))
        columns = rows(scan)
        assert seen.labels == list(columns)
        if any(columns.values()):
            assert seen.data.tolist() == [[_finite(v) for v in c] for c in columns.values()]
        lines = [line for each in zip(*spectra(scan).values(), strict=True) for line in each]
        assert [mca.tolist() for mca in seen.mca] == [[_finite(v) for v in s] for s in lines]
        positions = dict(zip(seen.motor_names, seen.motor_positions, strict=True))
        told = {name: float(v) for name, v in scan.positioner.items()}
        assert sorted(map(repr, positions.items())) == sorted(map(repr, told.items()))
    with single_precision(), SpecH5(str(path)) as tree:
        assert len(tree) == len(expected)
        for scan, key in zip(expected, tree, strict=True):
            group = tree[key]["measurement"]
            for label, column in rows(scan).items():
                read = group[label.replace("/", "%")][()]
                assert read.tolist() == [float(np.float32(_finite(v))) for v in column]


def check_xrayutilities(path: Path) -> None:
    """Fail unless xrayutilities sees the same, in single precision where there are no spectra.

    It reads no scan that has spectra of several lengths, and fails on a file without any row.
    """
    try:
        xrayutilities = import_module("xrayutilities")
    except ImportError:  # it is not among the test requirements
        return
    expected = scans(path)
    if not any(any(rows(scan).values()) or "_aborted_" in vars(scan) for scan in expected):
        return
    with single_precision(), redirect_stdout(StringIO()):
        file = xrayutilities.io.SPECFile(str(path))
        for seen in file.scan_list:
            seen.ReadData()
    for scan, seen in zip(expected, file.scan_list, strict=False):
        assert seen.nr == int(float(scan.scanNum))
        columns, lines = rows(scan), spectra(scan)
        lengths = {len(line) for each in lines.values() for line in each}
        if not any(columns.values()) or len(lengths) > 1:
            continue
        has_ended = "_aborted_" not in vars(scan)
        assert seen.scan_status == ("OK" if has_ended else "ABORTED")
        assert len(seen.data) == len(columns["seq_num"])
        kind = np.float64 if lines else np.float32
        for name, column in zip(seen.data.dtype.names, columns.values(), strict=False):
            with single_precision():
                expected_column = np.array(column, float).astype(kind)
            np.testing.assert_array_equal(seen.data[name], expected_column)
        for name, each in zip(seen.data.dtype.names[len(columns) :], lines.values(), strict=True):
            np.testing.assert_array_equal(seen.data[name], np.array(each, float))


def check_larch(path: Path) -> None:
    """Fail unless larch sees the same scans and columns, which it reads through silx' tree.

    It lists a spectrum among the columns as ``mca_0``, and fails on reading that: of a scan that
    has spectra, it reads the columns one by one, and of others a whole group.
    """
    try:
        larch = import_module("larch.io.specfile_reader")
    except ImportError:  # it is large, and not among the test requirements
        return
    expected = dict(zip(SilxFile(str(path)).keys(), scans(path), strict=True))
    if not expected:
        return
    with single_precision():
        source = larch.DataSourceSpecH5(str(path))
        seen = {key: title for key, title, *_ in source.get_scans()}  # in the order of numbers
        assert seen == {key: scan.scanCmd for key, scan in expected.items()}
        for key, scan in expected.items():
            source.set_scan(key)
            columns = {name.replace("/", "%"): column for name, column in rows(scan).items()}
            counters = [name for name in source.get_counters() if not name.startswith("mca_")]
            assert counters == list(columns)
            for name, column in columns.items():
                read = source.get_array(name)
                assert read.tolist() == [float(np.float32(_finite(v))) for v in column]
            is_group = not spectra(scan) and "__class__" not in columns  # columns are attributes
            if is_group and any(columns.values()):
                group = source.get_scan(key)
                assert {*group.array_labels} == {*columns}
                assert group.data.shape == (len(columns), scan_length(scan))
        source.close()


@contextmanager
def single_precision() -> Iterator[None]:
    """Let readers turn large doubles into infinite floats."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "overflow encountered in cast", RuntimeWarning)
        yield


def _finite(measured: float) -> float:
    """Return what silx has for a number: it knows no nan and no inf."""
    return float(measured) if math.isfinite(measured) else 0.0
