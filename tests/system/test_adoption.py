"""What a killed session left unfinished is finished by the next one, wherever it is."""

from __future__ import annotations

import pytest

from tests.extent import IS_LONG
from tests.system.adopting import (
    FORMATS,
    adopted,
    age,
    check,
    check_as_undisturbed,
    iconfig,
    left,
    next_session,
    session,
    told,
)
from tests.system.faults.test_kill import (
    check_originals_are_kept,
    check_that_readers_open,
    fingerprint,
)

pytestmark = pytest.mark.usefixtures("soon")

CUT = ("open a", "take a 5", "kill")
DONE = "an earlier session ended before it had written these files, which is done now: "


def about_files(messages: list[str]) -> list[str]:
    """Return what is told, but for what a run of DX lacks."""
    return [message for message in messages if "cannot be reconstructed" not in message]


def one_warning(messages: list[str]) -> str:
    """Return the files that are named in the one warning that there is."""
    of_files = about_files(messages)
    assert len(of_files) == 1, of_files
    assert of_files[0].startswith(DONE)
    return of_files[0].removeprefix(DONE)


@pytest.mark.parametrize("is_relative", [False, True], ids=["absolute", "relative"])
def test_the_next_session_finishes_all_files(is_relative, tmp_path, caplog):
    """A relative folder is in the session's working directory of then."""
    folder = tmp_path / "there" / "data"
    folder.parent.mkdir()
    config = iconfig("data" if is_relative else folder)
    documents = session(tmp_path, config, *CUT, cwd=folder.parent)
    before = fingerprint(folder)
    assert len(left()) == 1
    with next_session(iconfig(tmp_path / "elsewhere")):
        pass
    names = one_warning(told(caplog)).split(", ")
    assert len(names) == len(set(names)) == len(FORMATS)
    assert all((folder / name).is_file() for name in names), "each is named by its path"
    assert left() == []
    check(folder, documents)
    after = fingerprint(folder)
    check_originals_are_kept(before, after)
    aside = [name for name in after if ".damaged" in name]
    assert sorted(aside) == sorted(f"{name}.damaged" for name in before)
    check_that_readers_open(folder)
    check_as_undisturbed(folder, documents, config)


@pytest.mark.parametrize(
    "name", [*FORMATS[::3], *(pytest.param(n, marks=pytest.mark.ci) for n in FORMATS[1::3]),
             *(pytest.param(n, marks=pytest.mark.ci) for n in FORMATS[2::3])]
)  # fmt: skip
def test_a_third_session_has_nothing_to_tell(name, tmp_path, caplog):
    folder = tmp_path / "data"
    config = iconfig(folder, [name])
    session(tmp_path, config, *CUT)
    age(folder)
    with next_session(config):
        pass
    (path,) = one_warning(told(caplog)).split(", ")
    assert path.startswith(str(folder))
    age(folder)
    after = fingerprint(folder)
    with next_session(config):
        pass
    assert told(caplog) == []
    assert fingerprint(folder) == after


def test_the_next_session_finishes_its_own_files_too(tmp_path, caplog):
    """Its first run comes while those of the earlier one are written."""
    folder = tmp_path / "data"
    config = iconfig(folder, FILE_NAME="run")
    documents = session(tmp_path, config, *CUT)
    with next_session(config, is_adopted=False) as writers:
        more = renamed(documents)
        for name, doc in more:
            writers(name, doc)
    adopted()
    one_warning([message for message in told(caplog) if "is already there" not in message])
    assert left() == []
    check(folder, [*documents, *more])


def test_runs_that_were_whole_are_left_alone(tmp_path, caplog):
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(
        tmp_path, config, "open a", "take a 3", "close a", "open b", "take b 2", "kill"
    )
    first = documents[0][1]["uid"][:7]
    before = {name: what for name, what in fingerprint(folder).items() if first in name}
    assert len(before) >= len(FORMATS) - 1, "the SPEC file is one of both"
    with next_session(config):
        pass
    after = fingerprint(folder)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if first in name and ".damaged" in name]
    assert first not in one_warning(told(caplog))
    check(folder, documents)
    check_as_undisturbed(folder, documents, config)


def test_the_beginning_of_a_run_is_enough(tmp_path):
    """Formats that have nothing to say of such a run make no file."""
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, "open a", "kill")
    with next_session(config):
        pass
    assert left() == []
    assert [name for name, _ in documents] == ["start"]
    check_as_undisturbed(folder, documents, config)


def test_a_session_that_was_idle_leaves_nothing(tmp_path, caplog):
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = session(tmp_path, config, "open a", "take a 2", "close a", "kill")
    before = fingerprint(folder)
    with next_session(config):
        pass
    assert told(caplog) == []
    assert left() == []
    assert fingerprint(folder) == before
    check(folder, documents)


@pytest.mark.skipif(not IS_LONG, reason="takes long")
def test_many_dead_sessions_are_all_finished(tmp_path, caplog):
    folder = tmp_path / "data"
    config = iconfig(folder)
    documents = [session(tmp_path, config, *CUT) for _ in range(5)]
    assert left(), "each adopts what those before it left, and leaves its own"
    with next_session(config):
        pass
    assert left() == []
    check(folder, [document for run in documents for document in run])


def renamed(documents):
    """Return the same run as another one."""
    keys = ("uid", "run_start", "descriptor")
    return [(n, {**d, **{k: f"b{d[k]}" for k in keys if k in d}}) for n, d in documents]
