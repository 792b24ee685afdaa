"""Who carries out an export: what is refused, and what becomes of runs whose workers die."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import signal
import sys

import pytest

import bluescribe
from bluescribe.archive.exporting import (
    BusyError,
    Executor,
    Manifest,
    SchedulerError,
    WorkerError,
    configs_for,
    gather,
)
from bluescribe.archive.exporting.batch import Batch, Item, export_batch, order_for
from bluescribe.archive.exporting.crew import LostError
from bluescribe.archive.exporting.part import PARTS, results_in
from bluescribe.errors import ConfigError
from bluescribe.sources import as_runs
from bluescribe.sources.documents import DocumentsSource
from tests.export.test_export import check_complete, make_journals, make_run


class Deadly(DocumentsSource):
    """Documents that end the process that reads them, as a fault in HDF5 may."""

    def documents(self, key):
        for number, document in enumerate(super().documents(key)):
            if number == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            yield document

    def __reduce__(self):
        return Deadly, (self._documents,)


@pytest.mark.ci  # a process for each death
def test_a_run_of_which_workers_die_is_given_up_and_the_others_are_written(tmp_path):
    formats = ["spec"]  # half of the run stands at the end of the file that the others go into
    runs = [list(make_run(number)) for number in range(1, 6)]
    given = [*runs[:2], Deadly(runs[2]), *runs[3:]]
    done = bluescribe.export(given, tmp_path, formats, executor="processes", jobs=1)
    (failure,) = done.failures
    assert failure.startswith("scan 3 (0000003), spec: 3 workers died as they wrote it")
    assert [run.events for run in done] == [3, 3, 0, 3, 3]
    again = bluescribe.export(runs, tmp_path, formats, resume=True)
    assert not again.failures
    assert [run.skipped for run in again] == [("spec",)] * 2 + [()] + [("spec",)] * 2
    check_complete(tmp_path, 5, formats=formats)
    assert not (tmp_path / PARTS).exists()


@pytest.mark.parametrize(
    ("executor", "jobs", "message"),
    [
        ("dusk://host:1", None, "allowed are local, processes and dask://HOST:PORT"),
        ("dask://", None, "allowed are local, processes and dask://HOST:PORT"),
        ("dask://host:1", 2, "a cluster has the workers that it has"),
        ("local", 2, "goes with processes"),
    ],
)
def test_what_nobody_can_carry_out_is_refused(tmp_path, executor, jobs, message):
    with pytest.raises(ConfigError, match=message):
        bluescribe.export([], tmp_path, ["csv"], executor=executor, jobs=jobs)


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'bluescribe\[dask\]'"):
        bluescribe.export([list(make_run(1))], tmp_path, ["csv"], executor="dask://127.0.0.1:1")


def test_a_scheduler_that_does_not_answer_is_told(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("bluescribe.archive.exporting.cluster._CONNECT_SECONDS", 0.2)
    with pytest.raises(SchedulerError, match="no scheduler of Dask answers at dask"):
        bluescribe.export([list(make_run(1))], tmp_path, ["csv"], executor="dask://127.0.0.1:1")
    assert [path.name for path in tmp_path.iterdir()] == [Manifest.name]


def test_a_cluster_that_grows_by_itself_writes_every_format(tmp_path):
    distributed = pytest.importorskip("distributed")
    make_journals(tmp_path / "src", 12)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        cluster.adapt(minimum=0, maximum=2, interval="100ms")
        done = bluescribe.export(
            tmp_path / "src", tmp_path / "out", ["csv", "nexus", "spec"], executor=client
        )
    assert not done.failures
    assert done.events == 36
    check_complete(tmp_path / "out", 12)


@pytest.fixture
def order(tmp_path):
    """Return what a worker of an export into this folder is told."""
    (tmp_path / PARTS).mkdir()
    (tmp_path / PARTS / "export-1").touch()
    return order_for(tmp_path, "export-1", 1)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"version": "0.0.9"}, "and this is 0.0.9: install the same on all"),
        ({"zone": ["JST", "JST", -32400]}, "Start workers with the same TZ"),
        ({"folder": "/nothing/here"}, "does not see /nothing/here as it is here"),
        ({"token": "export-2"}, "all workers need the same folder by the same path"),
    ],
)
def test_a_worker_that_is_not_like_this_process_writes_nothing(tmp_path, order, told, message):
    with pytest.raises(WorkerError, match=message):
        export_batch({**order, **told}, pickle.dumps(Batch((), (), {})))
    assert [path.name for path in (tmp_path / PARTS).iterdir()] == ["export-1"]


def test_a_worker_tells_what_it_cannot_read(order):
    with pytest.raises(WorkerError, match="need the packages, formats and catalogs"):
        export_batch(order, b"cnowhere\nnothing\n.")


def test_a_worker_that_ends_leaves_the_rest_of_its_batch_to_another_one(tmp_path, order):
    (tmp_path / PARTS / order["part"]).touch()
    runs = [as_runs(list(make_run(number)))[0] for number in (1, 2, 3)]
    items = tuple(Item(index, run, ("csv",)) for index, run in enumerate(runs))
    sent = pickle.dumps(Batch(tuple(configs_for(tmp_path, ["csv"], None, {})), items, {}))
    staying = iter([True, False])
    with pytest.raises(LostError):
        export_batch(order, sent, lambda: next(staying))
    assert len(list(tmp_path.glob("*.csv"))) == 1
    export_batch(order, sent)
    check_complete(tmp_path, 3, formats=["csv"])
    results = dict(results_in((tmp_path / PARTS / order["part"]).read_bytes()))
    assert [results[index].events for index in range(3)] == [3, 3, 3]


def test_a_batch_that_is_over_is_not_written_again(tmp_path, order):
    """Dask carries out again what a worker had finished that dies before anybody asks."""
    with pytest.raises(WorkerError, match="is over, and is not written again"):
        export_batch(order, pickle.dumps(Batch((), (), {})))


def test_workers_of_an_export_that_was_killed_are_waited_for(tmp_path):
    """A worker that was thought to be dead is not to write a run beside another one."""
    (tmp_path / PARTS).mkdir()
    token, part = (tmp_path / PARTS / name for name in ("export-1", "export-1-5"))
    token.touch()
    lines = [["worker", "ioc9", "77"], ["try", "a", "", 0], ["done", "a", "csv", {}]]
    part.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = Manifest(tmp_path)
    with part.open("r+b") as worker:
        fcntl.flock(worker, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="process 77 on ioc9 still writes a run"):
            gather(manifest, patience=0)
    assert not token.exists(), "it was not told to stop"
    gather(manifest, patience=0)
    manifest.close()
    assert Manifest(tmp_path).done == {("a", "csv"): {}}
    assert not (tmp_path / PARTS).exists()


def test_as_many_processes_as_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert Executor.of("processes", None).jobs == 3
    assert Executor.of("processes", 1).jobs == 1
    assert Executor.of(None, 1) == Executor.of("local", 1) == Executor.of(None, None)
