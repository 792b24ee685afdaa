"""Startup file of bluesky-queueserver: the runs of all plans in the queue are written to files.

Copy this file into the startup folder, and iconfig.yml (from the top of bluescribe's repository)
beside it.
"""

from pathlib import Path

from bluesky import RunEngine
from bluesky.plans import count, grid_scan, scan

# Simulated. Import the devices of your instrument here.
from ophyd.sim import det, motor, motor1, motor2

from bluescribe import subscribe_writers

RE = RunEngine({"beamline_id": "simulated"})
writers = subscribe_writers(RE, Path(__file__).with_name("iconfig.yml"))


def writers_status() -> str:
    """Tell how the writers are: ``qserver function execute '{"name": "writers_status"}'``."""
    return str(writers.status())


__all__ = ["RE", "count", "det", "grid_scan", "motor", "motor1", "motor2", "scan", "writers"]
