"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .contenders import CONTENDERS
from .guard import GuardError, guard, sources_of
from .guarded import WORKS
from .measure import Job
from .report import show, write
from .runner import FULL, KEYS, QUICK, Extent, Section, add_twins, measure, sections

__all__ = ["main"]

_OUT = Path(__file__).resolve().parent / "results"


def main(arguments: list[str]) -> int:
    """Measure, print tables, write them to a folder; return the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if Console().is_terminal else 160)
    try:
        if options.guard is not None:
            return guard(options.guard, options.works, console)
        return _measure(options, console)
    except GuardError as error:
        console.print(f"benchmarks: {error}", soft_wrap=True, markup=False)
        return 2


def _measure(options: argparse.Namespace, console: Console) -> int:
    extent = QUICK if options.quick else FULL
    if options.repeat is not None:
        extent = dataclasses.replace(extent, repeat=options.repeat)
    chosen = [c for name, c in CONTENDERS.items() if options.contenders in (c.side, "all", name)]
    tables = list(sections(options.workloads, extent, chosen))
    with tempfile.TemporaryDirectory(prefix="bluescribe-benchmark-") as folder:
        if options.beside is not None:
            tree = sources_of(options.beside, Path(folder))
            for table in tables:
                add_twins(table, options.beside, tree)
        for number, _ in enumerate(_measured(tables, extent, console), 1):
            write(tables[:number], extent, options.out)  # an hour's work survives Ctrl-C
    show(tables, console)
    console.print(f"Tables, figures and the plot are in {options.out}", soft_wrap=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measure bluescribe beside its peers and the floors."
    )
    parser.add_argument("--quick", action="store_true", help="small runs, once: does it work?")
    parser.add_argument(
        "--workloads",
        type=partial(_named, KEYS),
        default=list(KEYS),
        help=f"comma-separated, of {','.join(KEYS)}; all by default",
    )
    parser.add_argument(
        "--contenders",
        default="all",
        help="bluescribe, peer, floor, or the name of one contender; all by default",
    )
    parser.add_argument("--repeat", type=int, help=f"processes a figure; {FULL.repeat} by default")
    parser.add_argument("--out", type=Path, default=_OUT, help="folder for the results")
    parser.add_argument(
        "--beside", metavar="COMMIT", help="measure our writers as they were at a commit, too"
    )
    parser.add_argument(
        "--guard",
        nargs="?",
        const="HEAD^",
        metavar="COMMIT",
        help="compare this folder with a commit, HEAD^ by default; fail where it is slower",
    )
    parser.add_argument(
        "--works",
        type=partial(_named, WORKS),
        default=list(WORKS),
        help=f"what is compared, of {','.join(WORKS)}; all by default",
    )
    return parser


def _named(known: Collection[str], text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(known)}")
    return names


def _measured(tables: list[Section], extent: Extent, console: Console) -> Iterator[Section]:
    """Fill the tables one by one."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting")
        for table in tables:

            def tell(job: Job, title: str = table.title) -> None:
                progress.update(task, description=f"{title}: {job.contender}, {job.label}")

            measure(table, extent, tell)
            yield table
