"""The name by which packages import the settings: they are in `contract.settings`."""

from __future__ import annotations

from .contract.settings import (
    CheckedSettings,
    Nothing,
    Problem,
    Seconds,
    SettingsError,
    Size,
    WriterSettings,
    expanded,
)

__all__ = [
    "CheckedSettings",
    "Nothing",
    "Problem",
    "Seconds",
    "SettingsError",
    "Size",
    "WriterSettings",
    "expanded",
]
