"""What stands in the cells: types, digits, quotes, what is missing, what changes its mind."""

from __future__ import annotations

import math

import frictionless
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluescribe.formats.csv import CsvWriter
from tests.extent import examples
from tests.formats.csv_tables import Null, Text, read_table, same, write


def run_of(*rows, declared=None, name="primary", uid="0f3b4c56-1111-4222-8333-444455556666"):
    """Return the documents of a run, an event for each dictionary of values."""
    keys = declared if declared is not None else {key: {} for row in rows[:1] for key in row}
    data_keys = {k: {"source": "", "dtype": "number", "shape": [], **d} for k, d in keys.items()}
    start = {"uid": uid, "time": 1.7e9, "scan_id": 7}
    descriptor = {"uid": uid + "d", "run_start": uid, "name": name, "time": 1.7e9}
    descriptor |= {"data_keys": data_keys, "configuration": {}, "hints": {}, "object_keys": {}}
    events = [
        ("event", {"uid": f"{uid}{i}", "descriptor": uid + "d", "seq_num": i, "time": 1.7e9 + i / 3}
         | {"data": row, "timestamps": dict.fromkeys(row, 1.7e9), "filled": {}})
        for i, row in enumerate(rows, 1)
    ]  # fmt: skip
    stop = {"uid": uid + "s", "run_start": uid, "time": 1.7e9 + 9, "exit_status": "success"}
    return [("start", start), ("descriptor", descriptor), *events, ("stop", stop)]


def column_of(values, folder):
    """Return the package, the raw lines and the described field of one column of values."""
    (package,) = write(run_of(*({"x": value} for value in values)), folder)
    resource = package.resource("primary")
    lines = package.path.with_name(resource["path"]).read_bytes().split(b"\r\n")
    return package, lines, resource["schema"]["fields"][2]


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "cells", "kind"),
    [
        ([0.1, -0.0, 1e-7, 5e-324], [b"0.1", b"-0.0", b"1e-7", b"5e-324"], "number"),
        ([1.0, NAN, INF, -INF], [b"1.0", b"NaN", b"inf", b"-inf"], "number"),
        ([np.float32(0.1)], [b"0.10000000149011612"], "number"),
        ([1, 2**53 + 1, -(2**63)], [b"1", b"9007199254740993", b"-9223372036854775808"], "integer"),
        ([2**64, -(2**70)], [b"18446744073709551616", b"-1180591620717411303424"], "integer"),
        ([np.uint64(2**64 - 1)], [b"18446744073709551615"], "integer"),
        ([1, 2.5, NAN], [b"1", b"2.5", b"NaN"], "number"),
        ([True, False, None], [b"True", b"False", b""], "boolean"),
        ([np.True_, np.False_], [b"True", b"False"], "boolean"),
        (["a", "", None, 'say "x", y'], [b'"a"', b'""', b"", b'"say ""x"", y"'], "string"),
        (["5", "True", "NaN"], [b'"5"', b'"True"', b'"NaN"'], "string"),
        (["Größe µ", "lone \udc80"], ['"Größe µ"'.encode(), b'"lone \\udc80"'], "string"),
        ([None, None], [b"", b""], "number"),
        ([5, "5", None, True], [b"5", b'"5"', b"", b"True"], "any"),
        ([1.5, [1, 2], [NAN]], [b"1.5", b'"[1,2]"', b'"[NaN]"'], "any"),
        ([{"a": [1]}, None], [b'"{""a"":[1]}"', b""], "object"),
        ([b"\x00\xff"], [b'"AP8="'], "string"),
        ([1 + 2j], [b'"(1+2j)"'], "string"),
    ],
)
def test_a_value_has_its_cell_and_its_column_a_type(values, cells, kind, tmp_path):
    package, lines, described = column_of(values, tmp_path)
    assert lines[0] == b"seq_num,time,x"
    assert [line.split(b",", 2)[2] for line in lines[1:-1]] == cells
    assert described["type"] == kind
    assert frictionless.validate(str(package.path)).valid


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.floats(), st.integers(), st.booleans(), st.none(), st.text(),
            st.text(alphabet=',"\r\n\0 =+-@5'),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_any_column_comes_back(tmp_path_factory, values):
    package, _, _ = column_of(values, tmp_path_factory.mktemp("column"))
    _, rows = package.table("primary")
    for (_, _, cell), value in zip(rows, values, strict=True):
        assert same(cell, value)


def test_line_breaks_and_control_characters_stay_inside_their_cell(tmp_path):
    texts = ["a\nb", "a\r\nb", "\r", "\t", "x\0y", '"', '"\r\n"']
    package, _, _ = column_of(texts, tmp_path)
    _, rows = package.table("primary")
    assert [row[2] for row in rows] == texts
    frame = pd.read_csv(package.path.with_name(package.resource("primary")["path"]))
    assert frame["x"].tolist() == texts


def test_pandas_finds_the_types(tmp_path):
    rows = [
        {
            "number": 0.1 * i,
            "integer": i,
            "truth": i > 1,
            "text": f"t{i}",
            "gap": [1.5, None][i % 2],
        }
        for i in range(3)
    ]
    (package,) = write(run_of(*rows), tmp_path)
    frame = pd.read_csv(package.path.with_name(package.resource("primary")["path"]))
    kinds = {name: dtype.kind for name, dtype in frame.dtypes.items()}
    assert kinds.pop("text") in "OUT"
    assert kinds == {
        "seq_num": "i",
        "time": "f",
        "number": "f",
        "integer": "i",
        "truth": "b",
        "gap": "f",
    }
    assert frame["number"].tolist() == [row["number"] for row in rows]
    assert frame["time"].tolist() == [1.7e9 + i / 3 for i in (1, 2, 3)]
    assert frame["gap"].isna().tolist() == [False, True, False]


def test_frictionless_reads_typed_rows(tmp_path):
    rows = [
        {"n": 2**64, "x": 0.5, "b": True, "t": "5"},
        {"n": None, "x": INF, "b": False, "t": None},
    ]
    (package,) = write(run_of(*rows), tmp_path)
    (read,) = frictionless.extract(str(package.path)).values()
    assert [(r["n"], float(r["x"]), r["b"], r["t"]) for r in read] == [
        (2**64, 0.5, True, "5"),
        (None, INF, False, None),
    ]


@pytest.mark.parametrize(
    ("text", "is_formula"),
    [("=1+1", True), ("@x", True), ("-b", True), ("-1.5", False), ("+2", False), ("a=b", False)],
)
def test_text_that_a_spreadsheet_would_run_is_kept_and_said(text, is_formula, tmp_path):
    _, lines, described = column_of([text], tmp_path)
    assert lines[1].endswith(f',"{text}"'.encode())
    assert ("formula" in described.get("description", "")) == is_formula


def test_an_empty_text_is_said(tmp_path):
    assert "empty" in column_of(["a", ""], tmp_path / "1")[2]["description"]
    assert "description" not in column_of(["a", None], tmp_path / "2")[2]


def test_a_value_that_contains_itself_says_so_and_all_else_is_there(tmp_path):
    endless: dict = {}
    endless["self"] = endless
    _, lines, _ = column_of([1, endless, 3], tmp_path)
    text = b'"{""self"":""<unwritable: dict that contains itself>""}"'
    assert [line.split(b",")[2] for line in lines[1:-1]] == [b"1", text, b"3"]


# --- arrays ------------------------------------------------------------------------------------


def test_an_array_field_has_a_table_of_its_own(tmp_path):
    rows = [{"x": i, "mca": np.arange(4) * i} for i in range(3)]
    (package,) = write(run_of(*rows, declared={"x": {}, "mca": {"dtype": "array"}}), tmp_path)
    path = package.path.with_name(package.resource("primary", "mca")["path"])
    assert path.name == package.path.name.replace(".datapackage.json", "-primary-mca.csv")
    frame = pd.read_csv(path, index_col="seq_num")
    assert (frame.to_numpy() == np.array([row["mca"] for row in rows])).all()
    assert frame.dtypes.tolist() == [np.int64] * 4
    assert package.columns("primary").keys() == {"x"}


def test_short_arrays_are_filled_up_and_missing_elements_are_null(tmp_path):
    rows = [{"a": [1, 2]}, {"a": []}, {"a": None}, {"a": [None, 3.5, None]}, {"a": ["", "x"]}]
    (package,) = write(run_of(*rows), tmp_path)
    labels, read = package.table("primary", "a")
    assert labels == ["seq_num", "0", "1", "2"]
    assert read == [
        [1, 1, 2, None],
        [2, None, None, None],  # an empty array; the missing one, 3, has no row
        [4, Null, 3.5, Null],
        [5, Text(""), Text("x"), None],
    ]
    schema = package.resource("primary", "a")["schema"]
    assert schema["missingValues"] == ["", "null"]
    assert "null" in package.resource("primary", "a")["description"]
    assert frictionless.validate(str(package.path)).valid


@pytest.mark.parametrize("step", ["one by one", "at once"])
def test_arrays_that_grow_and_grow_end_in_a_table_without_spare_columns(step, tmp_path):
    rows = [{"a": np.full(n, n / 7)} for n in (*range(1, 60), 900, *range(900, 1000), 5)]
    with CsvWriter(tmp_path) as writer:
        for name, doc in run_of(*rows):
            writer(name, doc)
            if step == "one by one":
                writer.flush()
    (path,) = tmp_path.glob("*-a.csv")
    labels, read = read_table(path)
    assert len(labels) == 1000
    for row, sent in zip(read, rows, strict=True):
        assert row[1:] == [*sent["a"], *[None] * (999 - len(sent["a"]))]


def test_finite_and_other_numbers_of_every_width(tmp_path):
    arrays = {
        "half": np.array([0.1, NAN], "f2"),
        "single": np.array([0.1, INF], "f4"),
        "big_endian": np.array([0.1, -INF], ">f8"),
        "strided": np.arange(6)[::-2],
        "truth": np.array([True, False]),
        "wide": np.array([2**64 - 1, 0], "u8"),
    }
    (package,) = write(run_of(arrays), tmp_path)
    for name, array in arrays.items():
        (row,) = package.table("primary", name)[1]
        assert all(map(same, row[1:], array.tolist())), name


def test_an_image_before_a_list_does_not_decide_where_the_list_goes(tmp_path):
    rows = [{"a": np.ones((2, 2))}, {"a": [1, 2]}, {"a": np.ones((2, 2))}, {"a": [3]}]
    (package,) = write(run_of(*rows), tmp_path)
    assert package.table("primary", "a")[1] == [[2, 1, 2], [4, 3, None]]
    assert package.left_out("primary", "a")[0]["what"].startswith("2 arrays")
