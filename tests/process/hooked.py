"""Writers with hooks, and a session that says what its processes are."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from bluescribe import NexusWriter, subscribe_writers
from bluescribe.formats.nexus import NexusFile


class DeadlyFile(NexusFile):
    """Ends its process at a run that says so, at its third point."""

    def open(self, run: Any) -> None:
        self._is_deadly = run.start.get("plan_name") == "deadly"
        super().open(run)

    def write_events(self, stream: Any, page: Any) -> None:
        if self._is_deadly and stream.events + len(page) > 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        super().write_events(stream, page)


class DeadlyWriter(NexusWriter):
    """Another process may import it."""

    process_safe = True
    file_class = DeadlyFile


class HookedFile(NexusFile):
    """Tells where it was written."""

    def add_metadata(self) -> dict[str, Any]:
        return {"pid": os.getpid()}


class HookedWriter(NexusWriter):
    """Its hooks may need what the session has."""

    file_class = HookedFile


class SafelyHookedWriter(NexusWriter):
    """Its hooks need nothing."""

    process_safe = True
    file_class = HookedFile


def main(config: str, *steps: str) -> None:
    """Take points in a run; say the pids on standard output, and do what was told."""
    import bluesky.plan_stubs as bps

    from bluescribe.testing.shapes.engine import recording
    from tests.process.children import eventually, processes
    from tests.process.test_deaths import scan

    with recording() as (engine, _):
        writers = subscribe_writers(engine, json.loads(config))
        engine(scan())
        eventually(processes)

        def say() -> None:
            writers.flush(60)
            said = {"pid": os.getpid(), "children": processes(), "fork": 0}
            if "fork" in steps and not os.fork():
                print(json.dumps({**said, "fork": os.getpid()}), flush=True)
                time.sleep(60)
                os._exit(0)
            if "fork" not in steps:
                print(json.dumps(said), flush=True)
            sys.stdin.readline()

        engine(scan({5: say}))
        del bps
        if "exit" in steps:
            os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
