"""The name by which programs import what is in `commands.cli`."""

from __future__ import annotations

from .commands.cli import main

__all__ = ["main"]
