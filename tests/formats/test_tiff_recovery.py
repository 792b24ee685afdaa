"""Stacks of killed sessions: torn pages, and a list that is behind them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile

from bluescribe.formats.tiff.pages import is_torn, whole_pages
from tests.readers import tiff
from tests.recovering import recover
from tests.system.killed import ROWS, image, kill_session


@pytest.fixture(scope="module", params=[False, True], ids=["stack", "frames"])
def killed(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "data"
    kill_session(folder, ("tiff", "jsonl"), tiff={"one_file_a_frame": request.param})
    return folder, request.param


@pytest.fixture
def folder(killed, tmp_path):
    return shutil.copytree(killed[0], tmp_path / "data")


def entries(folder):
    told = json.loads((folder / "run.tiff.json").read_bytes())
    assert told["state"] == "never stopped"
    (stream,) = told["streams"]
    return stream["seq_nums"], stream["images"], told


@pytest.mark.parametrize("has_journal", [False, True])
def test_all_images_are_there_as_they_were_written(has_journal, killed, folder):
    if not has_journal:
        (folder / "run.jsonl").unlink()
    assert len(recover(folder).steps) == 1
    numbers, (entry,), told = entries(folder)
    assert numbers == entry["seq_nums"] == [[1, ROWS]]
    assert (entry["field"], entry["shape"], entry["dtype"]) == ("camera", [3, 4], "uint16")
    assert ("files" in entry) == killed[1]
    assert "camera" not in {left["field"] for left in told["left_out"]}
    paths = sorted(folder.glob("*.tif"))
    assert len(paths) == (ROWS if killed[1] else 1)
    found = [page for path in paths for page in tiff.read_stack(path)]
    assert all(np.array_equal(pixels, image(row)) for row, (_, pixels) in enumerate(found))
    assert not recover(folder).steps


def test_the_list_may_know_of_no_image_yet(killed, folder):
    path = folder / "run.tiff.json"
    (folder / "run.jsonl").unlink()
    told = json.loads(path.read_bytes())
    path.write_text(json.dumps({**told, "streams": []}))
    assert not recover(folder).failed
    numbers, (entry,), _ = entries(folder)
    assert numbers == entry["seq_nums"] == [[1, ROWS]]
    assert ("files" in entry) == killed[1]


def test_of_events_that_nothing_tells_of_no_image_is_used(killed, folder):
    """An event behind the list had no image: nobody knows its number, and so the next one's row."""
    if not killed[1]:
        pytest.skip("a stack has its pages one behind the other")
    (folder / "run.jsonl").unlink()
    path = folder / "run.tiff.json"
    told = json.loads(path.read_bytes())
    told["streams"][0]["seq_nums"] = [[1, 1]]
    path.write_text(json.dumps(told))
    (folder / "run-primary-camera-000003.tif").unlink()
    report = recover(folder)
    numbers, (entry,), _ = entries(folder)
    assert numbers == entry["seq_nums"] == [[1, 2]]
    assert len(list(folder.glob("*.tif"))) == 2
    assert len(report.steps[0].kept) == 3, "the list, and images 4 and 5"


def test_a_stack_that_is_cut_anywhere_has_its_whole_pages(tmp_path):
    kill_session(tmp_path / "whole", ("tiff",))
    whole = (tmp_path / "whole/run-primary-camera.tif").read_bytes()
    ends = [page.end for page in whole_pages(tmp_path / "whole/run-primary-camera.tif")]
    assert len(ends) == ROWS
    for size in [*range(0, len(whole), 61), *ends]:
        folder = shutil.copytree(tmp_path / "whole", tmp_path / f"{size}")
        path = folder / "run-primary-camera.tif"
        path.write_bytes(whole[:size])
        told = json.loads((folder / "run.tiff.json").read_bytes())
        told["streams"][0]["seq_nums"] = []
        (folder / "run.tiff.json").write_text(json.dumps(told))
        assert not recover(folder).failed
        pages = sum(end <= size for end in ends)
        assert path.exists() == bool(pages)
        if pages:
            assert not is_torn(path, list(whole_pages(path)))
            with tifffile.TiffFile(path) as file:
                assert len(file.pages) == pages
                assert all(np.array_equal(p.asarray(), image(n)) for n, p in enumerate(file.pages))
            assert entries(folder)[0] == [[1, pages]]
        assert not recover(folder).steps


def test_files_of_a_run_of_the_same_name_are_left(folder):
    """Two runs of one name have a number; the second has only made its list and a file."""
    kept = folder / "run-2-primary-camera.tif"
    kept.touch()
    (folder / "run-2.tiff.json").write_text('{"uid":"other","state":"complete"}')
    assert not recover(folder).failed
    assert kept.exists()


@pytest.mark.parametrize("has_journal", [False, True])
def test_what_somebody_has_made_of_the_images_is_left(has_journal, folder):
    if not has_journal:
        (folder / "run.jsonl").unlink()
    tifffile.imwrite(folder / "run-mean.tif", image(0))
    tifffile.imwrite(folder / "run-large.tif", image(0), bigtiff=True)
    tifffile.imwrite(folder / "run-told.tif", image(0), bigtiff=True, description="[1]")
    before = {path: path.read_bytes() for path in folder.glob("run-[mlt]*.tif")}
    assert not recover(folder).failed
    assert len(before) == 3
    assert before == {path: path.read_bytes() for path in before}


def test_lists_of_others_are_not_touched(tmp_path):
    path = tmp_path / "theirs.tiff.json"
    for text in ('{"state": "recording"}', "[1, 2]", "not JSON"):
        path.write_text(text)
        assert not recover(tmp_path).steps
        assert path.read_text() == text
