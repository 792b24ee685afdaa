"""Events that came one behind the other and are alike: packed, as documents, and as one page.

Whoever takes a page takes many events in one step, and lanes share what it is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from .rows import Form

__all__ = ["ROWS", "EventRows", "documents_in"]

ROWS = "rows"
"""The name under which they stand among documents; no document of the event model."""
_FEWEST = 8
"""Events of a page; fewer go sooner one by one."""
_LARGEST_SEQ_NUM = 2**63 - 1


class EventRows:
    """Consecutive events of one form.

    Parameters
    ----------
    form
        Their keys and types.
    packed
        Their rows, one behind the other.
    events
        The same as documents, where somebody has these already.
    """

    def __init__(
        self, form: Form, packed: bytes | memoryview, events: Sequence[dict[str, Any]] | None = None
    ) -> None:
        self.form = form
        self.packed = packed
        self._events = events

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.packed) // self.form.struct.size

    @property
    def descriptor(self) -> str:
        """Uid of the descriptor of all of them."""
        return self.form.descriptor

    def events(self) -> Iterable[dict[str, Any]]:
        """Return the documents, as they were packed.

        Raises
        ------
        BrokenSpoolError
            The rows are not of this form.
        """
        return self.form.events(self.packed) if self._events is None else self._events

    @cached_property
    def page(self) -> dict[str, Any] | None:
        """The events as one event_page, of lists; None if they are few, or no page has such."""
        form = self.form
        if len(self) < _FEWEST or not form.fits_page:
            return None
        uids, *values, numbers, times = form.columns(self.packed)
        if min(numbers) < 0 or max(numbers) > _LARGEST_SEQ_NUM:
            return None
        width = len(form.data)
        return {
            "descriptor": form.descriptor,
            "uid": [uid.decode("ascii") for uid in uids],
            "seq_num": numbers,
            "time": times,
            "data": dict(zip(form.data, values[:width], strict=True)),
            "timestamps": dict(zip(form.timestamps, values[width:], strict=True)),
            "filled": {},
        }


def documents_in(doc: Any) -> int:
    """Return for how many documents something stands that was received."""
    return len(doc) if isinstance(doc, EventRows) else 1
