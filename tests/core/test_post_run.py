"""What is done when a run's file is complete."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bluescribe.contract.post_run import Shortfall, Work
from bluescribe.recording import post_run as module
from bluescribe.recording.account import Account
from bluescribe.recording.post_run import PostRunJobs


def after(wait: Callable[[threading.Event], Any], then: Callable[[], Any] = list) -> Work:
    """Return work that waits for something."""

    def work(give_up: threading.Event) -> list[Shortfall]:
        wait(give_up)
        then()
        return []

    return work


def test_work_is_done_in_order_on_one_thread_and_named_until_it_is_done():
    account, done = Account("book"), []
    jobs, begin = PostRunJobs(account), threading.Event()
    for number in range(3):

        def work(_give_up, number=number):
            begin.wait()
            done.append((number, threading.current_thread().name))
            return []

        jobs.add("run", Path(f"{number}.h5"), work)
    assert account.status(Path(), 0).copying == (Path("0.h5"), Path("1.h5"), Path("2.h5"))
    begin.set()
    jobs.close(None)
    assert done == [(n, "bluescribe-book-later") for n in range(3)]
    assert not account.copying


def test_what_could_not_be_done_is_told_and_aborts_nothing(caplog):
    account = Account("book")
    jobs = PostRunJobs(account)
    jobs.add("run a", Path("a.h5"), lambda _give_up: [Shortfall("no images", "find them")])
    jobs.close(None)
    (failure,) = account.failures
    assert (failure.cause, failure.remedy, failure.path) == ("no images", "find them", Path("a.h5"))
    assert not account.unraised
    assert "book: run a, a.h5: no images. Remedy: find them." in caplog.text


def test_who_waits_is_told_for_what(caplog, monkeypatch):
    monkeypatch.setattr(module, "_TELL_SECONDS", 0.05)
    jobs = PostRunJobs(Account("book"))
    jobs.add("run", Path("a.h5"), after(lambda _: time.sleep(0.3)))
    jobs.close(None)
    assert "images are still being copied into a.h5" in caplog.text


def test_waiting_may_be_bounded(caplog):
    caplog.set_level(logging.WARNING)
    account = Account("book")
    jobs = PostRunJobs(account)
    for name in ("a.h5", "b.h5"):
        jobs.add("run", Path(name), after(lambda give_up: give_up.wait(60)))
    began = time.monotonic()
    jobs.close(0.1)
    assert time.monotonic() - began < 10
    assert "still link them: a.h5, b.h5" in caplog.text


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_closing_twice_or_without_work_is_quick(timeout):
    jobs = PostRunJobs(Account("book"))
    jobs.close(timeout)
    jobs.close(timeout)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # it is what is tested
def test_a_forked_child_leaves_the_work_to_its_parent():
    done = []
    jobs = PostRunJobs(Account("book"))
    hold = threading.Event()
    jobs.add("run", Path("a.h5"), after(lambda _: hold.wait(), lambda: done.append(1)))
    child = os.fork()
    if child == 0:
        jobs.close(None)
        os._exit(len(done))
    assert os.waitpid(child, 0)[1] == 0
    hold.set()
    jobs.close(None)
    assert done == [1]


@pytest.mark.parametrize("is_given_up", [True, False])
def test_what_could_not_be_done_is_told_also_when_the_rest_is_given_up(is_given_up, caplog):
    account, heard = Account("book"), []
    jobs, begun = PostRunJobs(account), threading.Event()

    def work(give_up):
        begun.set()
        if is_given_up:
            give_up.wait(60)
        return [Shortfall("no images", "find them")]

    def then(failures, *, is_owed):
        heard.append(([failure.cause for failure in failures], is_owed))

    jobs.add("run", Path("a.h5"), work, then)
    assert begun.wait(60)
    jobs.close(0.05 if is_given_up else None)
    assert heard == [(["no images"], False)]
    assert [failure.cause for failure in account.failures] == ["no images"]
    assert "no images" in caplog.text
    jobs.add("late", Path("b.h5"), work, then)
    assert heard[1:] == [([], False)], "what comes too late is told of, too"
