"""What the files have to hold after a session met a fault: all that it emitted, once, as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile

from bluescribe.testing import RecordedRun
from tests.contract_of_dx import DxContract
from tests.contracts import CONTRACTS
from tests.formats.images import frames
from tests.readers import jsonl, spec
from tests.system.faults.struck import read_told

__all__ = ["MOMENT", "check", "check_copied", "spooled"]

ALL = {**CONTRACTS, "dx": DxContract}
MOMENT = 0.1
"""How long what was emitted may not be in the spool yet."""
_LEFTOVERS = (".part", ".owed", ".recovering", ".spool")


def check(
    place: Path,
    *,
    killed: float | None = None,
    comes_again: bool = False,
    moment: float = MOMENT,
) -> float:
    """Fail unless all is in all formats, once, and nothing is left beside the files.

    Parameters
    ----------
    place
        Where a session was.
    killed
        When it was killed, in epoch seconds; None if it was not.
    comes_again
        Whether it told that a SPEC scan, of which nobody knows whether it is whole, comes again.
    moment
        Seconds of documents that may be missing when the session itself was killed.

    Returns
    -------
    float
        Seconds of documents that are missing.
    """
    folder, emitted = place / "data", [*read_told(place / "told")]
    documents, loss = [(name, doc) for name, doc, _ in emitted], 0.0
    if killed is not None:
        documents, loss = _kept(folder / "jsonl", emitted, killed, moment)
    for name, contract in ALL.items():
        found = [*_runs(folder / name, name)]
        is_once = len({run.uid for run in found}) == len(found)
        assert is_once or (comes_again and name == "spec"), f"{name}: a run is there twice"
        try:
            contract().check_runs(found, documents)
        except AssertionError as error:
            error.add_note(f"in {name}, of {sorted(p.name for p in (folder / name).iterdir())}")
            raise
    _check_foreign(place)
    left = [path.name for path in folder.rglob("*") if path.name.endswith(_LEFTOVERS)]
    assert not left, left
    assert not spooled(place), "the spool is not empty"
    return loss


def spooled(place: Path) -> list[Path]:
    """Return the files in spools.

    One that was killed as it made its folder has received nothing; that goes when it is old.
    """
    files = [path for path in (place / "state").rglob("*") if path.is_file()]
    return [path for path in files if not path.parent.name.startswith(".")]


def _runs(folder: Path, name: str) -> Iterator[RecordedRun]:
    if name != "spec":
        yield from ALL[name]().read_back(folder)
        return
    for path in sorted(folder.glob("*.dat")):
        scans = spec.scans(path)
        yield from (spec.read_run(scan) for scan in scans if "uid" in getattr(scan, "MD", ()))


def _kept(
    folder: Path, emitted: list[tuple[str, Any, float]], killed: float, moment: float
) -> tuple[list[Any], float]:
    """Return what the journals have of what was emitted, and how long before the kill that ends."""
    left: Counter[str] = Counter()
    for path in folder.glob("*.jsonl"):
        found = jsonl.read_documents(path)
        left[found[0][1]["uid"]] += len(found)
    owners: dict[str, str] = {}
    kept, loss = [], 0.0
    for name, doc, seconds in emitted:
        uid = _owner(name, doc, owners)
        if left[uid]:
            left[uid] -= 1
            kept.append((name, doc))
        else:
            lost = f"{name} of {uid[:7]}, {killed - seconds:.3f} s before the kill, is missing"
            assert seconds > killed - moment, lost
            loss = max(loss, killed - seconds)
    return kept, loss


def _owner(name: str, doc: Any, owners: dict[str, str]) -> str:
    if name == "descriptor":
        owners[doc["uid"]] = doc["run_start"]
    if "descriptor" in doc:
        return owners[doc["descriptor"]]
    return str(doc["uid"] if name == "start" else doc["run_start"])


def _check_foreign(place: Path) -> None:
    """Fail unless the scans of another program are where they were."""
    text = "".join(path.read_text() for path in (place / "data" / "spec").glob("*.dat"))
    number = 1 + (place / "foreign").exists()
    assert text.count("#C foreign  User = specuser") == text.count("\n2 1 19\n") == number


def check_copied(place: Path) -> None:
    """Fail unless the images of `copying` are in the files, and not links."""
    folder = place / "data"
    for path in (*(folder / "nexus").glob("*.hdf"), *(folder / "dx").glob("*.h5")):
        with h5py.File(path) as file:
            if _has_copies(file):
                continue
            assert "S00001" not in path.name, f"{path.name} has no images of its own"
    (stack,) = (folder / "tiff").glob("*camera*.tif")
    assert np.array_equal(tifffile.imread(stack), frames(4))


def _has_copies(file: h5py.File) -> bool:
    found = []

    def look(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape == frames(4).shape:
            is_here = not item.is_virtual and item.file.filename == file.filename
            found.append(is_here and np.array_equal(item[()], frames(4)))

    file.visititems(look)
    return any(found)
