"""The name by which packages import FormatPlugin: it is in `contract.plugin`."""

from __future__ import annotations

from ..contract.plugin import FormatPlugin

__all__ = ["FormatPlugin"]
