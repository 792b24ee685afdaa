"""Names of objects inside a NeXus file."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["nexus_name", "unique_name"]

_NOT_NEXUS = re.compile(r"[^A-Za-z0-9_.]|^\.+|\.+$")


def nexus_name(name: str, taken: Collection[str]) -> str:
    """Return `name` as NeXus allows it: letters, digits, ``_``, and dots inside.

    Under ``/entry/instrument/bluesky`` names stay as Bluesky has them.
    """
    return unique_name(_NOT_NEXUS.sub("_", name), taken)


def unique_name(name: str, taken: Collection[str]) -> str:
    """Return `name` as an object of a group may be called; another one if it is taken.

    HDF5 allows everything but a slash, a NUL and a lone dot.
    """
    allowed = name.replace("/", "_").replace("\0", "_") or "_"
    allowed = allowed.encode("utf-8", "replace").decode()
    if allowed.strip(".") == "":
        allowed = allowed.replace(".", "_")
    if allowed in taken:
        allowed += "_field"
    number = 2
    unique = allowed
    while unique in taken:
        unique, number = f"{allowed}_{number}", number + 1
    return unique
