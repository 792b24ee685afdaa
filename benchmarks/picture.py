"""Bars of what each writer costs against the floor."""

from __future__ import annotations

from pathlib import Path

from .bars import ratio
from .runner import Row, Section
from .workloads import WORKLOADS

__all__ = ["draw"]

_COLOURS = {"bluescribe": "#1f77b4", "peer": "#b0b0b0", "floor": "#2ca02c"}
_SKIPPED = ("all", "copy")


def draw(sections: list[Section], path: Path) -> None:
    """Draw a panel for each workload; nothing when none was measured.

    Parameters
    ----------
    sections
        The tables.
    path
        Of the PNG.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        print("no plot: matplotlib is not installed")
        return
    panels = [s for s in sections if s.key in WORKLOADS and any(map(_is_drawn, s.rows))]
    if not panels:
        return
    figure = Figure(figsize=(4 + 2.6 * len(panels), 5), layout="constrained")
    names = [r.contender.name for r in panels[0].rows if r.contender.family not in _SKIPPED]
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, section in zip(axes, panels, strict=True):
        rows = [section.row(name) for name in names]
        values = [_over_floor(section, row) if row is not None else 0.0 for row in rows]
        colours = [_COLOURS[row.contender.side] if row is not None else "w" for row in rows]
        axis.barh(names, values, color=colours)
        for number, value in enumerate(values):
            axis.text(value or 1, number, f" {value:.1f}" if value else " –", va="center")
        axis.axvline(1, color=_COLOURS["floor"], linewidth=1)
        axis.set_xscale("log")
        axis.margins(x=0.3)
        axis.set_title(section.title.replace(" of ", "\nof ", 1), fontsize=9)
    axes[0].invert_yaxis()
    figure.supxlabel("total time / floor (h5py for NeXus, orjson for text); shorter is better")
    figure.savefig(path, dpi=110)


def _is_drawn(row: Row) -> bool:
    return row.value("speed", "total_s") is not None


def _over_floor(section: Section, row: Row) -> float:
    floor = "h5py in blocks" if row.contender.family == "nexus" else "orjson append"
    return ratio(section, "speed", "total_s", row.contender.name, floor) or 0.0
