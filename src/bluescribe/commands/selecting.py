"""The options that say which runs of a source are wanted."""

from __future__ import annotations

from datetime import datetime

from ..errors import ConfigError
from ..sources import Selection

__all__ = ["selection"]


def selection(
    *,
    scan_ids: list[int],
    uids: list[str],
    last: int | None,
    every: bool,
    since: str | None,
    until: str | None,
    search: list[str],
    needs_choice: bool,
) -> Selection:
    """Return what the options of a command select.

    Raises
    ------
    ConfigError
        They contradict each other, or none is given where a source may hold years of runs.
    """
    named = bool(scan_ids or uids or last is not None or since or until or search)
    if every and named:
        raise ConfigError("--all leaves nothing to choose: leave it out, or the other options")
    if needs_choice and not (every or named):
        raise ConfigError(
            "say which runs: --scan-id, --uid, --last, --since, --until, --search or --all"
        )
    return Selection(
        scan_ids=tuple(scan_ids),
        uids=tuple(uids),
        last=last,
        since=None if since is None else _seconds(since),
        until=None if until is None else _seconds(until),
        search=dict(_pair(text) for text in search),
    )


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise ConfigError(f"{text!r} is no time; write 2026-11-22 or 2026-11-22T09:45") from None


def _pair(text: str) -> tuple[str, str | int | float]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--search {text}: write key=value, such as plan_name=scan")
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, value
