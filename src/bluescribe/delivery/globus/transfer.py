"""One transfer: from its entry in the outbox to its end, one step a call.

Globus gives a submission id before it takes a transfer, and takes each id once. The id is in the
outbox before it is used: a crash, or an answer that is lost, never makes two transfers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...extras import import_extra
from ..outbox import Entry
from ..trouble import Later, Refused
from .settings import GlobusSettings

if TYPE_CHECKING:
    import globus_sdk

__all__ = ["content_of", "forget_task", "step"]

logger = logging.getLogger(__name__)

MOST_TASKS = 3
"""Transfers that may fail, or be cancelled, before somebody has to look."""

RESUBMIT_SECONDS = 60.0

SHORTEST_POLL, LONGEST_POLL = 2.0, 60.0
"""Seconds between two looks at a transfer: longer, the older it is."""

_ACTIVITY = "https://app.globus.org/activity"
_WELL = (None, "", "OK", "Queued")
_KEYS = (
    *("source_endpoint", "destination_endpoint", "options", "items"),
    *("submission_id", "task_id", "submitted", "failed_tasks"),
)

Save = Callable[[Entry], None]


def content_of(
    settings: GlobusSettings, label: str, items: list[tuple[str, str]]
) -> dict[str, Any]:
    """Return what an entry of the outbox holds: all that another process needs."""
    return {
        "source_endpoint": str(settings.source_endpoint),
        "destination_endpoint": str(settings.destination_endpoint),
        "options": {
            "label": label,
            **({"sync_level": settings.sync_level} if settings.sync_level else {}),
            "verify_checksum": settings.verify_checksum,
            "preserve_timestamp": settings.preserve_timestamp,
            "encrypt_data": settings.encrypt_data,
            "notify_on_succeeded": settings.notify == "all",
            "notify_on_failed": settings.notify != "none",
            "notify_on_inactive": settings.notify != "none",
        },
        "items": [list(item) for item in items],
        "submission_id": None,
        "task_id": None,
        "submitted": None,
        "failed_tasks": 0,
    }


def step(client: globus_sdk.TransferClient, entry: Entry, save: Save) -> float | None:
    """Submit a transfer, or look how it is doing.

    Parameters
    ----------
    client
        Talks to Globus.
    entry
        Of the outbox, with a content as `content_of` makes it.
    save
        Keeps what is noted in the entry.

    Returns
    -------
    float or None
        Seconds after which to look again; None when all files have arrived.

    Raises
    ------
    Later, Refused
        It is not well.
    GlobusError
        Globus does not answer as it should.
    """
    missing = [key for key in _KEYS if key not in entry.content]
    if missing:
        cause = f"its entry has no {missing[0]!r}: it was changed, or another version made it"
        raise Refused(cause, "mend it, or have it sent by that version of bluescribe")
    if entry.content["task_id"] is None:
        _submit(client, entry, save)
        return SHORTEST_POLL
    answer = client.get_task(entry.content["task_id"])
    _value(answer, "status")
    return _look(answer.data, entry, save)


def _submit(client: globus_sdk.TransferClient, entry: Entry, save: Save) -> None:
    content = entry.content
    if content["submission_id"] is None:
        content["submission_id"] = _value(client.get_submission_id(), "value")
        save(entry)
    sdk = import_extra("globus_sdk", "globus", "GLOBUS")
    data = sdk.TransferData(
        content["source_endpoint"],
        content["destination_endpoint"],
        submission_id=content["submission_id"],
        **content["options"],
    )
    for source, destination in content["items"]:
        data.add_item(source, destination)
    answer = client.submit_transfer(data)
    content |= {"task_id": _value(answer, "task_id"), "submitted": time.time()}
    save(entry)


def _value(answer: globus_sdk.GlobusHTTPResponse, key: str) -> Any:
    """Return what Globus says; a proxy, or the login page of a network, answers 200 as well."""
    try:
        return answer[key]
    except (LookupError, TypeError, ValueError):  # no JSON, or something else in JSON
        cause = f"something else than Globus answers, without {key!r}"
        raise Later(cause, "look whether a proxy or a login page stands in the way") from None


def _look(task: Mapping[str, Any], entry: Entry, save: Save) -> float | None:
    status = task.get("status")
    if status == "SUCCEEDED":
        return None
    if status == "FAILED":  # cancelled ones too
        _begin_anew(task, entry, save)
    if status != "ACTIVE" or task.get("is_paused") or task.get("nice_status") not in _WELL:
        cause = f"transfer {_ACTIVITY}/{entry.content['task_id']} is {status}{_details(task)}"
        held = "paused" if task.get("is_paused") else task.get("nice_status") or status
        remedy = f"look at that page; it goes on when the cause ({held}) is mended"
        raise Later(cause, remedy, only_this=True)
    age = time.time() - (entry.content["submitted"] or 0.0)
    return min(max(SHORTEST_POLL, age / 4), LONGEST_POLL)


def _begin_anew(task: Mapping[str, Any], entry: Entry, save: Save) -> None:
    """Have a transfer that failed submitted as a new one, unless that was done often enough."""
    content = entry.content
    cause = f"transfer {_ACTIVITY}/{content['task_id']} failed{_details(task)}"
    remedy = "look at the log of that transfer"
    forget_task(entry)
    content["failed_tasks"] += 1
    if content["failed_tasks"] >= MOST_TASKS:
        content["failed_tasks"] = 0  # as many again, when somebody moves the entry back
        raise Refused(f"{MOST_TASKS} transfers failed, the last: {cause}", f"{remedy} and mend it")
    save(entry)
    raise Later(cause, remedy, only_this=True, after=RESUBMIT_SECONDS)


def forget_task(entry: Entry) -> None:
    """Have an entry submitted as a new transfer, whenever that is."""
    entry.content |= {"submission_id": None, "task_id": None, "submitted": None}


def _details(task: Mapping[str, Any]) -> str:
    """Return what Globus says about a transfer that is not well."""
    fatal = task.get("fatal_error") or {}
    said = [
        fatal.get("code"),
        fatal.get("description"),
        task.get("canceled_by_admin_message"),
        task.get("nice_status"),
        task.get("nice_status_short_description"),
        task.get("nice_status_details"),
    ]
    words = "; ".join(dict.fromkeys(" ".join(str(text).split()) for text in said if text))
    return f": {words}" if words else ""
