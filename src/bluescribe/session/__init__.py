"""The front door: all that iconfig.yml switches on, subscribed to a RunEngine."""

from __future__ import annotations

from .subscribe import Writers, make_writers, subscribe_writers

__all__ = ["Writers", "make_writers", "subscribe_writers"]
