"""Start-up of an IPython profile: a RunEngine whose runs are all written to files.

Copy this file into the startup folder of a profile, and iconfig.yml (from the top of bluescribe's
repository) beside it:

    ipython profile create bluesky
    cp 00-bluesky.py iconfig.yml ~/.ipython/profile_bluesky/startup/
    ipython --profile=bluesky

The files go to the folder that iconfig.yml names.
"""

from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp
from bluesky import RunEngine, SupplementalData

# Simulated. Import the devices of your instrument here.
from ophyd.sim import det, motor, motor1, motor2

from bluescribe import subscribe_writers

RE = RunEngine({"beamline_id": "simulated"})
sd = SupplementalData(baseline=[motor, motor1, motor2])
RE.preprocessors.append(sd)

writers = subscribe_writers(RE, Path(__file__).with_name("iconfig.yml"))

print(f"Every run is written: {', '.join(writer.format for writer in writers)}.")
print("Try:  RE(bp.scan([det], motor, -1, 1, 11))  and then  writers.status()")

__all__ = ["RE", "bp", "bps", "det", "motor", "motor1", "motor2", "sd", "writers"]
