"""What becomes of runs when they are written: Globus, tiled. Finds deliveries.

A package here is a delivery when it holds a `Delivery` whose ``name`` is the package's name.
`base` says what all are; `outbox` is the folder of what is still to be delivered, which outlives
the process, `courier` the thread that works through it, `trouble` what a failure means and when
it is told.

Knows: writers and their `RunReport`; not how runs are written or configured.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Delivery

__all__ = ["delivery_names", "load_delivery"]


def delivery_names() -> list[str]:
    """Return the names of all deliveries, without importing any."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py"))


def load_delivery(name: str) -> type[Delivery]:
    """Import a delivery, one of `delivery_names`."""
    module = import_module(f"{__name__}.{name}")
    found = [d for d in vars(module).values() if getattr(d, "name", None) == name]
    return found[0]  # type: ignore[no-any-return]  # a module's attributes have no type
