"""A day at a beamline, and ten thousand hostile values: what every reader counts."""

from __future__ import annotations

import random
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO

import pytest
from silx.io.specfile import SpecFile as SilxFile  # type: ignore[import-not-found]  # compiled
from silx.io.spech5 import SpecH5
from spec2nexus.spec import SpecDataFile

from bluescribe import SpecWriter
from bluescribe.testing import documents, interleave
from tests.formats.test_spec_session import play, renamed
from tests.formats.test_spec_text import run_of
from tests.readers import spec

_PIECES = [
    *"\n\r\t\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ud800\\#@|\"'= é中",
    *("#S 99 forged", "#L a  b", "#N 2", "#F x", "#E 1", "#O0 a", "#P0 1", "#C Scan aborted"),
    *("Scan aborted after 3 points.", "#@MCA %16C", "@A 1 2 3", "1 2 3", "#D now", "\n\n#S 5 x\n"),
    *("#G1 1 2 3", "#Q 1 1 1", "#U x", "#R 1", "null", "NaN", "{", "[1,2]", "x" * 300),
]


def a_day(tmp_path):
    """Yield the documents of 2,000 runs; 10 interleaved, 5 aborted."""
    source = documents("scan", tmp_path / "source")
    aborted = set(range(100, 600, 100))
    beside = {(i, i + 1) for i in range(1001, 1101, 20)}
    number = 1
    while number <= 2000:
        runs = [renamed(source, f"run-{number}", number)]
        if (number, number + 1) in beside:
            runs.append(renamed(source, f"run-{number + 1}", number + 1))
        elif number in aborted:
            stop = {**runs[0][-1][1], "exit_status": "abort", "reason": "beam lost"}
            runs[0][-1:] = [("stop", stop)]
        yield number, interleave(*runs) if len(runs) > 1 else runs[0]
        number += len(runs)


@pytest.mark.ci
@pytest.mark.timeout(300)
def test_every_reader_counts_the_scans_of_a_day(tmp_path):
    folder = tmp_path / "data"
    with SpecWriter(folder) as writer:
        for number, played in a_day(tmp_path):
            if number in (501, 1201, 1701):
                writer.newfile(f"part-{number}")
            play(writer, played)
        assert not writer.status().failures
    paths = sorted(folder.iterdir())
    parts = {"part-501": 700, "part-1201": 500, "part-1701": 300}
    expected = {path: parts.get(path.stem, 500) for path in paths}
    assert sum(expected.values()) == 2000
    assert len(paths) == 4
    aborted = []
    for path, count in expected.items():
        assert len(SpecDataFile(str(path)).scans) == count
        assert len(SilxFile(str(path))) == count
        with SpecH5(str(path)) as tree:
            assert len(tree) == count
        text = path.read_text()
        assert text.count("\n#S ") == count
        assert text.count("Scan ended after 5 points.") + text.count("Scan aborted") == count
        aborted += _aborted(path, count)
        assert _count_by_larch(path) in (count, None)
    assert aborted == [100, 200, 300, 400, 500] or not _has_xrayutilities()


def _aborted(path, count) -> list[int]:
    """Return the scans that xrayutilities takes for aborted, when it is installed."""
    if not _has_xrayutilities():
        return []
    from xrayutilities.io import SPECFile  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with redirect_stdout(StringIO()):
        scans = SPECFile(str(path)).scan_list
        for scan in scans:
            scan.ReadData()
    assert len(scans) == count
    return [scan.nr for scan in scans if scan.scan_status == "ABORTED"]


def _has_xrayutilities() -> bool:
    return find_spec("xrayutilities") is not None


def _count_by_larch(path) -> int | None:
    """Return larch's number of scans, None where it is not installed."""
    try:
        from larch.io.specfile_reader import (  # type: ignore[import-not-found,unused-ignore]
            DataSourceSpecH5,
        )
    except ImportError:
        return None
    source = DataSourceSpecH5(str(path))
    count = len(source.get_scans())
    source.close()
    return count


def hostile_values(count):
    """Return texts made of what means something to a reader, the same every time."""
    draw = random.Random(20261122)
    return ["".join(draw.choices(_PIECES, k=draw.randint(1, 6))) for _ in range(count)]


def test_ten_thousand_hostile_values_forge_no_line(tmp_path):
    values = hostile_values(10_000)
    a_run = 1_000
    with SpecWriter(tmp_path) as writer:
        writer.newfile("hostile")
        for number, at in enumerate(range(0, len(values), a_run), 1):
            part = values[at : at + a_run]
            told = {f"key {i}": value for i, value in enumerate(part[:600])}
            told |= {value: i for i, value in enumerate(part[600:800])}
            told |= {"nested": {value: [value] for value in part[800:]}, "plan_name": part[0]}
            rows = [{"x": i, "text": text} for i, text in enumerate(part[:50])]
            written = {key: v for key, v in told.items() if key not in ("uid", "time", "scan_id")}
            played = run_of(rows, **written)
            play(writer, renamed(played, number, number))
            writer.comment(part[-1])
        assert not writer.status().failures
    path = tmp_path / "hostile.dat"
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    for key, times in {"#S": 10, "#N": 10, "#L": 10, "#F": 1, "#E": 1, "#@": 0, "@A": 0}.items():
        assert sum(line.split(" ")[0] == key for line in lines) == times, key
    scans = spec.scans(path)
    assert [scan.scanNum for scan in scans] == [str(i) for i in range(1, 11)]
    assert all(len(spec.rows(scan)["x"]) == 50 for scan in scans)
    for number, scan in enumerate(scans):
        start = spec.metadata(scan)
        for i, value in enumerate(values[number * a_run :][:600]):
            assert start[f"key {i}"] in (value, value.replace("\ud800", "\\ud800")), value
    spec.check_silx(path)
    spec.check_xrayutilities(path)
