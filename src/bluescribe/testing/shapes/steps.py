"""Step scans along a line, a curve or no motor at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plans as bp
from ophyd.sim import DetWithConf, SynAxisEmptyHints, SynAxisNoHints

from .devices import Panel, Scripted, gauss, motor
from .engine import play
from .registry import Documents, shape


@shape()
def count(folder: Path) -> Documents:
    """Count five times with no motor."""
    return play(bp.count([gauss(motor())], num=5))


@shape()
def count_one_point(folder: Path) -> Documents:
    """Count once with no motor."""
    return play(bp.count([gauss(motor())], num=1))


@shape()
def scan(folder: Path) -> Documents:
    """Move one motor over five points."""
    m1 = motor()
    return play(bp.scan([gauss(m1)], m1, -1, 1, 5))


@shape()
def scan_one_point(folder: Path) -> Documents:
    """Move one motor to a single point."""
    m1 = motor()
    return play(bp.scan([gauss(m1)], m1, 0.5, 0.5, 1))


@shape()
def scan_two_motors(folder: Path) -> Documents:
    """Move two motors together along a line: one dimension with two fields."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.scan([gauss(m1)], m1, -1, 1, m2, 10, 20, 5))


@shape()
def rel_scan(folder: Path) -> Documents:
    """Move one motor relative to where it is and put it back."""
    m1 = motor(value=3)
    return play(bp.rel_scan([gauss(m1)], m1, -1, 1, 5))


@shape()
def list_scan(folder: Path) -> Documents:
    """Move one motor over a list of uneven points, one of them twice, not in order."""
    m1 = motor()
    positions: Any = [0.1, 0.2, 0.7, 0.2, -1.0]
    return play(bp.list_scan([gauss(m1)], m1, positions))


@shape()
def log_scan(folder: Path) -> Documents:
    """Move one motor over logarithmic steps."""
    m1 = motor()
    return play(bp.log_scan([gauss(m1)], m1, -2, 2, 5))


@shape()
def spiral(folder: Path) -> Documents:
    """Scatter points over the plane: two dimensions that are no grid."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.spiral([gauss(m1)], m1, m2, 0, 0, 1.5, 1.5, 0.6, 6))


@shape()
def adaptive_scan(folder: Path) -> Documents:
    """Choose each step from the last reading: the number of points is not known beforehand."""
    m1 = motor()
    return play(bp.adaptive_scan([gauss(m1)], "det", m1, -2, 2, 0.2, 1, 0.2, backstep=True))


@shape()
def scan_without_detectors(folder: Path) -> Documents:
    """Move a motor and read nothing else."""
    m1 = motor()
    return play(bp.scan([], m1, 0, 1, 3))


@shape()
def two_detectors(folder: Path) -> Documents:
    """Read two detectors, one of which hints some of its fields only."""
    m1 = motor()
    return play(bp.scan([gauss(m1), DetWithConf(name="quad")], m1, -1, 1, 4))


@shape()
def motor_with_empty_hints(folder: Path) -> Documents:
    """Move a motor whose hints are an empty dictionary."""
    axis = SynAxisEmptyHints(name="axis")
    return play(bp.scan([gauss(motor("m1"))], axis, 0, 1, 3))


@shape()
def motor_not_read(folder: Path) -> Documents:
    """Move a motor without hints whose position is not among the data."""
    axis = SynAxisNoHints(name="axis")
    return play(bp.scan([gauss(motor("m1"))], axis, 0, 1, 3))


@shape()
def many_events(folder: Path) -> Documents:
    """Take three hundred events."""
    return play(bp.count([Scripted("counter", range(300))], num=300))


@shape()
def wide(folder: Path) -> Documents:
    """Read two hundred and fifty signals of mixed types an event, from ten devices."""
    kinds = ([1, 2, 3], [0.5, 1.5, 2.5], ["a", "bb", "ccc"], [True, False, True], [-1, 2, 2**40])
    panels = [
        Panel(f"panel_{p}", {f"panel_{p}_{i:02d}": kinds[i % 5] for i in range(25)})
        for p in range(10)
    ]
    return play(bp.count(panels, num=3))
