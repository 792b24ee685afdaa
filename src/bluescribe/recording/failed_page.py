"""A page that a format cannot take: event by event, and an event without the values at fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..model.plain_values import is_number
from ..model.run import Page
from ..model.writable import Unwritable

__all__ = ["event_of", "events_of", "suspects", "unwritable", "without"]

_MOST_TRIED = 100
"""Fields that are tried one by one; of an event with more suspects, all are replaced at once."""


def events_of(page: Page) -> Iterator[Page]:
    """Yield the events of a page as pages of their own."""
    for row in range(len(page)):
        yield replace(
            page,
            seq_num=page.seq_num[row : row + 1],
            time=page.time[row : row + 1],
            data={name: column[row : row + 1] for name, column in page.data.items()},
            timestamps={name: column[row : row + 1] for name, column in page.timestamps.items()},
        )


def suspects(event: Page) -> Iterator[list[str]]:
    """Yield the fields that may be at fault, one by one and then together.

    Numbers are at no fault: a format that cannot write one cannot write any. They are not tried
    alone, as a column of numbers may become one of text for good.
    """
    fields = [name for name, column in event.data.items() if not is_number(column[0])]
    fields.sort(key=lambda name: isinstance(event.data[name][0], str))
    for name in fields[:_MOST_TRIED]:
        yield [name]
    if len(fields) > 1:
        yield fields
    if len(fields) < len(event.data):
        yield list(event.data)


def without(event: Page, fields: Sequence[str], fault: BaseException) -> Page:
    """Return an event in which a text stands for the values of some fields."""
    texts = {name: [unwritable(name, event.data[name][0], fault).text] for name in fields}
    return replace(event, data={**event.data, **texts})


def unwritable(field: str, value: Any, fault: BaseException) -> Unwritable:
    """Return what is told of a value that a format could not take."""
    kind = type(value).__name__
    said = " ".join(f"{type(fault).__name__}: {fault}".split())[:200]
    return Unwritable(("data", field), f"{kind} that this format cannot take: {said}")


def event_of(event: Page) -> dict[str, Any]:
    """Return what messages need of an event."""
    return {"descriptor": event.descriptor.uid, "seq_num": event.seq_num[0]}
