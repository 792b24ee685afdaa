"""What is reached by its name: the writer of each format, and each delivery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..contract.attributes import KnownAttributes
from ..delivery import delivery_names
from ..formats import format_names
from ..recording.writer import Writer

if TYPE_CHECKING:
    from ..delivery.base import Delivery

__all__ = ["ByName"]


class ByName(KnownAttributes):
    """The part of `Writers` that has them as attributes and as items."""

    _writers: dict[str, Writer]
    _deliveries: dict[str, Delivery]

    def __getattr__(self, name: str) -> Any:
        """Return the writer of a format, or a delivery."""
        known = {**self.__dict__.get("_writers", {}), **self.__dict__.get("_deliveries", {})}
        if name in known:
            return known[name]
        if name.startswith("_"):  # a RunEngine looks what it calls: that is no user's mistake
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        blocks = {f: f"{f.upper()}_DATA_FILES" for f in format_names()}
        blocks |= {d: d.upper() for d in delivery_names()}
        hint = f": {blocks[name]} is not switched on" if name in blocks else ""
        raise AttributeError(f"no writer {name!r}{hint}; there are {', '.join(known) or 'none'}")

    def __getitem__(self, name: str) -> Any:
        """Return the writer of a format, or a delivery, whatever its name: ``writers["nexus"]``.

        Raises
        ------
        KeyError
            It is not switched on.
        """
        known = {**self._writers, **self._deliveries}
        if name not in known:
            there = ", ".join(known) or "none"
            raise KeyError(f"no writer {name!r} is switched on; there are {there}")
        return known[name]

    def __iter__(self) -> Iterator[Writer]:
        """Iterate over the writers."""
        return iter(self._writers.values())

    def __len__(self) -> int:
        """Return the number of writers."""
        return len(self._writers)

    def __dir__(self) -> list[str]:
        """List formats and deliveries too, so that TAB completes them."""
        return [*super().__dir__(), *self._writers, *self._deliveries]
