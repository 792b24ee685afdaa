"""Writers in a process of their own: documents come over 0MQ from a bluesky proxy."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .extras import import_extra
from .subscribe import Writers, make_writers

__all__ = ["listen"]

logger = logging.getLogger(__name__)

_PORTS = 65_536
_PAUSE_SECONDS = 1.0
"""Between a fault of the connection and the next try."""


def listen(
    address: str,
    iconfig: str | Path | Mapping[str, Any] = "iconfig.yml",
    *,
    prefix: str = "",
    writers: Writers | None = None,
    ready: threading.Event | None = None,
    stop: threading.Event | None = None,
) -> Writers:
    """Write what a bluesky proxy sends, until SIGINT or SIGTERM ends it.

    The connection comes back by itself when the proxy was restarted. Documents that were sent
    meanwhile are lost to every subscriber: 0MQ does not keep them.

    Parameters
    ----------
    address
        ``host:port`` on which the proxy sends, its out address.
    iconfig
        Path of ``iconfig.yml``, or its content.
    prefix
        Of the publishers to listen to; empty for all that have none.
    writers
        In place of those that `iconfig` switches on.
    ready
        Is set when the socket has been made.
    stop
        Ends the listening when it is set.

    Returns
    -------
    Writers
        The writers, closed: every file is complete as far as its documents came.

    Raises
    ------
    ConfigError
        The configuration or the address is not allowed, or no writer is switched on.
    """
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not (host and port.isdigit() and 0 < int(port) < _PORTS):
        raise ConfigError(f"{address!r}: write host:port, such as localhost:5578")
    import_extra("zmq", "zmq", "listening")
    if writers is None:
        writers = make_writers(iconfig)
    if writers.are_idle:
        raise ConfigError(f"no writer is switched on: set ENABLE: true in a block of {iconfig}")
    stop = stop or threading.Event()
    with writers, _signals(stop):
        while not stop.is_set():
            try:
                _receive(f"{host}:{port}", prefix.encode(), writers, ready, stop)
            except Exception:  # of the connection, or a message that nobody can decode
                logger.exception("listening at %s failed; trying again", address)
                stop.wait(_PAUSE_SECONDS)
    return writers


def _receive(
    address: str,
    prefix: bytes,
    writers: Writers,
    ready: threading.Event | None,
    stop: threading.Event,
) -> None:
    """Receive documents until `stop` is set."""
    zmq = import_extra("bluesky.callbacks.zmq", "zmq", "listening")
    loop = asyncio.new_event_loop()
    dispatcher = zmq.RemoteDispatcher(address, prefix=prefix, loop=loop)
    # nothing is waited for: 0MQ drops what comes while nobody takes it
    dispatcher.subscribe(writers.post)
    over = threading.Event()
    watcher = threading.Thread(target=_stop_when_asked, args=(stop, over, loop), daemon=True)
    watcher.start()
    if ready is not None:
        loop.call_soon(ready.set)
    try:
        with suppress(asyncio.CancelledError):
            dispatcher.start()
    finally:
        over.set()
        watcher.join()


def _stop_when_asked(
    stop: threading.Event, over: threading.Event, loop: asyncio.AbstractEventLoop
) -> None:
    while not over.is_set():
        if stop.wait(0.1):
            with suppress(RuntimeError):  # the loop ended just now
                loop.call_soon_threadsafe(_cancel_all, loop)
            return


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """End what a dispatcher does: its own ``stop`` closes the loop in which it is called."""
    for task in asyncio.all_tasks(loop):
        task.cancel()


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Have SIGINT and SIGTERM set an event, where this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
