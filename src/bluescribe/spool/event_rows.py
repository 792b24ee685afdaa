"""EventRows: consecutive events with the same keys and types, as rows, documents or one page.

A format takes a page in one step instead of event by event, and all lanes share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from .rows import Form

__all__ = ["ROWS", "EventRows", "documents_in"]

ROWS = "rows"
"""Their name among the documents that a lane takes; the event model has none such."""
_FEWEST = 8
"""Events from which on a page is faster than event by event."""
_LARGEST_SEQ_NUM = 2**63 - 1


class EventRows:
    """Consecutive events of one form, that is, with the same keys and types.

    Parameters
    ----------
    form
        Their keys and types.
    packed
        Their rows, one after the other.
    events
        The same events as documents; None unpacks them when they are asked for.
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
        """Return the event documents, with the types of all values as they came.

        Raises
        ------
        BrokenSpoolError
            The rows are not of this form.
        """
        return self.form.events(self.packed) if self._events is None else self._events

    @cached_property
    def page(self) -> dict[str, Any] | None:
        """The events as one event_page document with lists as columns.

        None for a few events, and where a seq_num or time is not what an event_page may have.
        """
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
    """Return the number of documents in one item of a lane."""
    return len(doc) if isinstance(doc, EventRows) else 1
