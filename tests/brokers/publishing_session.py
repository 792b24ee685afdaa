"""A session that sends its runs: ``python -m tests.brokers.publishing_session ADDRESS SPOOL RUNS``.

It says ``ran`` after each line that it gets on its input, for which it takes a run.
"""

from __future__ import annotations

import sys

import bluesky.plans as bp
from bluesky import RunEngine
from ophyd.sim import det, motor

from bluescribe import publish_to


def main(address: str, spool: str) -> None:
    RE = RunEngine({}, context_managers=[])
    publisher = publish_to(RE, address, spool=spool)
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "close\n":
            break
        RE(bp.scan([det], motor, 0, 1, 5, md={"name": line.strip()}))
        print("ran", flush=True)
    publisher.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
