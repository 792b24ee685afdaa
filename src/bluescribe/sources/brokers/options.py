"""What is chosen for a broker, whichever it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import uuid4

__all__ = ["BrokerOptions"]


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"


@dataclass(frozen=True)
class BrokerOptions:
    """What is chosen for a broker.

    Parameters
    ----------
    topic
        Under which name the runs of an instrument lie.
    group
        Listeners of one group share the runs; each group gets all of them.
    name
        Of this listener in its group; no other one may have it.
    idle_seconds
        After how long without a sign of life the runs of a listener go to another one.
    unstopped_seconds
        After how long without a document a run counts as one that gets no stop any more, so that
        its files are closed; None for never.
    part_bytes
        The largest part of a document: larger ones travel in several.
    client
        Passed to the client of the broker as it is: TLS, users, passwords.
    """

    topic: str = "bluescribe"
    group: str = "bluescribe"
    name: str = field(default_factory=_own_name)
    idle_seconds: float = 30.0
    unstopped_seconds: float | None = None
    part_bytes: int = 500_000
    client: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
