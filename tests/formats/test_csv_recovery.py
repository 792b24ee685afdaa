"""Tables whose writer was killed between two of them: what is in one is in all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import frictionless
import numpy as np
import pandas as pd
import pytest

from tests import warm
from tests.contracts import CsvContract
from tests.recovering import recover

KILLED = """
    import os, signal, sys
    from event_model import compose_run
    from bluescribe import CsvWriter

    run = compose_run()
    key = {"dtype": "number", "shape": [], "source": "sim"}
    keys = dict.fromkeys(["x", "a", "b"], key)
    primary = run.compose_descriptor(name="primary", data_keys=keys)
    writer = CsvWriter(sys.argv[1], delimiter=sys.argv[2])
    writer("start", run.start_doc)
    writer("descriptor", primary.descriptor_doc)
    for n, row in enumerate([1, 2, 3, 4, 2, 3, 4, 5]):  # it was paused, and went back
        data = {"x": n / 2, "a": [float(n), -1.0], "b": [] if n % 3 else [float(n)]}
        writer("event", primary.compose_event(
            seq_num=row, data=data, timestamps=dict.fromkeys(keys, 1.0), validate=False))
    writer.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
SEQ_NUMS = [1, 2, 3, 4, 2, 3, 4, 5]


def killed(folder: Path, delimiter: str) -> Path:
    """Return the stream's own table of a session that was killed."""
    command = [sys.executable, "-c", dedent(KILLED), str(folder), delimiter]
    done = warm.run(command, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (path,) = folder.glob("*-primary.csv")
    return path


def cut(main: Path, rows: int) -> None:
    """Leave so many rows of a table."""
    records = main.read_bytes().splitlines(keepends=True)
    os.truncate(main, sum(map(len, records[: rows + 1])))


def test_it_is_so_with_another_delimiter(tmp_path: Path) -> None:
    cut(killed(tmp_path, ";"), 6)
    recover(tmp_path)
    for table in tmp_path.glob("*.csv"):
        rows = [line.partition(";")[0] for line in table.read_text().splitlines()]
        assert rows == ["seq_num", *map(str, SEQ_NUMS[:6])]


@pytest.mark.parametrize("rows", range(len(SEQ_NUMS) + 1))
def test_rows_that_are_not_in_all_tables_are_cut(rows: int, tmp_path: Path) -> None:
    """The stream's own table is written last; a kill may come before that."""
    cut(killed(tmp_path, ","), rows)
    (step,) = recover(tmp_path).steps
    assert step.outcome == "mended"
    contract = CsvContract()
    contract.check_files(tmp_path)
    (found,) = contract.read_back(tmp_path)
    assert found.seq_num["primary"] == SEQ_NUMS[:rows]
    expected: dict[str, list[Any]] = {
        "x": [n / 2 for n in range(rows)],
        "a": [[float(n), -1.0] for n in range(rows)],
        "b": [[] if n % 3 else [float(n)] for n in range(rows)],
    }
    for name, values in expected.items():
        told = found.events["primary"].get(name, [])
        assert all(map(np.array_equal, told, values)), name
        assert len(told) == rows
    assert not recover(tmp_path).steps


@pytest.mark.parametrize("left", ["", "seq_n", "whole"], ids=["empty", "half a header", "whole"])
@pytest.mark.parametrize("which", ["-primary-a.csv", "-primary.csv"])
@pytest.mark.parametrize("is_named", [False, True])
def test_a_table_that_was_made_at_the_kill(
    which: str, left: str, is_named: bool, tmp_path: Path
) -> None:
    """The kill came between its making and the package: it is described, or put aside."""
    killed(tmp_path, ",")
    (path,) = tmp_path.glob("*.datapackage.json")
    package = json.loads(path.read_bytes())
    if not is_named:
        package["resources"] = [r for r in package["resources"] if not r["path"].endswith(which)]
    path.write_text(json.dumps(package))
    (table,) = tmp_path.glob(f"*{which}")
    if left != "whole":
        table.write_text(left)
    (step,) = recover(tmp_path).steps
    assert step.outcome == "mended"
    assert frictionless.validate(path).valid
    assert table.exists() == (left == "whole")
    assert [kept for kept in step.kept if kept.name.startswith(table.name)] or table.exists()
    described = {resource["path"] for resource in json.loads(path.read_bytes())["resources"]}
    assert described == {table.name for table in tmp_path.glob("*.csv")}
    for table in tmp_path.glob("*.csv"):
        rows = pd.read_csv(table)
        assert list(rows["seq_num"]) == SEQ_NUMS
    assert not recover(tmp_path).steps
