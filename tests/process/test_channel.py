"""What is sent comes as it was, and an end is known for one."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.contract.report import RunReport
from bluescribe.recording.account import Account
from bluescribe.recording.process.channel import Channel
from bluescribe.recording.process.session import Session
from tests.spool.same import same

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture
def ends():
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.release()
    other.release()


@given(st.lists(PLAIN))
def test_what_is_sent_comes_as_it_was(message):
    one, other = map(Channel, socket.socketpair())
    with one, other:
        one.send(*message)
        assert same(other.receive(1.0), tuple(message))


def test_more_than_the_system_takes_at_once(ends):
    one, other = ends
    images = [np.arange(3_000_000, dtype=np.uint16), np.zeros((2, 0)), np.float32(2.5)]
    sender = threading.Thread(target=one.send, args=("images", images))
    sender.start()
    name, found = other.receive(10.0)
    sender.join()
    assert name == "images"
    assert same(found, images)


def test_nothing_comes_in_time(ends):
    with pytest.raises(TimeoutError):
        ends[0].receive(0.01)


def test_the_other_end_is_gone(ends):
    one, other = ends
    other.release()
    with pytest.raises(EOFError):
        one.receive()
    with pytest.raises(EOFError):
        one.send("x", bytes(10_000_000))


def test_one_that_ends_in_the_middle_of_a_message(ends):
    one, other = ends
    os.write(one._fd, b"\x01\x00\x00\x00\xff\x00")
    one.release()
    with pytest.raises(EOFError):
        other.receive()


def test_a_process_whose_session_has_died_says_nothing(ends):
    one, other = ends
    account = Account("nexus")
    session = Session(one, account)
    other.release()
    assert session.keeps("uid"), "the next session has the spool"
    session.settle()
    account.report(RunReport("nexus", {"uid": "uid"}))
    assert not account.told.is_new("a")


def test_a_process_whose_session_has_died_ends_where_it_would_make_a_file():
    """Nobody would find it, and the file that it belongs to would seem to be whole without it."""
    child = os.fork()
    if not child:
        one, other = map(Channel, socket.socketpair())
        account = Account("nexus")
        Session(one, account)
        other.release()
        account.note_file("uid", Path("/data/file.hdf"))
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_child_keeps_nothing_open(ends):
    """Or the other process would not see that the parent has died."""
    one, other = ends
    child = os.fork()
    if not child:
        signal_to_end = threading.Event()
        signal_to_end.wait(20)
        os._exit(0)
    try:
        one.release()
        with pytest.raises(EOFError):
            other.receive(10.0)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
