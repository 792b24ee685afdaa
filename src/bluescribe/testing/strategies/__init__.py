"""Generate runs that event-model holds valid, and runs that something has damaged.

Or valid ones in which a value stands that breaks whoever looks at it.
"""

from .damage import damage, damaged_runs
from .hostile import HOSTILE, hostile_values
from .hostile_runs import HostileRun, Place, hostile_runs
from .runs import runs, several_runs

__all__ = [
    "HOSTILE",
    "HostileRun",
    "Place",
    "damage",
    "damaged_runs",
    "hostile_runs",
    "hostile_values",
    "runs",
    "several_runs",
]
