"""Names of objects inside an HDF5 file, as HDF5 and as NeXus allow them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

__all__ = ["label", "nexus_name", "nexus_names", "unique_name"]

_NOT_NEXUS = re.compile(r"[^A-Za-z0-9_]")
_NOT_HDF5 = re.compile(r"[/\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s+|\s+$|^\.+|\.+$")


def label(name: str, units: str) -> str:
    """Return what a plot says at an axis, for ``@long_name``: readers add no unit to that."""
    return f"{name} ({units})" if units else name


def nexus_name(name: str, taken: Collection[str]) -> str:
    """Return `name` as NeXus allows it: letters, digits and ``_``, no digit first.

    Under ``/entry/instrument/bluesky`` names stay as Bluesky has them.
    """
    allowed = _NOT_NEXUS.sub("_", name)
    if allowed.startswith("__"):
        allowed = allowed.lstrip("_") or "field"
    return unique_name(f"_{allowed}" if allowed[:1].isdigit() else allowed, taken)


def nexus_names(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Return what each name is called beside the others, and beside those that are taken."""
    beside, found = {*taken}, {}
    for name in names:
        found[name] = nexus_name(name, beside)
        beside.add(found[name])
    return found


def unique_name(name: str, taken: Collection[str]) -> str:
    """Return `name` as an object of a group may be called; another one if it is taken.

    HDF5 refuses a slash, a NUL and lone dots; readers stumble over control characters and blanks
    at the ends.
    """
    allowed = _NOT_HDF5.sub("_", name.encode("utf-8", "replace").decode()) or "_"
    if allowed in taken:
        allowed += "_field"
    number = 2
    unique = allowed
    while unique in taken:
        unique, number = f"{allowed}_{number}", number + 1
    return unique
