"""The front door of a process that writes the runs of others.

`proxy` hears a 0MQ proxy of bluesky, which drops what nobody takes. `broker` takes runs from a
broker that keeps them, and says that one is done when its files are closed: `jobs` has those that
are on their way, `ledgers` knows which are done, by a `ledger` in each folder.
"""

from __future__ import annotations

from .broker import listen_to_broker
from .proxy import listen

__all__ = ["listen", "listen_to_broker"]
