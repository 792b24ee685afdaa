"""Export: the same files as live writing from runs that were taken long ago."""

from __future__ import annotations

from .exporting import Plan, Progress, configs_for, export, plan_export, run_export
from .manifest import BusyError, Manifest
from .report import Export, ExportedRun

__all__ = [
    "BusyError",
    "Export",
    "ExportedRun",
    "Manifest",
    "Plan",
    "Progress",
    "configs_for",
    "export",
    "plan_export",
    "run_export",
]
