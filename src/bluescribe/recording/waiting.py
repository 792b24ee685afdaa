"""Wait until what several writers received is on disk, and warn of those that are not done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .writer import Writer

__all__ = ["wait_until_written"]

logger = logging.getLogger(__name__)


def wait_until_written(
    requests: Sequence[tuple[Writer, threading.Event]], timeout: float | None
) -> bool:
    """Wait for several writers at once; warn of those that are not done in time.

    Parameters
    ----------
    requests
        Writers and what `Writer.request_flush` gave for each.
    timeout
        Seconds for all of them together; None for as long as it takes.

    Returns
    -------
    bool
        Whether all are done.
    """
    timeout = None if timeout is None else min(timeout, threading.TIMEOUT_MAX)
    deadline = None if timeout is None else time.monotonic() + timeout
    late = [
        writer
        for writer, done in requests
        if not done.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    ]
    if late:
        logger.warning(
            "%s: not all is on disk after %.1f s; %d documents wait, and the writing goes on",
            ", ".join(writer.format for writer in late),
            timeout,
            max(writer.status().backlog for writer in late),
        )
    return not late
