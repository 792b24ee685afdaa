"""Writers that take runs from a broker, and say that one is done when its files are closed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..recording.waiting import wait_until_written
from ..session.subscribe import make_writers
from ..session.writers import Writers
from ..sources.brokers import Broker, BrokerOptions, open_broker
from .health import Health
from .jobs import Jobs
from .service import tell_systemd
from .signals import ending_signals

__all__ = ["STOP_SECONDS", "listen_to_broker"]

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
"""Between a fault of the connection and the next try."""
_POLL_SECONDS = 0.1
_MOST_OPEN = 50
"""Runs that one listener has at the same time."""
STOP_SECONDS = 30.0
"""How long the end waits for the files of runs that are over."""
_LAG_SECONDS = 5.0
"""How often the broker is asked what waits there."""


def listen_to_broker(
    address: str,
    iconfig: str | Path | Mapping[str, Any] = "iconfig.yml",
    *,
    options: BrokerOptions | None = None,
    writers: Writers | None = None,
    ready: threading.Event | None = None,
    stop: threading.Event | None = None,
    health: Health | None = None,
    stop_seconds: float = STOP_SECONDS,
) -> Writers:
    """Write the runs that a broker keeps, until SIGINT or SIGTERM ends it.

    Several listeners of one group share the runs, each of which is written by one of them from its
    start to its stop. The broker forgets a run when its files are closed. The runs of a listener
    that dies go to another one, which puts its half files aside and writes them anew; what is
    written already is known by the run's uid.

    Parameters
    ----------
    address
        ``redis://host:6379/0``, ``nats://host:4222`` or ``kafka://host:9092``; ``rediss://``,
        ``tls://`` and ``kafkas://`` are encrypted.
    iconfig
        Path of ``iconfig.yml``, or its content.
    options
        Topic, group, and what goes to the client of the broker.
    writers
        In place of those that `iconfig` switches on.
    ready
        Is set when runs can come.
    stop
        Ends the listening when it is set.
    health
        Is told how it goes.
    stop_seconds
        How long the end waits for the files of runs that are over.

    Returns
    -------
    Writers
        The writers, closed. The files of runs that were still open are as far as they came; the
        next listener writes them anew.

    Raises
    ------
    ConfigError
        The configuration or the address is not allowed, or no writer is switched on.
    MissingExtraError
        The package of the broker is not installed.
    """
    chosen = options or BrokerOptions()
    broker = open_broker(address, chosen)
    writers = make_writers(iconfig) if writers is None else writers
    _check(writers, iconfig)
    stop, health = stop or threading.Event(), health or Health(address)
    health.watch(writers)
    jobs = Jobs(broker, list(writers), chosen, health)
    beating = threading.Thread(
        target=_beat, args=(broker, jobs, chosen.idle_seconds / 4, stop), daemon=True
    )
    with writers, ending_signals(stop):
        beating.start()
        _serve(address, jobs, ready, stop, health)
        health.is_stopping = True
        tell_systemd("STOPPING=1")
        wait_until_written([(w, w.request_flush()) for w in writers], stop_seconds)
        _end(address, jobs)
    broker.close()
    return writers


def _check(writers: Writers, iconfig: object) -> None:
    if not len(writers):
        raise ConfigError(f"no writer is switched on: set ENABLE: true in a block of {iconfig}")
    if writers.has_own_deliveries:
        raise ConfigError(
            "a listener of a broker does not deliver to TILED: switch it off in this iconfig.yml, "
            "and on in that of a session, or of a listener of its own with --zmq"
        )


def _serve(
    address: str,
    jobs: Jobs,
    ready: threading.Event | None,
    stop: threading.Event,
    health: Health,
) -> None:
    """Take runs and write them until `stop` is set."""
    is_away, asked = False, -_LAG_SECONDS
    while not stop.is_set():
        try:
            if time.monotonic() > asked + _LAG_SECONDS:
                asked = time.monotonic()
                health.lag = jobs.lag()
            jobs.take(_MOST_OPEN)
            jobs.receive(_POLL_SECONDS)
            jobs.settle()
        except OSError as error:
            if not is_away:
                logger.warning("%s: %s. It is tried again until the broker is back", address, error)
            is_away = True
            health.turn(str(error))
            stop.wait(_PAUSE_SECONDS)
        else:
            health.turn()
            if is_away:
                logger.warning("%s: the broker is back", address)
            is_away = False
            if ready is not None:
                ready.set()


def _end(address: str, jobs: Jobs) -> None:
    """Tell the broker of what is over, and leave the rest to others."""
    try:
        jobs.settle()
        if left := jobs.leave():
            logger.warning(
                "left open, with files as far as they came; the next listener writes anew: run %s",
                ", run ".join(left),
            )
    except OSError as error:
        logger.warning(
            "%s: %s. Runs whose files are closed will come again, and are known", address, error
        )


def _beat(broker: Broker, jobs: Jobs, seconds: float, stop: threading.Event) -> None:
    """Say from time to time that this listener lives."""
    while not stop.wait(seconds):
        try:
            lost = broker.beat()
        except Exception as error:  # the main thread tells of a broker that is away
            logger.debug("no sign of life can be given: %s", error)
            continue
        jobs.lose(lost)
