"""The spool: what was received is on a local disk before any file has it."""

from __future__ import annotations

from .lane import Lane
from .settings import SpoolSettings
from .spool import Spool

__all__ = ["Lane", "Spool", "SpoolSettings"]
