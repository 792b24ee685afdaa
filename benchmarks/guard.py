"""Compares this folder with a commit: in turns, until it is known which one is slower."""

from __future__ import annotations

import io
import json
import math
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import Console
from rich.table import Table
from scipy.stats import t

from .runner import environment

__all__ = ["Comparison", "GuardError", "guard", "sources_of"]

Verdict: TypeAlias = "Literal['as before', 'SLOWER', 'not sure', 'not measured']"

LIMIT = 1.15
"""How many times the processor time of the commit before is too much."""
_LEAST_ROUNDS, _MOST_ROUNDS = 4, 16
_CONFIDENCE = 0.99
"""Of the interval; many are looked at, and each after every round."""
_TIME_LIMIT = 300.0
_TOP = Path(__file__).resolve().parent.parent


class GuardError(Exception):
    """There is nothing to compare with."""


@dataclass
class Comparison:
    """Processor times of one piece of work, in pairs that were measured one behind the other.

    Parameters
    ----------
    name
        Of `benchmarks.guarded.WORKS`.
    """

    name: str
    pairs: list[tuple[float, float]] = field(default_factory=list)
    """Seconds of the commit before, and of now."""
    error: str = ""
    """Why one of them could not be measured."""

    @property
    def ratio(self) -> float:
        """How many times the time of before is needed now: the mean of the logarithms."""
        return math.exp(statistics.fmean(self._logarithms()))

    @property
    def interval(self) -> tuple[float, float]:
        """Where the ratio is, by Student's distribution of the logarithms."""
        found = self._logarithms()
        if len(found) < 2:
            return 0.0, math.inf
        error = statistics.stdev(found) / math.sqrt(len(found))
        reach = float(t.ppf((1 + _CONFIDENCE) / 2, len(found) - 1)) * error
        return self.ratio * math.exp(-reach), self.ratio * math.exp(reach)

    @property
    def verdict(self) -> Verdict:
        """Whether it is slower than is allowed; sure only when the whole interval says so."""
        if self.error:
            return "not measured"
        low, high = self.interval
        if low > LIMIT:
            return "SLOWER"
        return "as before" if high < LIMIT else "not sure"

    @property
    def is_due(self) -> bool:
        """Whether another pair is to be measured."""
        few = len(self.pairs) < _LEAST_ROUNDS
        unsure = self.verdict == "not sure" and len(self.pairs) < _MOST_ROUNDS
        return not self.error and (few or unsure)

    def _logarithms(self) -> list[float]:
        return [math.log(now / before) for before, now in self.pairs]


def guard(commit: str, works: Iterable[str], console: Console) -> int:
    """Compare this folder with a commit; return 1 if anything is slower than is allowed.

    Parameters
    ----------
    commit
        The one before.
    works
        Of `benchmarks.guarded.WORKS`.
    console
        Gets the table.

    Raises
    ------
    GuardError
        There is no such commit.
    """
    with tempfile.TemporaryDirectory(prefix="bluescribe-guard-") as folder:
        before = sources_of(commit, Path(folder))
        found = [_compared(Comparison(name), before, _TOP / "src", console) for name in works]
    console.print(_table(commit, found))
    return int(any(each.verdict == "SLOWER" for each in found))


def sources_of(commit: str, folder: Path) -> Path:
    """Return the sources of a commit, taken out of the repository.

    Raises
    ------
    GuardError
        There is no such commit.
    """
    asked = ["git", "archive", "--format=tar", commit, "src"]
    done = subprocess.run(asked, cwd=_TOP, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise GuardError(
            f"git cannot give commit {commit}: {why}. Name one that is there; a clone that was "
            "made with --depth has the newest only: git fetch --unshallow"
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def _compared(found: Comparison, before: Path, now: Path, console: Console) -> Comparison:
    """Measure pairs, each in the other order than the last one, as long as it is not sure."""
    with console.status(f"{found.name}: the first pair") as status:
        while found.is_due:
            trees = (before, now) if len(found.pairs) % 2 else (now, before)
            try:
                taken = {tree: _measured(found.name, tree) for tree in trees}
            except GuardError as error:
                found.error = str(error)
                break
            found.pairs.append((taken[before], taken[now]))
            status.update(f"{found.name}: {len(found.pairs)} pairs, {found.ratio:.2f} x")
    return found


def _measured(name: str, tree: Path) -> float:
    """Return the processor time of a piece of work with the package of one tree."""
    with tempfile.TemporaryDirectory(prefix="bluescribe-guard-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.guarded", name, folder],
            cwd=_TOP,
            env={**environment(tree), "XDG_STATE_HOME": str(Path(folder) / "state")},
            capture_output=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise GuardError(f"exit status {done.returncode}: {last}")
    return float(json.loads(done.stdout.splitlines()[-1])["cpu_s"])


def _table(commit: str, found: list[Comparison]) -> Table:
    title = f"Processor time of all processes, beside {commit}; at most {LIMIT} x"
    table = Table("work", "before, s", "now, s", "now / before", "pairs", "", title=title)
    for each in found:
        if each.error:
            table.add_row(each.name, "", "", "", "", f"{each.verdict}: {each.error}")
            continue
        before, now = (statistics.median(times) for times in zip(*each.pairs, strict=True))
        low, high = each.interval
        ratio = f"{each.ratio:.2f} ({low:.2f} to {high:.2f})"
        cells = (f"{before:.3f}", f"{now:.3f}", ratio, f"{len(each.pairs)}", each.verdict)
        table.add_row(each.name, *cells)
    return table
