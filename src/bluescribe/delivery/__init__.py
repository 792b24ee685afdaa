"""Finds deliveries, which bring the files of complete runs elsewhere: Globus, tiled.

They are the folders of this one, each with its subclass of `Delivery` called ``DELIVERY``, then
the entry-point group ``bluescribe.deliveries``. `base` is what all have in common; `outbox` is a
folder of entries that are still to be delivered, which outlives the process, `courier` the thread
that delivers them, `schedule` when each is due, `trouble` the failures: when to retry, and when to
log.

Knows: writers and their `RunReport`; not how runs are written or configured.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.registry import Registry
from ..errors import UnknownDeliveryError, shown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .base import Delivery

__all__ = ["delivery_names", "load_delivery", "own_delivery_names"]

_REGISTRY = Registry(
    "delivery", __name__, Path(__file__).parent, "bluescribe.deliveries", UnknownDeliveryError
)


def delivery_names() -> list[str]:
    """Return the names of all deliveries, without importing any."""
    return _REGISTRY.names()


def own_delivery_names() -> list[str]:
    """Return the names of the deliveries that come with bluescribe."""
    return _REGISTRY.own_names()


def load_delivery(name: str) -> type[Delivery]:
    """Import a delivery.

    Raises
    ------
    UnknownDeliveryError
        There is no such delivery, it cannot be imported, or what a package names is no delivery.
        The message says which deliveries there are, or what to do.
    """
    if name in _REGISTRY.own_names():
        return _own(name)
    return _installed(_REGISTRY.installed(name))


def _own(name: str) -> type[Delivery]:
    module = _REGISTRY.own(name)
    found: Any = getattr(module, "DELIVERY", None)
    if (fault := _fault_of(found, name)) is None:
        return found  # type: ignore[no-any-return]  # it is one
    raise UnknownDeliveryError(f"{module.__file__} is no delivery: its DELIVERY {fault}")


def _installed(entry: EntryPoint) -> type[Delivery]:
    try:
        found: Any = entry.load()
    except Exception as error:  # whatever a package of others does: the other deliveries are there
        what = f"cannot be imported: {type(error).__name__}: {error}"
        raise _REGISTRY.refusal(entry, what) from error
    if (fault := _fault_of(found, entry.name)) is None:
        return found  # type: ignore[no-any-return]  # it is one
    raise _REGISTRY.refusal(entry, fault)


def _fault_of(found: Any, name: str) -> str | None:
    """Return why something is not the delivery of that name; None if it is."""
    from .base import Delivery  # here: the names of deliveries need no writer

    if not (isinstance(found, type) and issubclass(found, Delivery)):
        return f"is no subclass of Delivery: found {shown(found)}"
    if getattr(found, "name", None) != name:
        return f"has name = {shown(getattr(found, 'name', None))}: it has to be {name!r}"
    if found.__abstractmethods__:
        return f"lacks {', '.join(sorted(found.__abstractmethods__))}"
    return None
