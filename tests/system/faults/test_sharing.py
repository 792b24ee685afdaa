"""Others on the same files and folder: a forked child, another program, readers that hold on."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import pytest

from tests.contracts import CONTRACTS
from tests.system.faults.test_disks import check_all, long_scan, session

pytestmark = pytest.mark.timeout(120)


def test_a_fork_in_mid_run_leaves_the_files_to_the_parent(tmp_path):
    ends = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            time.sleep(0.2)  # in a copy of all that the parent has, threads apart
            os._exit(0)
        ends.append(os.waitpid(child, 0)[1])

    with session(tmp_path, retry_seconds=5) as (engine, writers, documents):
        engine(long_scan({3: fork, 8: fork}, points=12))
        failures = {name: status.failures for name, status in writers.status().items()}
    assert ends == [0, 0]
    assert failures == dict.fromkeys(failures, ())
    check_all(tmp_path, documents)


def test_a_forked_child_that_ends_as_programs_do_writes_nothing(tmp_path):
    def fork() -> None:
        child = os.fork()
        if child == 0:
            try:
                raise SystemExit
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    with session(tmp_path, retry_seconds=5) as (engine, _, documents):
        engine(long_scan({5: fork}, points=10))
    check_all(tmp_path, documents)


def measure(folder: Path, runs: int, told: Any) -> None:
    with session(folder, retry_seconds=5) as (engine, writers, documents):
        for _ in range(runs):
            engine(long_scan({}, points=10))
        failures = [str(f) for status in writers.status().values() for f in status.failures]
    told.put(json.dumps([failures, [doc["uid"] for name, doc in documents if name == "start"]]))


@pytest.mark.ci
def test_two_programs_write_into_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    programs = [context.Process(target=measure, args=(tmp_path, 3, told)) for _ in range(2)]
    for program in programs:
        program.start()
    answers = [json.loads(told.get(timeout=100)) for _ in programs]
    for program in programs:
        program.join()
    assert [failures for failures, _ in answers] == [[], []]
    uids = sorted(uid for _, found in answers for uid in found)
    assert len(uids) == 6
    for contract in (kind() for kind in CONTRACTS.values()):
        runs = contract.read_back(tmp_path)
        assert sorted(run.uid for run in runs) == uids, contract
        assert {len(run.seq_num["primary"]) for run in runs} == {10}, contract


def test_readers_in_this_process_that_hold_the_files_stop_nobody(tmp_path):
    held: list[h5py.File] = []
    with ExitStack() as readers, session(tmp_path, retry_seconds=5) as (engine, writers, documents):

        def hold() -> None:
            writers.flush(30)
            for path in tmp_path.iterdir():
                if path.suffix == ".hdf":
                    file = h5py.File(path, "r", swmr=True, locking=False)
                    readers.enter_context(file)
                    held.append(file)
                    file["/entry/instrument/bluesky/uid"][()]
                else:
                    readers.enter_context(path.open("rb")).read(10)

        engine(long_scan({5: hold, 9: hold}, points=15))
        assert len(held) == 2
        assert not any(held)  # closed by the writer: the next read is an error and not a crash
        engine(long_scan({2: hold}, points=5))
        failures = {name: status.failures for name, status in writers.status().items()}
    assert failures == dict.fromkeys(failures, ())
    check_all(tmp_path, documents)
