"""What all writers and deliveries of a session are doing, as it is told to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..recording.status import Status

if TYPE_CHECKING:
    from ..delivery.status import DeliveryStatus

__all__ = ["WritersStatus"]


class WritersStatus(dict[str, Status]):
    """The status of each format, by its name, and of each delivery; prints well."""

    def __init__(
        self, writers: Mapping[str, Status], deliveries: Mapping[str, DeliveryStatus]
    ) -> None:
        super().__init__(writers)
        self.deliveries = dict(deliveries)

    def __str__(self) -> str:
        """Return a few lines a format, and one or two a delivery."""
        statuses = [*self.values(), *self.deliveries.values()]
        return "\n".join(map(str, statuses)) or "no writers"

    __repr__ = __str__
