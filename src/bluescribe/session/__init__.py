"""The front door: all that iconfig.yml switches on, subscribed to a RunEngine."""

from __future__ import annotations

from .subscribe import make_writers, subscribe_writers
from .writers import Writers

__all__ = ["Writers", "make_writers", "subscribe_writers"]
