"""What the files of a killed session have to hold, after `recover`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bluescribe.testing.contract import RecordedRun
from tests.contracts import CONTRACTS
from tests.readers import dx
from tests.system.faults import instrument

SECOND = 1.0
"""What may be missing."""
longest_loss: dict[str, float] = defaultdict(float)
"""Seconds before the kill at which the first missing event was emitted, by format."""
_IMAGES_ALONE = ("dx", "tiff")
_ENDINGS = {"nexus": ".hdf", "hdf5": ".h5", "dx": ".dx.h5"}
_NO_IMAGES = ("spec", "csv")


@dataclass
class Told:
    """What a session emitted of one run, and when."""

    events: list[float] = field(default_factory=list)
    stopped: float = np.inf
    has_images: bool = False


def told_of(record: Any) -> dict[str, Told]:
    """Return what was emitted, by run."""
    runs: dict[str, Told] = defaultdict(Told)
    for name, uid, _, seconds in record["emitted"]:
        if name == "event":
            runs[uid].events.append(seconds)
        elif name == "stop":
            runs[uid].stopped = seconds
        elif name == "image":
            runs[uid].has_images = True
    return {uid: told for uid, told in runs.items() if told.events}


def check_values(folder: Path, record: Any, *, is_alone: bool, lost: Sequence[Path]) -> None:
    """Fail unless the files have what was emitted, but for the last second.

    Parameters
    ----------
    folder, record
        The files, and what was emitted.
    is_alone
        Whether there was no journal.
    lost
        Files that could not be recovered, as `recover` said.
    """
    until = record["killed"] - SECOND
    for name in instrument.FORMATS:
        if name == "jsonl" and is_alone:
            continue
        read = dx.read_folder if name == "dx" else CONTRACTS[name]().read_back
        found = {run.uid: run for run in read(folder)}
        for uid, told in told_of(record).items():
            where = f"{name} of {uid[:7]} in {folder}"
            if any(path.name.endswith(f"{uid[:7]}{_ENDINGS.get(name)}") for path in lost):
                count_loss(f"{name} NOT RECOVERED", None, told, record)
            elif name == "json" and is_alone and uid not in found:
                assert told.stopped >= until, f"{where}: no document"
            elif name == "dx" and not told.has_images:
                assert uid not in found, f"{where}: a file without images"
            else:
                check_run(where, name, found.get(uid), told, until)
                count_loss(f"{name} alone" if is_alone else name, found.get(uid), told, record)


def count_loss(label: str, found: RecordedRun | None, told: Told, record: Any) -> None:
    missing = told.events[len(found.seq_num.get("primary", ())) if found else 0 :]
    if missing:
        longest_loss[label] = max(longest_loss[label], record["killed"] - missing[0])


def check_run(where: str, name: str, found: RecordedRun | None, told: Told, until: float) -> None:
    run = found or RecordedRun("")
    due = sum(1 for seconds in told.events if seconds < until)
    numbers = list(run.seq_num.get("primary", []))
    emitted = len(told.events)
    assert due <= len(numbers) <= emitted, f"{where}: {len(numbers)} of {emitted}, {due} due"
    assert numbers == list(range(1, len(numbers) + 1)), f"{where}: not in order"
    if numbers:
        check_fields(where, name, run.events["primary"], len(numbers), told)
    if found and name != "spec":  # our reader of SPEC files looks for no stop
        assert told.stopped < np.inf or run.stop is None, f"{where}: an invented stop document"
        assert run.stop is not None or told.stopped >= until, f"{where}: no stop document"


def check_fields(where: str, name: str, fields: Any, rows: int, told: Told) -> None:
    if name not in _IMAGES_ALONE:
        for row in range(rows):
            n = row + 1
            assert fields["x"][row] == instrument.scalar(n), f"{where}: x of {n}"
            assert fields["n"][row] == n, f"{where}: n of {n}"
            assert str(fields["text"][row]) == instrument.text(n), f"{where}: text of {n}"
    if told.has_images and name not in _NO_IMAGES:
        for row, image in enumerate(fields["image"]):
            assert np.array_equal(image, instrument.image(row + 1)), f"{where}: image {row + 1}"
    if told.has_images and name not in _IMAGES_ALONE:
        for row, array in enumerate(fields["spectrum"]):
            assert list(array) == instrument.spectrum(row + 1), f"{where}: spectrum {row + 1}"
