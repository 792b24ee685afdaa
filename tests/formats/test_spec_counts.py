"""As many scans and rows as were written, whatever they hold, for every reader."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from silx.io.specfile import SpecFile as SilxFile  # type: ignore[import-not-found]  # compiled
from silx.io.spech5 import SpecH5
from spec2nexus.spec import SpecDataFile

from bluescribe import SpecWriter
from bluescribe.testing import documents
from tests.contracts import SpecContract as Contract
from tests.extent import examples
from tests.formats.test_spec_session import only, play, renamed
from tests.formats.test_spec_text import metadata_values, run_of
from tests.readers import spec

numbers = st.floats() | st.integers() | st.booleans()
spectra = st.lists(st.floats(), min_size=4, max_size=4) | st.lists(st.integers(0, 2**63 - 1))
pointless = st.lists(st.sampled_from([1e16, 1e22, -1e300]), min_size=2, max_size=2)
"""Floats whose shortest digits have no decimal point."""
columns = [
    *(numbers, st.text(), spectra, pointless),
    *(st.none() | numbers, numbers | st.text() | spectra),
]


@st.composite
def sessions(draw):
    """Draw what a file is to hold: metadata, scan_id and rows of each run."""
    runs = []
    for _ in range(draw(st.integers(1, 4))):
        names = draw(st.lists(st.text(), max_size=5, unique=True))
        rows = st.fixed_dictionaries({name: draw(st.sampled_from(columns)) for name in names})
        told = draw(st.dictionaries(st.text(), metadata_values, max_size=3))
        for key in ("uid", "time"):
            told.pop(key, None)
        told["scan_id"] = draw(st.integers(-2, 12) | st.text() | st.none())
        runs.append((told, draw(st.lists(rows, max_size=5))))
    return runs


@settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(sessions())
def test_readers_count_what_was_written(tmp_path_factory, session):
    folder = tmp_path_factory.mktemp("session")
    runs = [renamed(run_of(rows, **told), i) for i, (told, rows) in enumerate(session)]
    with SpecWriter(folder) as writer:
        for run in runs:
            play(writer, run)
        assert not writer.status().failures
    path = only(folder)
    counts = [len(rows) for _, rows in session]
    assert counted_by_spec2nexus(path) == counts
    assert counted_by_silx(path) == counts
    scans = spec.scans(path)
    Contract().check_runs(map(spec.read_run, scans), [doc for run in runs for doc in run])
    for scan, (_, rows) in zip(scans, session, strict=True):
        check_doubles(scan, rows)
    spec.check_silx(path)  # against the same scans, to single precision


def counted_by_spec2nexus(path) -> list[int]:
    """Return the rows of each scan, which spec2nexus holds in columns."""
    counts = []
    for scan in SpecDataFile(str(path)).scans.values():
        scan.interpret()
        assert {len(column) for key, column in scan.data.items() if key != "_mca_"} <= {
            len(scan.data.get("seq_num", []))
        }
        counts.append(len(scan.data.get("seq_num", [])))
    return counts


def counted_by_silx(path) -> list[int]:
    """Return the rows of each scan in silx' table and in its tree of HDF5, which are the same."""
    table = [scan.data.shape[-1] if scan.data.size else 0 for scan in SilxFile(str(path))]
    with spec.single_precision(), SpecH5(str(path)) as tree:
        columns = [entry["measurement/seq_num"][()] for entry in tree.values()]
    assert [len(column) for column in columns] == table
    return table


def check_doubles(scan, rows) -> None:
    """Fail unless spec2nexus has the very doubles of the columns that were numbers throughout."""
    names = {found: label for label, found in spec.pairs(scan, LABELS).items()}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        label = names.get(name, name)
        if all(type(value) is float for value in values):
            np.testing.assert_array_equal(scan.data[label], values)


LABELS = r'column ("(?:[^"\\]|\\.)*") is ("(?:[^"\\]|\\.)*")'


def test_scan_numbers_that_repeat_and_go_back_lose_nothing(tmp_path, caplog):
    ids = [1, 2, 2, 1, 5]
    source = documents("scan", tmp_path)
    runs = [renamed(source, f"run-{i}", scan_id) for i, scan_id in enumerate(ids)]
    with SpecWriter(tmp_path / "data") as writer:
        for run in runs:
            play(writer, run)
        assert not writer.status().failures
    assert len([r for r in caplog.records if "comes again" in r.getMessage()]) == 1
    path = only(tmp_path / "data")
    scans = spec.scans(path)
    assert [scan.scanNum for scan in scans] == ["1", "2", "2.1", "1.1", "5"]
    Contract().check_runs(map(spec.read_run, scans), [doc for run in runs for doc in run])
    keys = ["1.1", "2.1", "2.2", "1.2", "5.1"]
    file = SilxFile(str(path))
    assert list(file.keys()) == keys
    with SpecH5(str(path)) as tree:
        assert list(tree) == keys
        for i, key in enumerate(keys):
            assert f"uid = {runs[i][0][1]['uid']}" in "".join(file[key].scan_header)
            assert len(tree[key]["measurement/seq_num"]) == 5
    spec.check_silx(path)


def test_xrayutilities_has_every_scan_whose_number_repeats(tmp_path):
    xrayutilities = pytest.importorskip("xrayutilities")
    ids = [1, 2, 2, 1, 5]
    source = documents("scan", tmp_path)
    with SpecWriter(tmp_path / "data") as writer:
        for i, scan_id in enumerate(ids):
            play(writer, renamed(source, f"run-{i}", scan_id))
    path = only(tmp_path / "data")
    with redirect_stdout(StringIO()):
        file = xrayutilities.io.SPECFile(str(path))
        for scan in file.scan_list:
            scan.ReadData()
    assert [scan.nr for scan in file.scan_list] == ids
    assert [len(scan.data) for scan in file.scan_list] == [5] * 5
    spec.check_xrayutilities(path)


@pytest.mark.parametrize(
    ("name", "status"), [("scan", "OK"), ("aborted", "ABORTED"), ("failed", "ABORTED")]
)
def test_xrayutilities_tells_how_a_run_ended(name, status, tmp_path):
    xrayutilities = pytest.importorskip("xrayutilities")
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, documents(name, tmp_path))
    with redirect_stdout(StringIO()):
        (scan,) = xrayutilities.io.SPECFile(str(only(tmp_path / "data"))).scan_list
        scan.ReadData()  # before that, it has only looked at the header
    assert scan.scan_status == status
