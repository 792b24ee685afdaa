"""Export: the same files as live writing from runs that were taken long ago."""

from __future__ import annotations

from .exporting import export, run_export
from .manifest import BusyError, FolderError, Manifest
from .plan import Plan, Progress, configs_for, plan_export
from .report import Export, ExportedRun

__all__ = [
    "BusyError",
    "Export",
    "ExportedRun",
    "FolderError",
    "Manifest",
    "Plan",
    "Progress",
    "configs_for",
    "export",
    "plan_export",
    "run_export",
]
