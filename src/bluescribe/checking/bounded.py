"""What is asked of servers, which may never answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["within"]

_Answer = TypeVar("_Answer")


def within(
    seconds: float, ask: Callable[[], _Answer], heed: Callable[[], None] = lambda: None
) -> _Answer:
    """Return an answer, or raise what asking raises.

    Parameters
    ----------
    seconds
        How long is waited at the most.
    ask
        Asks.
    heed
        Is called now and then meanwhile; it may raise.

    Raises
    ------
    TimeoutError
        There is none in that time. The thread that waits for it does not keep a program alive.
    """
    answers: list[_Answer] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="bluescribe-check", daemon=True)
    thread.start()
    deadline = time.monotonic() + seconds
    while thread.is_alive() and time.monotonic() < deadline:
        thread.join(min(0.1, seconds))
        heed()
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    return answers[0]
