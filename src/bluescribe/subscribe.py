"""The name by which startup files import what is in `session`."""

from __future__ import annotations

from .session import Writers, make_writers, subscribe_writers

__all__ = ["Writers", "make_writers", "subscribe_writers"]
