"""``bluescribe unpack``: whether a pack has arrived as it was sent, and what is in a zip file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .output import terminal

if TYPE_CHECKING:
    from ..archive.packing import Verdict

__all__ = ["check", "unpack"]


def unpack(
    path: Annotated[Path, typer.Argument(help="A pack, or the zip file of `pack --zip`.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where a zip file is unpacked.")
    ] = None,
    only_verify: Annotated[
        bool, typer.Option("--verify", help="Only check the files; unpack nothing.")
    ] = False,
) -> None:
    """Unpack a zip file, and check that every file of a pack has arrived as it was sent.

    A zip file that is not as it was packed, or that holds something else, is not unpacked.

    To make a pack a databroker catalog: databroker-unpack inplace PATH NAME
    """
    raise typer.Exit(check(path, out, terminal(), only_verify=only_verify))


def check(path: Path, out: Path | None, console: Console, *, only_verify: bool) -> int:
    """Unpack a zip file, or look at what is there; return 1 if a file is missing or changed.

    A zip file is unpacked only when all of its files are as they were packed.
    """
    from ..archive.packing import PackError, verify
    from .progress import waiting

    unpacks = path.is_file() and not only_verify
    if out is not None and not unpacks:
        why = "--verify unpacks nothing" if only_verify else f"{path} is no zip file"
        raise PackError(f"--out is where a zip file is unpacked, but {why}")
    with waiting("checking and unpacking" if unpacks else "checking", console):
        place, verdict = _unpacked(path, out or path.parent) if unpacks else (path, verify(path))
    for word, names in (("missing", verdict.missing), ("changed", verdict.changed)):
        for name in names:
            console.print(f"{word}: {name}", style="red", markup=False, soft_wrap=True)
    for name in verdict.added:
        console.print(f"not of the pack: {name}", markup=False, soft_wrap=True)
    good = verdict.checked - len(verdict.missing) - len(verdict.changed)
    console.print(f"{place}: {good} of {verdict.checked} files are as packed", soft_wrap=True)
    if unpacks and place == path:
        console.print("Nothing was unpacked. Copy the zip file again, or have it made anew")
    return 0 if verdict.is_intact and not (unpacks and place == path) else 1


def _unpacked(path: Path, target: Path) -> tuple[Path, Verdict]:
    """Unpack a zip file if it has what it promises, and nothing else; return where it is."""
    from ..archive.packing.zipped import Zipped

    with Zipped(path) as zipped:
        verdict = zipped.verify()
        is_whole = verdict.is_intact and not verdict.added
        return (zipped.unpack(target) if is_whole else path), verdict
