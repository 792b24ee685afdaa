"""What long commands show in a terminal, and that files and pipes get none of it."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from tests import warm
from tests.export.test_export import COMMAND, make_journals


def in_terminal(*arguments, cwd):
    """Return what a command shows in a terminal."""
    ours, theirs = pty.openpty()
    process = warm.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=cwd,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # as Linux tells that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    process.wait(timeout=100)
    return shown.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "src", "--all", "--out", "out"], ["looking for runs", "exporting", "2/2"]),
        (["pack", "src", "--all", "--out", "box"], ["looking for runs", "packing", "2/2"]),
        (["pack", "src", "--all", "--zip", "--to", "csv", "--out", "a.zip"], ["packing", "2/2"]),
        (["unpack", "--verify", "box"], ["checking"]),
    ],
)
def test_a_terminal_shows_what_goes_on(tmp_path, arguments, words):
    make_journals(tmp_path / "src", 2)
    if arguments[0] == "unpack":
        in_terminal("pack", "src", "--all", "--out", "box", cwd=tmp_path)
    shown = in_terminal(*arguments, cwd=tmp_path)
    assert not [word for word in words if word not in shown], shown


def test_a_pipe_gets_results_and_warnings_in_lines_of_their_own(tmp_path):
    make_journals(tmp_path / "src", 1)
    wanted = ["export", "src", "--all", "--to", "csv", "--out", "out"]
    for _ in range(2):
        done = warm.run(
            [sys.executable, "-c", COMMAND, *wanted],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "exporting" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"WARNING {tmp_path}/out/")
    assert "is already there; writing" in line
