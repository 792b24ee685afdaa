"""Formats that open HDF5 are written by a process of their own: HDF5 can end its process.

`Remote` takes the place of a writer's router in the session. It hands on what came to a child
process (`child`), in which `serving` gives it to a router. What the child has to tell comes back
as data (`accounts`), on a channel of its own.
"""

from __future__ import annotations

from .hands import Hands
from .possible import is_safe_in_a_process, why_not
from .remote import Remote

__all__ = [
    "Hands",
    "Remote",
    "is_safe_in_a_process",
    "why_not",
]
