"""``bluescribe listen``: writers in a process of their own."""

from __future__ import annotations

import threading
from pathlib import Path

from rich.console import Console

from ..listening import listen
from .show import warnings_on

__all__ = ["run"]


def run(address: str, iconfig: Path, prefix: str, decode: str, console: Console) -> int:
    """Listen until a signal comes, then tell what was written; return 1 if a run is incomplete."""
    ready = threading.Event()
    threading.Thread(target=_tell_when_ready, args=(ready, address, console), daemon=True).start()
    with warnings_on(console):
        writers = listen(address, iconfig, prefix=prefix, decode=decode, ready=ready)
    status = writers.status()
    console.print(str(status), markup=False, soft_wrap=True)
    return 1 if any(each.failures or each.discrepancies for each in status.values()) else 0


def _tell_when_ready(ready: threading.Event, address: str, console: Console) -> None:
    ready.wait()
    console.print(f"listening at {address}; Ctrl-C ends it", soft_wrap=True)
