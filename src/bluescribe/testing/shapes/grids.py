"""Grid scans, whole and broken off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp

from .devices import gauss, motor
from .engine import Plan, play, play_interrupted
from .registry import Documents, shape


@shape()
def grid_scan(folder: Path) -> Documents:
    """Scan a grid of 3 by 4 points, each row in the same direction."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.grid_scan([gauss(m1)], m1, -1, 1, 3, m2, 10, 20, 4, snake_axes=False))


@shape()
def grid_scan_snaked(folder: Path) -> Documents:
    """Scan a grid of 3 by 4 points, every second row backwards."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.grid_scan([gauss(m1)], m1, -1, 1, 3, m2, 10, 20, 4, snake_axes=True))


@shape()
def grid_scan_three_axes(folder: Path) -> Documents:
    """Scan a grid of 2 by 3 by 4 points, of which only the fastest axis is snaked."""
    m1, m2, m3 = motor("m1"), motor("m2"), motor("m3")
    axes = (m1, 0, 1, 2, m2, 0, 1, 3, m3, 0, 1, 4)
    return play(bp.grid_scan([gauss(m1)], *axes, snake_axes=[m3]))


@shape()
def grid_scan_one_row(folder: Path) -> Documents:
    """Scan a grid of a single row."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.grid_scan([gauss(m1)], m1, 0, 0, 1, m2, 10, 20, 4))


@shape()
def rel_grid_scan(folder: Path) -> Documents:
    """Scan a grid relative to where the motors are."""
    m1, m2 = motor("m1", value=5), motor("m2", value=-5)
    return play(bp.rel_grid_scan([gauss(m1)], m1, -1, 1, 2, m2, -1, 1, 3))


@shape()
def list_grid_scan(folder: Path) -> Documents:
    """Scan a grid of uneven steps: no extents in the start document."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.list_grid_scan([gauss(m1)], m1, [0, 1, 5], m2, [2, 3], snake_axes=True))


@shape()
def grid_scan_aborted(folder: Path) -> Documents:
    """Abort a grid of 3 by 4 points after its sixth."""
    m1, m2 = motor("m1"), motor("m2")
    done = 0

    # The RunEngine's plans insist on these very parameter names.
    def six_points(detectors: Any, step: Any, pos_cache: Any) -> Plan:
        nonlocal done
        if done == 6:
            yield from bps.pause()
        done += 1
        yield from bps.one_nd_step(detectors, step, pos_cache)

    per_step: Any = six_points  # the annotation asks for a parameter more than the check does
    plan = bp.grid_scan([gauss(m1)], m1, -1, 1, 3, m2, 10, 20, 4, per_step=per_step)
    return play_interrupted(plan, "abort")
