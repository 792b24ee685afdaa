"""What is to be done when the process ends, or when nothing holds an object any more."""

from __future__ import annotations

import multiprocessing
import weakref
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Any

__all__ = ["at_the_end"]


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
    # A forked process of multiprocessing, such as the worker of bluesky-queueserver, leaves by
    # os._exit and runs these instead of atexit's functions. Those made last run first, too.
    if multiprocessing.parent_process() is not None:
        Finalize(owner, finalizer, exitpriority=0)
    return finalizer


def _finish(owner: weakref.ref[Any], finish: Callable[..., None], *args: Any) -> None:
    finish(owner() is None, *args)
