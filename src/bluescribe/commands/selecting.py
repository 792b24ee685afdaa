"""The options that say which runs of a source are wanted; `cli` loads this for any command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..sources import Selection
else:
    Selection = Any  # its home is slow to import, and `choosing_runs` needs the name only

__all__ = ["Selection", "choosing_runs"]


def choosing_runs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that select runs, in the place of its parameter ``chosen``.

    The command gets what they select as ``chosen``.
    """
    signature = inspect.signature(command, eval_str=True)
    options = [
        p
        for p in inspect.signature(_selection, eval_str=True).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        wanted = {option.name: given.pop(option.name) for option in options}
        command(chosen=_selection(given["source"], **wanted), **given)

    shown = [
        p
        for parameter in signature.parameters.values()
        for p in (options if parameter.name == "chosen" else [parameter])
    ]
    run.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return run


def _selection(
    source: str,
    *,
    scan_id: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="A scan number, or -1 for the latest run. May be repeated."),
    ] = None,
    uid: Annotated[
        list[str] | None,
        typer.Option(metavar="UID", help="A uid or its beginning. May be repeated."),
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="The latest N runs.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Begun then or later, as 2026-11-22T09:45."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Begun before that.")] = None,
    search: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A key of the start document. May be repeated."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All runs.")] = False,
) -> Selection:
    """Return what the options of a command select.

    Raises
    ------
    ConfigError
        They contradict each other, or none is given where a source may hold years of runs.
    SourceError
        There is no such source: nobody is to be asked which of its runs are wanted.
    """
    from ..sources import Selection, check_source

    check_source(source)
    named = bool(scan_id or uid or last is not None or since or until or search)
    if every and named:
        raise ConfigError("--all leaves nothing to choose: leave it out, or the other options")
    if not (every or named or Path(source).expanduser().is_file()):
        raise ConfigError(
            "say which runs: --scan-id, --uid, --last, --since, --until, --search or --all"
        )
    begin, end = (None if text is None else _seconds(text) for text in (since, until))
    if begin is not None and end is not None and end <= begin:
        raise ConfigError(
            f"no run is before {until} and after {since}: exchange --since and --until"
        )
    return Selection(
        scan_ids=tuple(scan_id or ()),
        uids=tuple(uid or ()),
        last=last,
        since=begin,
        until=end,
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
