"""Nothing that is measured or told can forge a line of a SPEC file, or break a reader."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from silx.io.spech5 import SpecH5

from bluescribe import SpecWriter
from bluescribe.testing import damaged_runs, documents, runs
from bluescribe.testing.contract import in_json, same_value
from tests.extent import examples
from tests.readers import spec

FORGERIES = [
    "\n#S 99 forged\n#N 1\n#L x\n1\n",
    *(
        f"text{end}#S 99 forged{end}1 2 3{end}#L a  b"
        for end in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    ),
    "#C Scan aborted after 3 points",
    "#é C Scan aborted",
    "#\u00e9C Scan aborted",
    "Scan aborted after 1 points.",
    "#F other\n#E 1\n#D now\n#C x",
    "@A 1 2 3",
    "ends in \\",
    "\\" * 6000,
    "nul \0 inside",
    "\t tab  blanks ",
    "lone \udc80",
    '"quoted"',
    "5",
    "null",
    "|bars|",
    "= a = b",
    "µ" * 40_000,
    "x" * 100_000,
]


def run_of(data: list[dict[str, Any]], **start: Any) -> list[tuple[str, Any]]:
    """Return the documents of a run with these events."""
    keys = dict.fromkeys(key for row in data for key in row)
    data_keys = {k: {"dtype": "number", "shape": [], "source": "test"} for k in keys}
    begin = {"uid": "0c2f6f6e", "time": 1.7e9, "scan_id": 7, "plan_name": "count", **start}
    run: list[tuple[str, Any]] = [
        ("start", begin),
        (
            "descriptor",
            {
                "uid": "descriptor",
                "run_start": "0c2f6f6e",
                "name": "primary",
                "time": 1.7e9,
                "data_keys": data_keys,
                "object_keys": {k: [k] for k in keys},
                "configuration": {},
                "hints": {},
            },
        ),
    ]
    for i, row in enumerate(data):
        times = dict.fromkeys(row, 1.7e9)
        event = {"uid": f"e{i}", "descriptor": "descriptor", "time": 1.7e9 + i, "seq_num": i + 1}
        run.append(("event", {**event, "data": row, "timestamps": times, "filled": {}}))
    stop = {"uid": "stop", "run_start": "0c2f6f6e", "time": 1.7e9 + 9, "exit_status": "success"}
    return [*run, ("stop", stop)]


def written(folder, played):
    with SpecWriter(folder) as writer:
        for name, doc in played:
            writer(name, doc)
        assert not writer.status().failures
    (path,) = folder.glob("*.dat")
    return path


@pytest.mark.parametrize("text", FORGERIES, ids=range(len(FORGERIES)))
def test_a_text_stays_a_text_wherever_it_stands(text, tmp_path):
    rows = [{"x": 1.5, "note": text}, {"x": text, "note": "b"}, {"x": 2.5, text[:200]: 3}]
    data = [{**row, "spectrum": [1, 2, i]} for i, row in enumerate(rows)]
    told = {"note": text, text[:200]: {text: [text]}, "plan_name": text, "plan_args": {text: text}}
    played = run_of(data, **told, motors=[text], sample=text)
    played[-1][1].update(exit_status="abort", reason=text)
    path = written(tmp_path, played)
    scan = spec.scan_of(path)
    assert scan.scanNum == "7"
    run = spec.read_run(scan)
    assert run.events["primary"]["x"] == [1.5, in_json(text), 2.5]
    assert run.events["primary"]["note"][:2] == [in_json(text), "b"]
    start = spec.metadata(scan)
    assert start["note"] == in_json(text)
    assert start[in_json(text[:200])] == {in_json(text): [in_json(text)]}
    assert scan.comments[-1].startswith("reason = ") or "reason" in "".join(spec.comments(scan))
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_lines_are_short_enough_for_silx_which_dies_of_longer_ones(tmp_path):
    rows = [{f"signal_{i:03d}_" + "n" * 60: i / 7 for i in range(500)} for _ in range(3)]
    path = written(tmp_path, run_of(rows, note="é" * 9_000, plan_args={"n": list(range(9_000))}))
    lines = path.read_bytes().split(b"\n")
    assert max(len(line) for line in lines if line.startswith(b"#")) < 5_000
    spec.check_silx(path)
    run = spec.read_run(spec.scan_of(path))
    assert run.events["primary"] == {name: [value] * 3 for name, value in rows[0].items()}


@pytest.mark.parametrize("count", [509, 510, 1000])
def test_scalars_beyond_the_columns_that_silx_survives_are_a_spectrum(count, tmp_path):
    rows: list[dict[str, Any]]
    rows = [{f"s{i}": i + row / 8 for i in range(count)} for row in range(2)]
    rows.append({f"s{i}": 10**17 + i for i in range(count)})
    rows.append({f"s{i}": [None, float("inf")][i % 2] for i in range(count)})
    path = written(tmp_path, run_of(rows))
    scan = spec.scan_of(path)
    assert len(scan.L) == min(count + 2, 511)
    assert ("_mca_" in scan.data) == (count > 509)
    spec.check_silx(path)
    spec.check_xrayutilities(path)
    found = spec.read_run(scan).events["primary"]
    assert found == {name: [row[name] for row in rows] for name in rows[0]}


def test_a_first_value_that_is_no_number_does_not_hide_the_row(tmp_path):
    nan = float("nan")
    run = run_of([{"m": nan, "det": 1.5}, {"m": 2.5, "det": nan}], motors=["m"])
    path = written(tmp_path, run)
    assert spec.scan_of(path).L == ["Epoch", "m", "seq_num", "det"]
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_labels_are_ascii_single_and_explained(tmp_path):
    names = ["a b", "a  b", "a\tb", "Epoch", "seq_num", "_mca_", "Größe_µ", "試料", "#1", "x\\", ""]
    path = written(tmp_path, run_of([{name: i for i, name in enumerate(names)}]))
    scan = spec.scan_of(path)
    assert len(set(scan.L)) == len(names) + 2
    assert all(label.isascii() and label.strip() == label for label in scan.L)
    assert spec.read_run(scan).events["primary"] == {name: [i] for i, name in enumerate(names)}
    spec.check_silx(path)
    spec.check_xrayutilities(path)


@pytest.mark.parametrize("day", [1, 9, 10, 31])
def test_a_date_is_one_for_every_reader_on_every_day_of_the_month(day, tmp_path):
    seconds = time.mktime((2026, 12, day, 8, 5, 7, 0, 0, -1))
    path = written(tmp_path, run_of([{"x": 1}], time=seconds))
    assert time.mktime(time.strptime(spec.scan_of(path).date)) == seconds
    with SpecH5(str(path)) as tree:
        assert tree["7.1/start_time"][()] == f"2026-12-{day:02d}T08:05:07"
    spec.check_xrayutilities(path)
    spec.check_larch(path)


def test_integers_keep_every_digit_and_those_too_long_for_silx_are_told(tmp_path):
    values = [2**53 + 1, -(2**63), 2**64 - 1, 2**100, 10**38 - 1, 10**38, -(10**400), True]
    path = written(tmp_path, run_of([{"big": value} for value in values]))
    scan = spec.scan_of(path)
    assert spec.read_run(scan).events["primary"]["big"] == values
    assert scan.data["big"][4] == 1e38
    spec.check_silx(path)


metadata_values = st.recursive(
    st.text() | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.text(), metadata_values, max_size=4), st.lists(st.text(), max_size=4))
@example({"uid": "again", "\x85#S 2": "\r#L"}, ["a", "b"])
def test_any_metadata_and_any_text_leaves_one_scan(tmp_path_factory, told, texts):
    folder = tmp_path_factory.mktemp("any")
    told = {key: value for key, value in told.items() if key not in ("uid", "time", "scan_id")}
    path = written(folder, run_of([{"x": 1, "text": text} for text in texts], **told))
    scan = spec.scan_of(path)
    start = spec.metadata(scan)
    wrong = [k for k, v in told.items() if not same_value(in_json(v), start[in_json(k)])]
    assert not wrong
    assert spec.rows(scan)["seq_num"] == list(range(1, len(texts) + 1))
    spec.check_silx(path)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(runs() | damaged_runs())
def test_a_generated_run_can_be_read(tmp_path_factory, played):
    folder = tmp_path_factory.mktemp("generated")
    with SpecWriter(folder) as writer:
        for name, doc in played:
            writer(name, doc)
        assert not writer.status().failures
    for path in folder.glob("*.dat"):
        spec.check_silx(path)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("scan", "ascan m1 -1 1 4 0"),
        ("scan_two_motors", "a2scan m1 -1 1 m2 10 20 4 0"),
        ("rel_scan", "dscan m1 -1 1 4 0"),
        ("count", "loopscan 5 0"),
        (
            "list_scan",
            'list_scan(detectors=["det"], args=["m1",[0.1,0.2,0.7,0.2,-1.0]], per_step="None")',
        ),
    ],
)
def test_the_command_is_the_macro_that_spec_has(name, line, tmp_path):
    path = written(tmp_path / "spec", documents(name, tmp_path))
    assert spec.scan_of(path).scanCmd == line


def test_a_grid_is_a_mesh_with_the_fast_motor_first_unless_it_is_snaked(tmp_path):
    grid = {
        "plan_name": "grid_scan",
        "motors": ["slow", "fast"],
        "shape": [3, 4],
        "extents": [[0, 2], [-1.5, 1.5]],
        "acquire_time": 0.25,
    }
    mesh = written(tmp_path / "mesh", run_of([{"slow": 1}], **grid, snaking=[False, False]))
    scan = spec.scan_of(mesh)
    assert scan.scanCmd == "mesh fast -1.5 1.5 3 slow 0 2 2 0.25"
    assert (scan.T, scan.time_name) == ("0.25", "Seconds")
    snaked = written(tmp_path / "snaked", run_of([{"slow": 1}], **grid, snaking=[False, True]))
    assert spec.scan_of(snaked).scanCmd == "grid_scan()"
