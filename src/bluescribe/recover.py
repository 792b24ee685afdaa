"""The name by which programs import what is in `archive.recover`."""

from __future__ import annotations

from .archive.recover import Report, Step, recover

__all__ = ["Report", "Step", "recover"]
