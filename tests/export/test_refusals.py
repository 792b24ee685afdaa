"""An export that cannot write tells where, why, and what to do."""

from __future__ import annotations

import resource

import pytest

from bluescribe import export
from bluescribe.archive.exporting import FolderError, Manifest
from bluescribe.sources import Source, StoredRun
from tests.export.test_export import command, make_journals


def test_an_account_that_cannot_be_kept_is_told_and_goes_on_when_it_can(tmp_path):
    manifest = Manifest(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))  # as a disk that gets full
    try:
        manifest.begin("run 1", "csv")
        with pytest.raises(FolderError, match=r"\.bluescribe-export: File too large\. .*--resume"):
            manifest.begin("run 2" * 50, "csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        manifest.close()
    again = Manifest(tmp_path)
    again.finish("run 1", "csv", [])
    again.close()
    assert Manifest(tmp_path).done == {("run 1", "csv"): {}}


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file", "cannot write into file: it is a file. Give another folder for the files"),
        ("file/x", "cannot write into file/x: Not a directory. Give another folder for the files"),
    ],
)
def test_a_folder_that_cannot_be_made_is_told(tmp_path, out, message):
    (tmp_path / "file").write_text("")
    make_journals(tmp_path / "src", 1)
    process = command("src", "--all", "--out", out, cwd=tmp_path)
    _, error = process.communicate(timeout=100)
    assert (process.returncode, error) == (2, f"bluescribe: {message}\n")


class Damaged(Source):
    """What a catalog gives that was filled by hand."""

    def documents(self, key):
        yield "start", {"time": 1.0}
        yield "stop", {"uid": "s", "run_start": key, "time": 2.0, "exit_status": "success"}

    def runs(self, selection):
        yield StoredRun(self, "a", "a")


@pytest.mark.parametrize("name", ["csv", "jsonl", "nexus", "spec"])
def test_a_run_whose_start_is_damaged_is_not_called_complete(name, tmp_path):
    for _ in range(2):  # it is tried again
        done = export(Damaged(), tmp_path / "out", [name])
        (failure,) = done.failures
        assert "its start document is damaged, so nothing of it is written. Remedy" in failure
