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
    finish, args
        What is called, and with what.

    Returns
    -------
    weakref.finalize
        Calls it before that, or forgets it.
    """
    finalizer = weakref.finalize(owner, finish, *args)
    # A forked process of multiprocessing, such as the worker of bluesky-queueserver, leaves by
    # os._exit and runs these instead of atexit's functions. Those made last run first, too.
    if multiprocessing.parent_process() is not None:
        Finalize(owner, finalizer, exitpriority=0)
    return finalizer
