"""Waits for files that are not there yet, or that their producer has not closed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .. import retry_policy
from ..model.run import Document, Run
from ..model.times import seconds_of
from ..retry_policy import Retries
from .images import GivenUpError, MissingError, NotReadyError

__all__ = ["Patience", "check_there", "raise_if_given_up", "seconds_left"]

T = TypeVar("T")


class Patience:
    """Waits for files: for all of them together, no longer than `timeout` from now.

    Parameters
    ----------
    timeout
        Seconds.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout

    def wait(self, check: Callable[[], T], give_up: threading.Event) -> T:
        """Wait until all frames of a field can be read; return what the look at them returned.

        Parameters
        ----------
        check
            Looks, and raises what is raised here: `NotReadyError` is waited for.
        give_up
            Ends the waiting when it is set.

        Raises
        ------
        NotReadyError
            They could not in time, or `give_up` was set.
        ImagesError
            They never will be.
        """
        retries = Retries()
        while True:
            try:
                return check()
            except NotReadyError as error:
                left = self._deadline - time.monotonic()
                if left <= 0 or give_up.is_set():
                    raise NotReadyError(f"{error}, after {self._timeout:.0f} s") from None
            give_up.wait(min(retries.fail(retry_policy.FOR_IMAGES), left))


def seconds_left(timeout: float, run: Run, stop: Document | None) -> float:
    """Return for how many seconds files are waited for after the stop document.

    Files of a run that was taken long ago will not come any more. After a run that ends just now
    all of `timeout` is left, whatever the clock of the machine that took it says.
    """
    if run.is_live(stop):
        return timeout
    ended = seconds_of((stop or {}).get("time"))
    if math.isnan(ended):
        return timeout
    return min(timeout, max(0.0, timeout - (time.time() - ended)))


def check_there(path: Path) -> None:
    """Raise if a file is not there.

    Raises
    ------
    MissingError
        It is not there.
    NotReadyError
        It is out of reach.
    """
    try:
        path.stat()
    except FileNotFoundError:
        raise MissingError(f"{path} is not there") from None
    except (OSError, ValueError) as error:
        raise NotReadyError(f"{path} is out of reach: {error}") from None


def raise_if_given_up(give_up: threading.Event) -> None:
    """Raise if `give_up` is set.

    Raises
    ------
    GivenUpError
        It is not.
    """
    if give_up.is_set():
        raise GivenUpError
