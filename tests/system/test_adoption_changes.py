"""What was changed before a session was killed is so in the files that the next one finishes."""

from __future__ import annotations

import pytest

from tests.readers.jsonl import read_documents
from tests.system.adopting import iconfig, next_session, session

pytestmark = pytest.mark.usefixtures("soon")


def test_folders_switches_and_numbers_are_those_of_each_run(tmp_path):
    config = iconfig("made", ["jsonl", "nexus"], FILE_NAME="x-{#:02d}")
    session(
        tmp_path,
        config,
        *("open a", "take a 2", "folder second", "off nexus", "open b", "take b 3"),
        *("folder third", "on nexus", "open c", "take c 4", "kill"),
        cwd=tmp_path,
    )
    with next_session(iconfig(tmp_path / "elsewhere", ["jsonl"])):
        pass
    found = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("x-*")}
    names = sorted(name for name in found if ".damaged" not in name)
    assert names == [
        "made/x-01.hdf", "made/x-01.jsonl", "second/x-01.jsonl", "third/x-01.hdf",
        "third/x-01.jsonl",
    ]  # fmt: skip
    for name, events in [("made", 2), ("second", 3), ("third", 4)]:
        documents = read_documents(found[f"{name}/x-01.jsonl"])
        assert [kind for kind, _ in documents].count("event") == events
