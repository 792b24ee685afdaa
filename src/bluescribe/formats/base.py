"""The name by which packages import RunFile: it is in `contract.runfile`."""

from __future__ import annotations

from ..contract.runfile import RunFile, Settings

__all__ = ["RunFile", "Settings"]
