"""A courier when something comes at a bad moment, and an outbox on a bad disk."""

from __future__ import annotations

import logging
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import pytest

from bluescribe import Writers, subscribe_writers
from bluescribe.delivery.base import Refused
from bluescribe.errors import ConfigError
from tests import warm
from tests.core.baskets import put, wait
from tests.core.books import told


def test_what_is_hastened_while_it_is_looked_at_is_looked_at_again(basket):
    """The end of a run may come while a batch of it is sent."""
    b = basket()
    is_asked, may_answer = threading.Event(), threading.Event()

    def deliver(entry):
        b.tried += 1
        if b.tried > 1:
            return None
        is_asked.set()
        may_answer.wait(10)
        return 60.0

    b._courier._deliver = deliver
    put(b, 1)
    assert is_asked.wait(10)
    b._courier.hasten()
    may_answer.set()
    wait(lambda: b.status().delivered == 1)


def test_what_comes_to_its_end_at_closing_is_delivered(basket):
    b = basket()
    is_asked, may_answer = threading.Event(), threading.Event()

    def deliver(entry):
        b.tried += 1
        is_asked.set()
        may_answer.wait(10)
        return 60.0 if b.tried == 1 else None

    b._courier._deliver = deliver
    put(b, 1)
    assert is_asked.wait(10)
    threading.Timer(0.2, may_answer.set).start()
    b.close()
    assert b.status().delivered == 1


def test_closing_delivers_what_is_new_before_it_looks_at_what_is_under_way(basket, caplog):
    """Each look takes a server its time, and the end of a session waits for some seconds only."""
    b = basket()

    def deliver(entry):
        if entry.content["n"] == "new":
            b.got.append("new")
            return None
        time.sleep(0.01)
        return 60.0

    b._courier._deliver = deliver
    put(b, *range(40))
    wait(lambda: b.status().under_way == 40)
    put(b, "new")
    with caplog.at_level(logging.INFO):
        b.close(0.2)
    assert b.got == ["new"]
    assert told(caplog, logging.INFO)[-1] == "basket: 40 runs are under way"


def test_what_the_disk_refused_is_kept_whoever_delivers(basket, tmp_path):
    """Another process has the lock: the outbox takes what comes all the same."""
    folder, true = tmp_path / "outbox", tmp_path / "true"
    true.mkdir()
    folder.symlink_to(true)
    first, second = basket(), basket()
    put(first, 1)
    wait(lambda: first.status().delivered == 1)
    (tmp_path / "file").write_text("a file stands there")
    point(folder, tmp_path / "file")
    put(second, 2)
    assert second.status().waiting == 1
    point(folder, true)
    wait(lambda: first.got == [1, 2])
    assert not second.got


def point(link, target):
    """Have a link lead elsewhere, at once: threads that look at it find one place or the other."""
    new = link.with_name("new")
    new.symlink_to(target)
    new.replace(link)


def test_what_cannot_be_set_aside_is_told_once_and_tried_less_and_less_often(
    basket, tmp_path, caplog
):
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "refused").write_text("a file stands where a folder is needed")
    b = basket(*(Refused("no such place", "name another") for _ in range(100)))
    put(b, 1, 2)
    time.sleep(1.0)
    assert 3 <= b.tried <= 12, "pauses of 0.02, 0.04, 0.08 s and so on, for each of two"
    assert len(told(caplog)) == 1
    assert "look whether that folder can be written" in told(caplog)[0]
    (tmp_path / "outbox" / "refused").unlink()
    wait(lambda: b.status().refused == 2)


EXIT = """
    import sys, time
    from bluescribe.delivery.base import Delivery
    from bluescribe.delivery import base
    from bluescribe.delivery.settings import DeliverySettings

    class Hanging(Delivery):
        name = "hanging"
        settings_class = DeliverySettings

        def deliver(self, entry):
            time.sleep(60)

    base.CLOSE_SECONDS = 2.0
    deliveries = [Hanging(outbox=f"{sys.argv[1]}/{n}") for n in range(3)]
    for delivery in deliveries:
        delivery.put("a run", {})
    print(time.time())
"""


@pytest.mark.parametrize("ending", ["", "Writers({}, dict(enumerate(deliveries))).close()"])
def test_all_deliveries_together_hold_up_an_end_no_longer_than_one(tmp_path, ending):
    program = dedent(EXIT) + (f"from bluescribe import Writers\n{ending}" if ending else "")
    done = warm.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert 2.0 < time.time() - float(done.stdout) < 5.0
    assert len(list(Path(tmp_path).glob("*/*.json"))) == 3


def test_a_session_that_cannot_begin_leaves_nobody_to_deliver(basket, engine, monkeypatch):
    """Its settings are wrong, and the next one's are right: one of them has the outbox."""
    b = basket()

    def refuse(_):
        raise ConfigError("not with this RunEngine")

    writers = Writers({}, {"basket": b})
    monkeypatch.setattr(writers, "subscribe", refuse)
    monkeypatch.setattr("bluescribe.session.subscribe.make_writers", lambda _: writers)
    put(b, 1)
    wait(lambda: b.got == [1])
    with pytest.raises(ConfigError):
        subscribe_writers(engine, {})
    assert basket().outbox.lock()
