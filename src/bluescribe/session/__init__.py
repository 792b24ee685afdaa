"""The front door: all that iconfig.yml switches on, subscribed to a RunEngine.

`subscribe` has `subscribe_writers`, and `Writers`, which receives each document once for all
formats. `takeover` lets the writers of a second call take the place of the first ones, when the
start-up cell was pasted twice.

Knows: `config`, `delivery`, `archive` (what an earlier session left is written now), and what is
below. bluesky is imported here and in the commands only.
"""

from __future__ import annotations

from .subscribe import make_writers, subscribe_writers
from .writers import Writers

__all__ = ["Writers", "make_writers", "subscribe_writers"]
