"""Names that are awkward in some format: of fields, devices and streams."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp

from ..words import AWKWARD, COLLIDING, FORBIDDEN, RESERVED, UNPRINTABLE
from .devices import Panel, Scripted, gauss, motor
from .engine import Plan, play
from .registry import Documents, shape


def _signals(names: Iterable[str]) -> list[Scripted]:
    """Make a signal a name, each with values of its own."""
    return [Scripted(name, [i, i + 0.5]) for i, name in enumerate(names)]


@shape()
def names_awkward(folder: Path) -> Documents:
    """Name fields and devices with blanks, quotes, punctuation, other scripts and great length."""
    return play(bp.count(_signals(AWKWARD), num=2))


@shape()
def names_unprintable(folder: Path) -> Documents:
    """Name fields with line ends, control characters, a lone surrogate or a blank alone."""
    return play(bp.count([Panel("panel", {key: [1, 2] for key in UNPRINTABLE})], num=2))


@shape(valid=False, altered="event-model 1.24 refuses these names, other sources need not")
def names_forbidden(folder: Path) -> Documents:
    """Name fields with slashes, with dots, and with nothing at all."""
    played = play(bp.count(_signals("abcdefg"), num=2))
    return _renamed(played, dict(zip("abcdefg", FORBIDDEN, strict=True)))


def _renamed(played: Documents, names: dict[str, str]) -> Documents:
    """Rename fields, and the devices that are called like them."""

    def rename(part: Any) -> Any:
        if isinstance(part, dict):
            return {names.get(key, key): rename(value) for key, value in part.items()}
        if isinstance(part, list):
            return [rename(item) for item in part]
        return names.get(part, part) if isinstance(part, str) else part

    return [(name, rename(doc) if name in ("descriptor", "event") else doc) for name, doc in played]


@shape()
def names_reserved(folder: Path) -> Documents:
    """Name fields like the columns that formats add of their own: time, seq_num, uid, EPOCH..."""
    return play(bp.count(_signals(RESERVED), num=2))


@shape()
def names_colliding(folder: Path) -> Documents:
    """Name fields so that they become equal when they are cleaned, folded or normalised."""
    return play(bp.count(_signals(COLLIDING), num=2))


@shape()
def names_of_devices(folder: Path) -> Documents:
    """Name devices awkwardly while their fields are plain, and move a motor that is one of them."""
    m1 = motor("motor: 'x' [mm], 50%")
    panels = [Panel(name, {f"field_{i}": [i, i + 1]}) for i, name in enumerate(COLLIDING)]
    return play(bp.scan([*panels, gauss(m1)], m1, 0, 1, 2))


@shape()
def names_of_arrays(folder: Path) -> Documents:
    """Name array fields so that a file made for each of them would have an awkward name."""
    names = ["tra\\ce", "tra ce", "tra:ce", "tra_ce", "TRACE", "trace", "x" * 250]
    return play(bp.count([Panel("panel", {name: [[1, 2], [3, 4]] for name in names})], num=2))


def _streams(names: Iterable[str]) -> Plan:
    """Take one point in each of the streams."""
    yield from bps.open_run({"plan_name": "streams"})
    for i, name in enumerate(names):
        yield from bps.trigger_and_read([Scripted("det", [i])], name=name)
    yield from bps.close_run()


@shape()
def streams_awkward(folder: Path) -> Documents:
    """Name streams with slashes, dots, quotes, other scripts, great length and nothing at all."""
    return play(_streams([*AWKWARD, *FORBIDDEN, *UNPRINTABLE]))


@shape()
def streams_reserved(folder: Path) -> Documents:
    """Name streams like documents, and like the parts of files that are not streams."""
    return play(_streams(["start", "stop", "metadata", "streams", "data", "primary", "Primary"]))
