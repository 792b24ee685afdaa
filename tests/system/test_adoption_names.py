"""Runs whose names come late, and of which fields are left out: the same after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.extent import IS_LONG
from tests.process.children import strike, writing
from tests.process.test_deaths import check, scan
from tests.system.adopting import check_as_undisturbed, iconfig, left, next_session, session

NAME = "{event[text]}/{key}-{event[x]:.2f}"


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "steps",
    [
        ("open a", "take a 2", "kill"),
        ("open a", "kill"),  # its name never comes
        ("open a", "take a 2", "close a", "open b", "kill"),
    ],
)
def test_what_a_session_has_left_is_called_the_same(steps: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    own = {"spec": {"ONE_FILE_A_RUN": True}}
    config = iconfig(folder, FILE_NAME=NAME, EXCLUDE=["spectrum"], **own)
    documents = session(tmp_path, config, *steps)
    with next_session(config):
        pass
    assert left() == []
    if len(steps) > 2:
        assert (folder / "t1" / "a-0.14.jsonl").exists()
    check_as_undisturbed(folder, documents, config)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("point", [0, 1, 8] if IS_LONG else [1])
def test_a_process_that_is_killed_before_or_after_the_name_comes(
    point: int, tmp_path: Path
) -> None:
    with writing(tmp_path, FILE_NAME="{event[text]}-{scan_id}") as (engine, writers, documents):
        engine(scan({point: strike}))
        assert not any(status.failures for status in writers.status().values())
    check(tmp_path, documents)
    assert {path.name.partition(".")[0].partition("-det")[0] for path in tmp_path.iterdir()} >= {
        "t1-1"
    }
