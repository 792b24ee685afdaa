"""Formats that open HDF5 are written by a process of their own: HDF5 can end its process.

`RemoteRecorder` takes the place of a writer's router in the session. It hands on what came to a
child process (`child`), in which `serving` has a `Worker` give it to a router. What the child has
to tell comes back as data (`serialized`), on a channel of its own (`events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import names_of
from .possible import is_safe_in_a_process, why_not

if TYPE_CHECKING:
    from .remote import RemoteRecorder
    from .worker import Worker

__all__ = [
    "RemoteRecorder",
    "Worker",
    "is_safe_in_a_process",
    "why_not",
]

__getattr__ = names_of(__name__, {"RemoteRecorder": "remote", "Worker": "worker"})
