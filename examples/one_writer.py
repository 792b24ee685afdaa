"""One format: every run in a NeXus file of its own."""

from bluesky import RunEngine
from bluesky.plans import scan
from ophyd.sim import det, motor

from bluescribe import NexusWriter

RE = RunEngine()
writer = NexusWriter("data")
RE.subscribe(writer.receiver)

RE(scan([det], motor, -2, 2, 21))

# When RE(...) has returned, the file is complete.
print("written:", writer.status().last_file)
