"""What a killed session left unfinished is finished by the next one, wherever it is."""

from __future__ import annotations

import pytest

from tests.system.adopting import (
    FORMATS,
    check,
    check_as_undisturbed,
    iconfig,
    left,
    next_session,
    session,
    told,
)

CUT = ("open a", "take a 5", "kill")


@pytest.mark.parametrize("is_relative", [False, True], ids=["absolute", "relative"])
def test_the_next_session_finishes_all_files(is_relative, tmp_path, caplog):
    folder = tmp_path / "there" / "data"
    folder.parent.mkdir()
    config = iconfig("data" if is_relative else folder)
    documents = session(tmp_path, config, *CUT, cwd=folder.parent)
    print(sorted(p.name for p in folder.iterdir()))
    assert left()
    with next_session(iconfig(tmp_path / "elsewhere")):
        pass
    print(sorted(p.name for p in folder.iterdir()))
    for m in told(caplog): print(m)
    check(folder, documents)
    check_as_undisturbed(folder, documents, config)
