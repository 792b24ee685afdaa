"""Writers that keep nothing in a spool: what they cannot write is given up."""

from __future__ import annotations

from typing import TypeVar

from bluescribe import Writer
from bluescribe.spool import Spool

Any_ = TypeVar("Any_", bound=Writer)


def spoolless(writer: Any_) -> Any_:
    """Have a writer hold what it receives in memory only."""
    writer.follow(Spool())
    return writer
