"""Test writers against every shape of run: real ones, generated ones and damaged ones.

``SHAPES`` holds runs that a real RunEngine plays with simulated devices, ``documents`` plays one of
them. ``runs``, ``damaged_runs`` and ``hostile_runs`` are Hypothesis strategies; ``HOSTILE`` makes
values that break whoever looks at them. ``numpified``, ``relisted`` and ``interleave`` say the same
documents in another manner.

The names are imported when they are first used, for they need bluesky, ophyd, ophyd-async and
Hypothesis, which the writers themselves do not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import FormatContract, RecordedRun
    from .shapes import SHAPES, Shape, documents, shape
    from .strategies import (
        HOSTILE,
        damage,
        damaged_runs,
        hostile_runs,
        hostile_values,
        runs,
        several_runs,
    )
    from .transform import interleave, numpified, relisted

__all__ = [
    "HOSTILE",
    "SHAPES",
    "FormatContract",
    "RecordedRun",
    "Shape",
    "damage",
    "damaged_runs",
    "documents",
    "hostile_runs",
    "hostile_values",
    "interleave",
    "numpified",
    "relisted",
    "runs",
    "several_runs",
    "shape",
]

_HOMES = {
    "FormatContract": "contract",
    "RecordedRun": "contract",
    "SHAPES": "shapes",
    "Shape": "shapes",
    "documents": "shapes",
    "shape": "shapes",
    "HOSTILE": "strategies",
    "damage": "strategies",
    "damaged_runs": "strategies",
    "hostile_runs": "strategies",
    "hostile_values": "strategies",
    "runs": "strategies",
    "several_runs": "strategies",
    "interleave": "transform",
    "numpified": "transform",
    "relisted": "transform",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = import_module(f".{_HOMES[name]}", __name__)
    except ModuleNotFoundError as error:
        # A module of our own that is missing is a fault here, not an extra to install.
        if (error.name or "").startswith(__name__.partition(".")[0]):
            raise
        raise ImportError(
            f"bluescribe.testing.{name} needs {error.name}, which is not installed: "
            "pip install 'bluescribe[testing]'",
            name=error.name,
        ) from error
    return getattr(home, name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
