"""Draw the rooms of bluescribe on their floors, from its imports.

``python docs/images/rooms.py`` makes ``rooms.svg``.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import grimp
from matplotlib.figure import Figure

TOP = Path(__file__).resolve().parents[2]
OTHER_NAMES = {"cli", "recover", "run", "settings", "subscribe", "__main__"}
"""Modules that are other names of what is in the rooms."""

_COLUMNS = {
    "demo": 0.2,
    "testing": 0.85,
    "compat": 0.15,
    "listening": 0.5,
    "session": 0.5,
    "config": 0.3,
    "sources": 0.8,
    "delivery": 0.5,
    "formats": 0.3,
    "hdf5": 0.15,
    "archive": 0.65,
    "checking": 0.3,
    "extras": 0.8,
    "later": 0.1,
    "log_once": 0.3,
}
"""Where rooms stand on their floor, from left to right; others stand in the middle."""


def floors() -> list[list[str]]:
    """Return the rooms of each floor, the highest floor first, as the import contract has them."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    rooms = [[room.strip() for room in layer.split("|")] for layer in layers]
    return [found for floor in rooms if (found := [r for r in floor if r not in OTHER_NAMES])]


def imports() -> set[tuple[str, str]]:
    """Return which room imports which."""
    graph = grimp.build_graph("bluescribe", exclude_type_checking_imports=True)
    pairs = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pairs.add((_room(module), _room(imported)))
    return {(one, other) for one, other in pairs if one and other and one != other}


def _room(module: str) -> str:
    room = module.partition(".")[2].partition(".")[0]
    return "" if room in OTHER_NAMES else room


def needed(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the imports that no chain of others implies: the picture shows those alone."""
    below: dict[str, set[str]] = {}
    for floor in reversed(floors()):
        for room in floor:
            direct = {other for one, other in pairs if one == room}
            below[room] = direct.union(*(below[other] for other in direct))
    return {
        (one, other)
        for one, other in pairs
        if not any((one, via) in pairs and other in below[via] for via in below)
    }


def draw(path: Path) -> None:
    """Draw the picture: rooms on floors, an arrow for each import."""
    levels = floors()
    places = {
        room: (_COLUMNS.get(room, 0.5), 1.0 * (len(levels) - level))
        for level, floor in enumerate(levels)
        for room in floor
    }
    figure = Figure(figsize=(7, 9))
    axes = figure.subplots()
    for one, other in sorted(needed(imports())):
        (x, y), (to_x, to_y) = places[one], places[other]
        assert y > to_y, f"{one} stands below {other}"
        bend = 0.25 if x == to_x and y - to_y > 1 else 0.0
        arrow = {"arrowstyle": "-|>", "color": "#4a6f96", "shrinkA": 12, "shrinkB": 12}
        curve = f"arc3,rad={bend}"
        axes.annotate("", (to_x, to_y), (x, y), arrowprops={**arrow, "connectionstyle": curve})
    for room, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.4", "facecolor": "#dbe9f6", "edgecolor": "#4a6f96"}
        axes.text(x, y, room, ha="center", va="center", bbox=box, family="monospace")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, len(levels) + 1)
    axes.axis("off")
    figure.savefig(
        path, bbox_inches="tight", metadata={"Date": None} if path.suffix == ".svg" else {}
    )


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".svg"))
