"""The options that say which runs of a source are wanted; `cli` loads this for any command."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..sources import Selection

__all__ = ["All", "Last", "ScanIds", "Search", "Since", "Uids", "Until", "selection"]

ScanIds = Annotated[
    list[int] | None,
    typer.Option("--scan-id", help="A scan number, or -1 for the latest run. May be repeated."),
]
Uids = Annotated[
    list[str] | None, typer.Option("--uid", help="A uid or its beginning. May be repeated.")
]
Last = Annotated[int | None, typer.Option("--last", min=1, help="The latest N runs.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Begun then or later, as 2026-11-22T09:45."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Begun before that.")]
Search = Annotated[
    list[str] | None,
    typer.Option(
        "--search", metavar="KEY=VALUE", help="A key of the start document. May be repeated."
    ),
]
All = Annotated[bool, typer.Option("--all", help="All runs.")]


def selection(
    *,
    scan_ids: list[int] | None,
    uids: list[str] | None,
    last: int | None,
    every: bool,
    since: str | None,
    until: str | None,
    search: list[str] | None,
    needs_choice: bool,
) -> Selection:
    """Return what the options of a command select.

    Raises
    ------
    ConfigError
        They contradict each other, or none is given where a source may hold years of runs.
    """
    from ..sources import Selection

    named = bool(scan_ids or uids or last is not None or since or until or search)
    if every and named:
        raise ConfigError("--all leaves nothing to choose: leave it out, or the other options")
    if needs_choice and not (every or named):
        raise ConfigError(
            "say which runs: --scan-id, --uid, --last, --since, --until, --search or --all"
        )
    return Selection(
        scan_ids=tuple(scan_ids or ()),
        uids=tuple(uids or ()),
        last=last,
        since=None if since is None else _seconds(since),
        until=None if until is None else _seconds(until),
        search=dict(_pair(text) for text in search or ()),
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
