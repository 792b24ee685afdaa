"""All deaths and refusals: ``python -m tests.system.faults.matrix --times 20 --out results.jsonl``.

Processes of a session, the session, or both, are killed so many times at each step of `steps`; and
each n-th call of `refusals` is refused, with each error. It takes hours. A line of JSON is written
for each session; a second call with the same file goes on where the first one ended. The folder of
a session that was not good stays, beside that file.
"""

from __future__ import annotations

import argparse
import errno
import json
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.faults.preloading import preloaded
from tests.system.faults.refusals import MOST, check_refusal, refusal
from tests.system.faults.steps import STEPS, check_death
from tests.system.faults.striking import Outcome, Striker

ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
MOST_CALLS = 60
_REACHED = 0.8
"""Which part of the calls that were counted once are killed at: there are not always as many."""
_MOMENT = 1.0
"""Seconds of documents that may be missing: all of them are played on machines that are busy."""
_MISSES = 2
"""How often a call was not reached when later ones are not tried."""


@dataclass(frozen=True)
class Case:
    """One session."""

    row: str
    """A step, or what is refused where."""
    column: str
    """A victim, or an error."""
    number: int
    """Which time, or which call."""

    @property
    def key(self) -> str:
        return f"{self.row}, {self.column}, {self.number}"


def cases(times: int, most: int) -> Iterator[Case]:
    """Yield all, so that each row has some early."""
    for number in range(1, max(times, most) + 1):
        if number <= times:
            for name, step in STEPS.items():
                yield from (Case(name, victim, number) for victim in step.victims)
        if number <= most:
            for where, calls in MOST.items():
                for call in calls:
                    yield from (Case(f"{where} {call}", error, number) for error in ERRORS)


class Results:
    """What came of each session, in a file.

    Parameters
    ----------
    path
        The file, made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.found: dict[str, dict[str, Any]] = {}
        for line in lines:
            each = json.loads(line)
            self.found[each["key"]] = each

    def add(self, key: str, **told: Any) -> None:
        self.found[key] = {"key": key, **told}
        with self.path.open("a") as file:
            print(json.dumps(self.found[key]), file=file)

    def table(self) -> str:
        """Return rows of steps, and of a column how many sessions were good and how many bad."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for each in self.found.values():
            if "verdict" in each:
                counts[each["row"], each["column"], each["verdict"]] += 1
        rows = dict.fromkeys(row for row, _, _ in counts)
        lines = []
        for row in rows:
            columns = sorted({column for found, column, _ in counts if found == row})
            cells = [
                f"{column} {counts[row, column, 'good']} good, {counts[row, column, 'bad']} bad"
                for column in columns
            ]
            lines.append(f"{row:20} " + "   ".join(f"{cell:26}" for cell in cells).rstrip())
        total = Counter(verdict for _, _, verdict in counts.elements())
        loss, closing = (self._most(name) for name in ("loss", "closing"))
        return "\n".join(
            [
                *lines,
                f"{total['good']} good, {total['bad']} bad; at the most {loss:.3f} s of documents "
                f"were missing, and closing took {closing:.1f} s",
            ]
        )

    def _most(self, name: str) -> float:
        return max((each.get(name, 0.0) for each in self.found.values()), default=0.0)


class Matrix:
    """Plays cases.

    Parameters
    ----------
    results
        Gets what came of them.
    times
        How often each victim is killed at each step.
    in_processes
        Whether HDF5 has a process of its own.
    """

    def __init__(self, results: Results, times: int, *, in_processes: bool) -> None:
        self._results = results
        self._times = times
        self._in_processes = in_processes
        self._folder = results.path.with_suffix(".places")
        self._folder.mkdir(exist_ok=True)
        self._library = preloaded("strike.c", Path(tempfile.mkdtemp(dir=self._folder)))
        self._striker = Striker(self._library)
        self._misses: Counter[tuple[str, str]] = Counter()
        for each in results.found.values():
            if each.get("verdict") == "none":
                self._misses[each["row"], each["column"]] += 1

    def close(self) -> None:
        self._striker.close()
        shutil.rmtree(self._library.parent)

    def play(self, case: Case) -> str:
        """Play one session and return what came of it: ``good``, ``bad``, or ``none``."""
        if case.row in STEPS:
            return self._death(case)
        if self._misses[case.row, case.column] >= _MISSES:
            return "none"
        where, call = case.row.split()
        place = self._place(case)
        fault = refusal(place, where, call, case.number, ERRORS[case.column])
        return self._played(case, place, fault, lambda outcome: check_refusal(place, outcome))

    def _death(self, case: Case) -> str:
        step = STEPS[case.row]
        place = self._place(case)
        calls = max(1, int(_REACHED * self._calls(case.row)))
        half, which = divmod(case.number - 1, 2)
        number = 1 + half * (calls - 1) // max(1, (self._times - 1) // 2)
        by_recover = bool(half % 2)
        fault = step.death(place, case.column, number, which, by_recover=by_recover)
        return self._played(
            *(case, place, fault),
            lambda outcome: check_death(step, case.column, place, outcome, moment=_MOMENT),
        )

    def _calls(self, name: str) -> int:
        """Return how many calls there are of a step, in a session in which nobody is killed."""
        key = f"{name}, calls"
        if key not in self._results.found:
            place = self._place(Case(name, "nobody", 0))
            fault = STEPS[name].death(place, "nobody", 0, 0, by_recover=False)
            outcome = self._striker.play(fault)
            shutil.rmtree(place)
            self._results.add(key, calls=outcome.met)
        return int(self._results.found[key]["calls"])

    def _place(self, case: Case) -> Path:
        place = self._folder / re.sub(r"\W+", "-", case.key)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return place

    def _played(
        self, case: Case, place: Path, fault: Any, check: Callable[[Outcome], float | None]
    ) -> str:
        fault.in_processes = self._in_processes
        began = time.monotonic()
        outcome, error, loss = Outcome(), "", 0.0
        try:
            outcome = self._striker.play(fault)
            if outcome.struck:
                loss = check(outcome) or 0.0
        except ValueError:  # no answer: the one who plays has ended
            error = traceback.format_exc()
            self._striker = Striker(self._library)
        except Exception:
            error = traceback.format_exc()
        verdict = "bad" if error else "good" if outcome.struck else "none"
        self._misses[case.row, case.column] += verdict == "none"
        told = {
            "row": case.row,
            "column": case.column,
            "verdict": verdict,
            "orders": fault.orders[0],
            "by_recover": fault.by_recover,
            "seconds": round(time.monotonic() - began, 2),
            "loss": round(loss, 3),
            "closing": round(outcome.end.get("closing", 0.0), 2),
        }
        if error:
            told |= {"error": error, "said": outcome.said, "end": outcome.end, "place": str(place)}
        else:
            shutil.rmtree(place)
        self._results.add(case.key, **told)
        return verdict


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20, help="kills of a victim at a step")
    parser.add_argument("--most", type=int, default=MOST_CALLS, help="the last n-th call refused")
    parser.add_argument("--out", type=Path, default=Path("results.jsonl"))
    parser.add_argument("--only", default="", help="keys that match this, as STEP, VICTIM, NUMBER")
    parser.add_argument("--again", action="store_true", help="play what was bad again")
    parser.add_argument("--threads", action="store_true", help="HDF5 has no process of its own")
    parser.add_argument("--table", action="store_true", help="play nothing")
    chosen = parser.parse_args()
    results = Results(chosen.out)
    if not chosen.table:
        matrix = Matrix(results, chosen.times, in_processes=not chosen.threads)
        with closing(matrix):
            for case in cases(chosen.times, chosen.most):
                known = results.found.get(case.key, {}).get("verdict")
                is_due = known is None or (known == "bad" and chosen.again)
                if is_due and re.search(chosen.only, case.key):
                    print(f"{matrix.play(case):5} {case.key}", flush=True)
    print(results.table())
    sys.exit(any(each.get("verdict") == "bad" for each in results.found.values()))


if __name__ == "__main__":
    main()
