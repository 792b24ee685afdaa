"""A run that gets large goes on in parts, and its main file shows what one file would have."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run
from nexusformat.nexus import nxload
from silx.io.utils import open as silx_open

from bluescribe import CsvWriter, Hdf5Writer, NexusWriter
from bluescribe.archive.listing import list_runs, runs_beside
from bluescribe.archive.recover import recover
from bluescribe.assets.hdf5.marked import opened
from bluescribe.contract.report import RunReport
from bluescribe.errors import ConfigError
from bluescribe.hdf5.parts import after_crash
from bluescribe.recording.writer import Writer
from bluescribe.testing import documents

ROWS, PAGES = 2_000, 30
KINDS = {NexusWriter: "/entry/instrument/bluesky/streams", Hdf5Writer: "/streams"}
Documents = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def run() -> Documents:
    return list(made())


def made() -> Iterator[tuple[str, dict[str, Any]]]:
    """Make a run with a baseline, a text that grows, a field that comes late, and one that ends."""
    run = compose_run(metadata={"plan_name": "fly", "scan_id": 1, "motors": ["x"]})
    yield "start", dict(run.start_doc)
    key = {"source": "", "dtype": "number", "shape": []}
    before = run.compose_descriptor(
        name="baseline", data_keys={"T": key}, object_keys={"T": ["T"]}, hints={}
    )
    yield "descriptor", dict(before.descriptor_doc)

    def baseline(value: float) -> tuple[str, dict[str, Any]]:
        return "event", dict(before.compose_event(data={"T": value}, timestamps={"T": 1.7e9}))

    yield baseline(1.5)
    keys = {
        **{name: {**key, "dtype_numpy": "<f8", "units": "V"} for name in "xyz"},
        "n": {**key, "dtype": "integer", "dtype_numpy": "<i2"},
        "text": {**key, "dtype": "string"},
    }
    fly = run.compose_descriptor(
        name="primary", data_keys=keys, object_keys={"det": [*keys]}, hints={}
    )
    yield "descriptor", dict(fly.descriptor_doc)
    for number in range(PAGES):
        yield "event_page", page(fly.descriptor_doc["uid"], number)
    yield baseline(2.5)
    counts = {"primary": ROWS * PAGES, "baseline": 2}
    yield "stop", {**run.compose_stop(), "num_events": counts}


def page(descriptor: str, number: int) -> dict[str, Any]:
    rows = np.arange(number * ROWS, (number + 1) * ROWS)
    data: dict[str, Any] = {name: rows / (3 + place) for place, name in enumerate("xyz")}
    data["n"] = (rows % 1000).tolist()
    data["text"] = ["t" * (1 + number // 15)] * ROWS
    if number >= PAGES // 2:
        data["late"] = (rows * 0.5).tolist()
    if number < PAGES // 3:
        data["early"] = (rows * 0.25).tolist()
    times = 1.7e9 + rows * 1e-3
    return {
        "descriptor": descriptor,
        "uid": [f"{row:036d}" for row in rows],
        "seq_num": (rows + 1).tolist(),
        "time": times.tolist(),
        "data": data,
        "timestamps": dict.fromkeys(data, times),
        "filled": {},
    }


def write(kind: type[Writer], folder: Path, run: Documents, **settings: Any) -> RunReport:
    reports: list[RunReport] = []
    with kind(folder, drain_timeout=60, **settings) as writer:
        writer.on_complete(reports.append)
        for name, doc in run:
            writer(name, doc)
    (report,) = reports
    assert not report.failures
    return report


def differences(one: h5py.Group, other: h5py.Group) -> Iterator[str]:
    """Yield where two files are not the same, but for their names and how they store rows."""
    for name in {*one, *other}:
        if name not in one or name not in other:
            yield f"only one has {one.name}/{name}"
            continue
        a, b = one[name], other[name]
        if {k: repr(v) for k, v in a.attrs.items()} != {k: repr(v) for k, v in b.attrs.items()}:
            yield f"attributes of {a.name}"
        if isinstance(a, h5py.Group):
            yield from differences(a, b)
        elif a.dtype != b.dtype or a.shape != b.shape or repr(a[()]) != repr(b[()]):
            yield f"{a.name}: {a} {b}"
        elif a.dtype.kind in "biufS" and a.shape and a[()].tobytes() != b[()].tobytes():
            yield f"values of {a.name}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_main_file_has_what_one_file_would_have(
    tmp_path: Path, kind: type[Writer], run: Documents
) -> None:
    whole = write(kind, tmp_path / "whole", run)
    divided = write(kind, tmp_path / "divided", run, max_file_size="2 MB")
    assert len(whole.files) == 1
    main, *parts = divided.files
    assert [part.stem for part in parts] == [f"{main.stem}-part{n + 1}" for n in range(len(parts))]
    assert len(parts) > 2
    assert main.name == whole.files[0].name
    assert all(part.stat().st_size < 6e6 for part in parts)
    streams = KINDS[kind]
    with h5py.File(whole.files[0]) as one, h5py.File(main) as other:
        assert [*differences(one, other)] == []
        assert list(other.attrs["parts"]) == [part.name for part in parts]
        assert other[f"{streams}/primary/seq_num"].is_virtual
    rows = 0
    for number, path in enumerate(parts, 1):
        with h5py.File(path) as part:
            assert (part.attrs["part"], part.attrs["part_of"]) == (number, main.name)
            seq_nums = part[f"{streams}/primary/seq_num"]
            assert seq_nums[0] == rows + 1
            rows += len(seq_nums)
    assert rows == ROWS * PAGES


def test_viewers_read_the_main_file_and_the_parts(tmp_path: Path, run: Documents) -> None:
    main, part, *_ = write(NexusWriter, tmp_path, run, max_file_size="2 MB").files
    path = f"{KINDS[NexusWriter]}/primary/x/value"
    with silx_open(str(main)) as file:
        assert np.array_equal(file[path][()], np.arange(ROWS * PAGES) / 3)
    values = nxload(str(part))[path]
    assert values.shape[0] % ROWS == 0
    assert values[7] == 7 / 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_stays_small_has_one_file(tmp_path: Path, kind: type[Writer]) -> None:
    run = [(n, d) for n, d in made() if n != "event_page"]
    (file,) = write(kind, tmp_path, run, max_file_size="1 MB").files
    with h5py.File(file) as h5:
        assert not {"parts", "part", "part_of"} & {*h5.attrs}


@pytest.mark.ci
@pytest.mark.parametrize("lost", ["nothing", "main file"])
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_kill_the_main_file_shows_all_that_is_there(
    tmp_path: Path, kind: type[Writer], run: Documents, lost: str
) -> None:
    live, dead = tmp_path / "live", tmp_path / "dead"
    with kind(live, max_file_size="2 MB", drain_timeout=60) as writer:
        writer.keep_no_spool()
        for name, doc in run[:-2]:
            writer(name, doc)
        writer.flush(60)
        shutil.copytree(live, dead)  # as a kill would leave it
        while_it_is_written = recover(live)
        for name, doc in run[-2:]:
            writer(name, doc)
    assert {step.outcome for step in while_it_is_written.steps} <= {"left"}
    (main,) = (path for path in dead.iterdir() if "-part" not in path.name)
    if lost == "main file":
        main.unlink()
    first = recover(dead)
    assert {step.outcome for step in first.steps} == {"mended"}
    with h5py.File(main) as file:
        values = file[f"{KINDS[kind]}/primary/seq_num"]
        assert np.array_equal(values[()], np.arange(1, ROWS * PAGES + 1))
    assert recover(dead).steps == []


def test_a_file_is_not_divided_into_crumbs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="less than 1 MB"):
        NexusWriter(tmp_path, max_file_size="10 kB")


@pytest.mark.parametrize("name", ["a/b", "..", "", 5, [1, 2]], ids=repr)
@pytest.mark.parametrize("key", ["part_of", "parts", "part"])
def test_what_names_no_part_stops_no_recovery(tmp_path: Path, key: str, name: Any) -> None:
    """An attribute that somebody changed costs no other file, and leads nowhere else."""
    folder = tmp_path / "data"
    (path,) = write(NexusWriter, folder, [*documents("count", tmp_path / "source")]).files
    part = path.rename(path.with_stem(f"{path.stem}-part1"))
    with h5py.File(part, "r+") as file:
        file.attrs["part_of"] = path.name
        file.attrs[key] = name
    before = {*tmp_path.iterdir()}
    assert not recover(folder).failed
    assert {*tmp_path.iterdir()} == before
    assert part in folder.iterdir()


@pytest.mark.parametrize("beside", [[CsvWriter], []], ids=["with csv", "alone"])
def test_each_part_is_listed_with_its_run(
    tmp_path: Path, run: Documents, beside: list[type[Writer]]
) -> None:
    files = write(NexusWriter, tmp_path, run, max_file_size="2 MB").files
    for kind in beside:
        write(kind, tmp_path, run)
    listing = list_runs(tmp_path)
    (listed,) = listing.runs
    assert listing.others == 0
    assert listed.files["nexus"][0] == files[0]
    assert {*listed.files["nexus"]} == {*files}
    for path in files:
        (found,) = runs_beside(path)
        assert found.main.uid == run[0][1]["uid"]
        assert {*found.files["nexus"]} == {*files}


def test_files_of_a_run_of_many_parts_are_opened_once_a_recovery(
    tmp_path: Path, run: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write(NexusWriter, tmp_path, run, max_file_size="1 MB").files
    counted: Counter[Path] = Counter()

    def counting(path: Path) -> Any:
        counted[path] += 1
        return opened(path)

    monkeypatch.setattr(after_crash, "opened", counting)
    assert recover(tmp_path).steps == []
    assert {*counted} == {*files}
    assert max(counted.values()) <= 2  # with and without its stop document
