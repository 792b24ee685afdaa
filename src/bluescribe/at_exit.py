"""What is to be done when the process ends, or when nothing holds an object any more."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Any

from .later import IMPORTING

__all__ = ["at_the_end", "begin_thread", "stop_at_the_end"]

logger = logging.getLogger(__name__)

_SECONDS = 5.0
"""How long the end waits for a thread: it may be inside HDF5, or wait for a dead file server."""

_ours: list[weakref.finalize[..., Any]] = []
"""Those that may be called yet; the last one goes first."""
_TAKES_BACK = "h5py"
"""It has at the end taken back what writers need."""


def at_the_end(owner: Any, finish: Callable[..., None], *args: Any) -> weakref.finalize[..., Any]:
    """Have `finish` called once, when `owner` is gone or the interpreter ends.

    Parameters
    ----------
    owner
        What must not be held by `finish` and `args`.
    finish
        Is called with whether `owner` is gone, and `args`. Then it must not wait: it is called
        where somebody says ``del``, or by a garbage collection, on any thread.

    Returns
    -------
    weakref.finalize
        Calls it before that, or forgets it.
    """
    finalizer = weakref.finalize(owner, _finish, weakref.ref(owner), finish, *args)
    _ours.append(finalizer)
    for gone in [one for one in tuple(_ours) if not one.alive]:
        with suppress(ValueError):  # a garbage collection comes here as well
            _ours.remove(gone)
    IMPORTING.then()
    # A forked process of multiprocessing, such as the worker of bluesky-queueserver, leaves by
    # os._exit and runs these instead of atexit's functions. Those made last run first, too.
    if multiprocessing.parent_process() is not None:
        Finalize(owner, finalizer, exitpriority=0)
    return finalizer


def begin_thread(name: str, target: Callable[..., None], *args: Any) -> threading.Thread:
    """Begin a daemon thread that the end of the program has stop, and waits for.

    Parameters
    ----------
    name
        Of the thread.
    target
        Is called with an event that is set at the end, and `args`.
    """
    stop = threading.Event()
    thread = threading.Thread(target=target, args=(stop, *args), name=name, daemon=True)
    stop_at_the_end(thread, stop, _SECONDS)
    thread.start()
    return thread


def stop_at_the_end(
    thread: threading.Thread, stop: threading.Event, seconds: float
) -> weakref.finalize[..., Any]:
    """Have a thread stop when the interpreter ends, and wait for it so long at the most."""
    return at_the_end(thread, _stop, stop, weakref.ref(thread), seconds)


def _stop(
    is_over: bool, stop: threading.Event, thread: weakref.ref[threading.Thread], seconds: float
) -> None:
    stop.set()
    running = None if is_over else thread()
    if running is not None and running is not threading.current_thread():
        running.join(seconds)


def _come_first() -> None:
    """Have what is registered here be called before h5py's end, once h5py is there.

    Functions of atexit are called in the reverse order of their registration. h5py, imported after
    a writer was made, would take away how values are converted while that writer has some to write,
    and while another thread is inside HDF5, which does not survive it. Without h5py all that users
    have registered, which may end a run, is called before our end.
    """
    if _TAKES_BACK in sys.modules:
        IMPORTING.then = bool
        atexit.register(_finish_all)


def _finish_all() -> None:
    IMPORTING.let_go()  # what is imported from here on comes to its end after this
    while _ours:  # one may be made while others end
        try:
            _ours.pop()()
        except Exception:
            logger.exception("a fault inside bluescribe; please report it")


def _finish(owner: weakref.ref[Any], finish: Callable[..., None], *args: Any) -> None:
    IMPORTING.let_go()
    finish(owner() is None, *args)


IMPORTING.then = _come_first
# The only call that comes before the functions of atexit: h5py may be about to be imported.
getattr(threading, "_register_atexit", bool)(IMPORTING.hold)
