"""An adoption that is killed, or whose session ends or forks, is finished by the next one."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter

import pytest

from bluescribe.archive.adoption.adopting import adopt
from tests import warm
from tests.extent import IS_LONG
from tests.system.adopting import (
    TOP,
    check,
    check_as_undisturbed,
    iconfig,
    left,
    next_session,
    session,
)
from tests.system.dying import put_back
from tests.system.faults.test_kill import (
    check_originals_are_kept,
    check_that_readers_open,
    fingerprint,
    spec_texts,
)

pytestmark = pytest.mark.usefixtures("soon")

RUNS = ("open a", "take a 4", "flush", "open b", "take b 2", "flush", "close a", "kill")
SECONDS = 0.1
"""Less than what all of it takes."""


@pytest.mark.parametrize("seed", range(6 if IS_LONG else 2))
def test_adoption_that_is_killed_again_and_again_is_finished(seed, tmp_path):
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, *RUNS)
    before, spec = fingerprint(folder), spec_texts(folder)
    command = [sys.executable, "-m", "tests.system.killed_adopting", "10", str(seed), str(SECONDS)]
    ended = warm.run(command, cwd=TOP, check=True, timeout=60, capture_output=True, text=True)
    assert int(ended.stdout) < 9, "hardly any was killed"
    with next_session(config):
        pass
    assert left() == []
    after = fingerprint(folder)
    assert not [name for name in after if name.endswith((".recovering", ".part"))]
    check(folder, documents)
    check_that_readers_open(folder)
    texts = spec_texts(folder)
    appended = {name for name, text in spec.items() if texts.get(name, b"").startswith(text)}
    check_originals_are_kept({n: w for n, w in before.items() if n not in appended}, after)
    aside = Counter(re.sub(r"\.damaged.*", "", name) for name in after if ".damaged" in name)
    # a SPEC file has two scans; a run without an end that is done, and not noted yet, is done again
    assert {name: n for name, n in aside.items() if n > 2} == {}
    check_as_undisturbed(folder, documents, config)


@pytest.mark.parametrize("seed", range(6 if IS_LONG else 1))
def test_files_that_an_adoption_has_begun_and_no_session_before_are_there_once(seed, tmp_path):
    """It notes them in the spool, as a session does: the next one finds what is torn."""
    folder = tmp_path / "data"
    config = iconfig(folder, RETRY_SECONDS=0)
    documents = session(tmp_path, config, f"away {folder}", "open a", "take a 9", "kill")
    put_back(folder)
    command = [sys.executable, "-m", "tests.system.killed_adopting", "8", str(seed), str(SECONDS)]
    warm.run(command, cwd=TOP, check=True, timeout=60, capture_output=True)
    with next_session(config):
        pass
    assert left() == []
    check(folder, documents)
    assert not [path.name for path in folder.iterdir() if re.search(r"-2\.[^-]*$", path.name)]


LONG = ("open a", "take a 300", "kill")
ENDS = """
import json, sys, time
from bluesky import RunEngine
from bluescribe import subscribe_writers
RE = RunEngine({}, context_managers=[])
writers = subscribe_writers(RE, json.loads(sys.argv[1]))
time.sleep(float(sys.argv[2]))
"""
FORKS = """
import json, os, sys, threading, time
from bluesky import RunEngine
from bluescribe import subscribe_writers
RE = RunEngine({}, context_managers=[])
writers = subscribe_writers(RE, json.loads(sys.argv[1]))
ends = []
BUSY = {"bluescribe-begins", "bluescribe-adopts"}
while BUSY & {thread.name for thread in threading.enumerate()}:
    child = os.fork()
    if not child:
        if len(ends) % 2:
            sys.exit(0)
        os._exit(0)
    ends.append(os.waitpid(child, 0)[1])
    time.sleep(0.1)
print(len(ends), max(ends))
"""


def test_a_session_that_ends_meanwhile_breaks_nothing(tmp_path):
    """It waits for the run that is being written in one format, and for no other."""
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, *LONG)
    began = time.monotonic()
    adopt_for(0.1, config, ENDS)
    assert time.monotonic() - began < 20
    with next_session(config):
        pass
    assert left() == []
    check(folder, documents)
    assert not list(folder.glob("*.recovering"))


@pytest.mark.ci
@pytest.mark.parametrize("tenths", range(3, 15))
def test_a_session_may_end_at_any_moment_of_it(tmp_path, tenths):
    """While h5py is imported, or a file is looked at, by a thread that nobody waits for else."""
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, *LONG)
    adopt_for(tenths / 10, config, ENDS)
    with next_session(config):
        pass
    check(folder, documents)


def test_what_one_adoption_has_written_the_next_one_leaves(tmp_path):
    """Nobody is left with one more copy for each session that ends too soon."""
    folder = tmp_path / "data"
    config = iconfig(folder)
    session(tmp_path, config, *LONG)
    adopt_for(0.1, config, ENDS)
    assert len(left()) == 1, "it ended too late"
    with next_session(config):
        pass
    aside = Counter(n.partition(".damaged")[0] for n in fingerprint(folder) if ".damaged" in n)
    assert max(aside.values()) == 1, aside


def test_what_is_written_is_left_while_another_format_waits(tmp_path):
    """It is tried again every minute, for as long as the folder is away."""
    folder, away = tmp_path / "data", tmp_path / "away"
    config = iconfig(folder, ["jsonl", "csv"], csv={"DIRECTORY": str(away)}, RETRY_SECONDS=0)
    session(tmp_path, config, f"away {away}", "open a", "take a 2", "kill")
    adopt()
    after = fingerprint(folder)
    for _ in range(3):
        assert {step.outcome for step in adopt()} == {"FAILED"}
    assert fingerprint(folder) == after
    away.unlink()
    assert [step.path.parent for step in adopt()] == [away]
    assert fingerprint(folder) == after


@pytest.mark.ci
@pytest.mark.usefixtures("processes")
def test_a_session_may_fork_meanwhile(tmp_path):
    """HDF5 has a process of its own: in that of a fork it would end what its parent has open."""
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, *LONG)
    number, worst = map(int, adopt_for(0, config, FORKS).split())
    assert number >= 2
    assert worst == 0
    assert left() == []
    check(folder, documents)
    assert adopt() == []


def adopt_for(seconds, config, code):
    import json

    command = [sys.executable, "-c", code, json.dumps(config), str(seconds)]
    done = warm.run(command, cwd=TOP, timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
