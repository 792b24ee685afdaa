"""Not all of a run is in the spool: after a power cut, or when its disk refused some of it."""

from __future__ import annotations

import random

import pytest

from bluescribe.archive.journals import events_of
from bluescribe.spool.folder import SpoolFolder
from bluescribe.spool.left import LeftSpool
from tests.contracts import CONTRACTS
from tests.extent import IS_LONG
from tests.readers import dx
from tests.system.adopting import (
    FORMATS,
    check,
    iconfig,
    left,
    next_session,
    session,
    told,
)
from tests.system.faults.test_kill import check_originals_are_kept, fingerprint

pytestmark = pytest.mark.usefixtures("soon")

STEPS = ("open a", *("take a 1", "flush") * 5, "kill")
COUNTED = [name for name in FORMATS if name != "json"]
"""Formats whose files of a killed session tell what they have."""


def in_spool():
    """Return how many events of the one run are left in the spool; None if it is not there."""
    (path,) = left()
    folder = SpoolFolder.taken(path)
    assert folder is not None
    spool = LeftSpool(folder)
    found = None
    for run in spool.runs.values():
        found = events_of(spool.story(run.uid, "jsonl")).get("primary", 0)
    folder.release()
    return found


def cut(chance, how):
    """Cut off the end of the last segment, or have zeros there."""
    (path,) = left()
    last = max(path.glob("*.spool"))
    size = last.stat().st_size
    keep = chance.randrange(size)
    with last.open("r+b") as file:
        file.truncate(keep)
        if how == "zeros":
            file.truncate(size)


def most_rows(folder, name):
    """Return the rows of the run in the file of a format that has most of them."""
    read = dx.read_folder if name == "dx" else CONTRACTS[name]().read_back
    return max((len(run.seq_num.get("primary", ())) for run in read(folder)), default=0)


@pytest.mark.ci
@pytest.mark.parametrize("how", ["cut", "zeros"])
@pytest.mark.parametrize("seed", range(20 if IS_LONG else 4))
def test_a_power_cut_costs_nothing_that_a_file_has(how, seed, tmp_path):
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, *STEPS)
    before = fingerprint(folder)
    cut(random.Random(f"{seed} {how}"), how)
    kept = in_spool()
    with next_session(config):
        pass
    assert left() == []
    after = fingerprint(folder)
    check_originals_are_kept(before, after)
    if kept is None:
        assert after == before, "nothing is known of the run"
    elif kept == 5:
        check(folder, documents)
    else:
        aside = {name.partition(".damaged")[0] for name in after if ".damaged" in name}
        mains = {name for name in before if not name.endswith((".json", ".spool"))}
        assert not aside & mains, "what has more than the spool stays where it is"
        for name in COUNTED:
            if name not in ("nexus", "hdf5", "dx"):  # nobody opens these before they are mended
                assert most_rows(folder, name) == 5, name


@pytest.mark.parametrize("name", COUNTED)
def test_a_file_that_has_more_than_the_spool_stays(name, tmp_path):
    folder = tmp_path / "data"
    config = iconfig(folder, [name])
    session(tmp_path, config, *STEPS)
    before = fingerprint(folder)
    (path,) = left()
    last = max(path.glob("*.spool"))
    with last.open("r+b") as file:
        file.truncate(last.stat().st_size * 3 // 4)
    assert in_spool() in range(1, 5)
    with next_session(config):
        pass
    after = fingerprint(folder)
    assert {n: after.get(n) for n in before} == before
    assert len(after) > len(before), "what the spool has is beside it"


GAP = ("open a", "take a 2", "flush", "refuse", "take a 3", "accept", "take a 2", "kill")


def test_a_run_with_a_gap_is_written_beside_what_is_there(tmp_path, caplog):
    """The files have all; the spool lacks what its disk refused for too long."""
    folder = tmp_path / "data"
    config = iconfig(folder)
    session(tmp_path, config, *GAP)
    before = fingerprint(folder)
    assert in_spool() == 4
    with next_session(config):
        pass
    assert left() == []
    after = fingerprint(folder)
    assert {name: after.get(name) for name in before} == before
    beside = [name for name in after if name not in before and not name.startswith(".")]
    assert len(beside) >= len(FORMATS)
    assert any("may lack a part" in message for message in told(caplog))
