"""The front door: all that iconfig.yml switches on, subscribed to a RunEngine.

`subscribe` has `subscribe_writers`, `writers` `Writers`, which receives each document once for all
formats, and `subscribed` its RunEngines. What it is asked in a session is in files of their own:
`control` (folder, name, on and off), `finding` (where files are, from `run_book`), `status`,
`magic` (``%bluescribe``), `console` (messages, where nobody else shows them). `takeover` lets the
writers of a second call take the place of the first ones, when the start-up cell was pasted twice.

Knows: `config`, `delivery`, `archive` (what an earlier session left is written now), and what is
below. bluesky is imported here and in the commands only.
"""

from __future__ import annotations

from .subscribe import make_writers, subscribe_writers
from .writers import Writers

__all__ = ["Writers", "make_writers", "subscribe_writers"]
