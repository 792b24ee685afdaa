"""Always-on logging: the journal and a CSV of every run, in a folder a day, and a word at each end.

Leave it in the start-up of a session that runs for weeks. What goes wrong is in bluescribe.log and
in status(); the scans go on.
"""

import logging

from bluesky import RunEngine
from bluesky.plans import count, scan
from ophyd.sim import det, motor

from bluescribe import subscribe_writers

logging.basicConfig(
    filename="bluescribe.log",
    level=logging.WARNING,
    format="%(asctime)s %(levelname)s %(name)s: %(message)s",
)

RE = RunEngine()
writers = subscribe_writers(
    RE,
    {
        "DATA_FILES": {
            "DIRECTORY": "log",
            "FILE_NAME": "{time:%Y}/{time:%m-%d}/S{scan_id:05d}-{uid:.7}",
            "RETRY_SECONDS": 600,  # a file server may be away for ten minutes
        },
        "JSONL_DATA_FILES": {"ENABLE": True},
        "CSV_DATA_FILES": {"ENABLE": True},
    },
)


def tell(name, doc):
    """Print what the writers have done; they were subscribed before, so the run is written."""
    print(f"--- run {doc['run_start'][:7]}: {doc['exit_status']}")
    print(writers.status())


RE.subscribe(tell, "stop")

RE(count([det], num=3))
RE(scan([det], motor, -1, 1, 5))

# A program can ask too: an instrument's screen may show this number.
failures = sum(len(status.failures) for status in writers.status().values())
print(f"{failures} runs are incomplete")
