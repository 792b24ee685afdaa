"""Generate runs that event-model holds valid, and runs that something has damaged."""

from .damage import damage, damaged_runs
from .runs import runs, several_runs

__all__ = ["damage", "damaged_runs", "runs", "several_runs"]
