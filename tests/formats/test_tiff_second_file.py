"""A stack that reaches the largest size of classic TIFF goes on in another file.

The size is 4 GB; here it is a few pages.
"""

from __future__ import annotations

import json
import signal
import sys

import numpy as np
import pytest
import tifffile

import bluescribe
from bluescribe import TiffWriter
from bluescribe.formats.tiff import stackfile
from tests import warm
from tests.formats.images import (
    area_detector_file,
    frames,
    hdf5_resource,
    hdf5_stream,
    refuse_pages,
    run_of_resources,
    run_of_streams,
)
from tests.formats.test_json import STOP, documents
from tests.readers.tiff import check_folder, read_folder, read_stack
from tests.recovering import recover

MOST = 3000
"""Bytes: the first page has the start document."""


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(stackfile, "MOST_BYTES", MOST)


def image(number, shape=(6, 8)):
    return np.full(shape, number, np.uint16)


def run(*images):
    return [*documents(*({"camera": each} for each in images)), ("stop", STOP)]


def play(folder, pairs, **settings):
    with TiffWriter(folder, file_name="run", **settings) as writer:
        for pair in pairs:
            writer(*pair)
    assert not writer.status().failures, writer.status()


def listed(folder):
    (stream,) = json.loads((folder / "run.tiff.json").read_text())["streams"]
    return stream["images"]


def check(folder, number):
    """Fail unless the files of a stack have all images in their order; return their names."""
    entries = listed(folder)
    names = [entry["file"] for entry in entries]
    assert names == ["run-primary-camera.tif"] + [
        f"run-primary-camera-{n}.tif" for n in range(2, len(names) + 1)
    ]
    assert sorted(names) == sorted(path.name for path in folder.glob("*.tif"))
    found = np.concatenate([read_pages(folder / name) for name in names])
    assert found[:, 0, 0].tolist() == list(range(number))
    numbers = [n for e in entries for a, b in e["seq_nums"] for n in range(a, b + 1)]
    assert numbers == list(range(1, number + 1))
    for name in names:
        path = folder / name
        assert path.stat().st_size <= MOST
        assert path.read_bytes().startswith(b"II*\0")
        assert read_stack(path)[0][0]["start"]["uid"]
    check_folder(folder)
    return names


def read_pages(path):
    return np.array([pixels for _, pixels in read_stack(path)])


@pytest.mark.parametrize("way", ["live", "exported"])
def test_images_of_events_go_on_in_further_files(way, tmp_path, caplog):
    pairs = run(*map(image, range(40)))
    if way == "live":
        play(tmp_path, pairs)
    else:
        assert not bluescribe.export(pairs, tmp_path, ["tiff"], file_name="run").failures
    assert len(check(tmp_path, 40)) > 2
    (found,) = read_folder(tmp_path)
    assert [each[0, 0] for each in found.events["primary"]["camera"]] == list(range(40))
    assert not caplog.records, "that a stack goes on is no news"


def test_other_shapes_and_further_files_share_one_counter(tmp_path):
    shapes = [(6, 8), (3, 4)] * 20
    play(tmp_path, run(*(image(n, shape) for n, shape in enumerate(shapes))))
    entries = listed(tmp_path)
    assert len(entries) > 3
    assert {tuple(entry["shape"]) for entry in entries} == {(6, 8), (3, 4)}
    assert len({entry["file"] for entry in entries}) == len(entries)
    (found,) = read_folder(tmp_path)
    assert [each[0, 0] for each in found.events["primary"]["camera"]] == list(range(40))


def test_bigtiff_and_single_files_need_no_further_files(tmp_path):
    pairs = run(*map(image, range(40)))
    play(tmp_path / "big", pairs, bigtiff=True)
    (path,) = (tmp_path / "big").glob("*.tif")
    assert len(read_pages(path)) == 40
    play(tmp_path / "frames", pairs, one_file_a_frame=True)
    assert len(list((tmp_path / "frames").glob("*.tif"))) == 40


def test_an_image_that_no_classic_file_holds_is_not_lost(tmp_path):
    large = np.arange(2 * MOST, dtype=np.uint8).reshape(2, MOST)
    play(tmp_path, run(large, image(0)))
    with tifffile.TiffFile(tmp_path / "run-primary-camera.tif") as file:
        assert file.is_bigtiff
        assert np.array_equal(file.asarray(), large)
    assert (tmp_path / "run-primary-camera-2.tif").read_bytes().startswith(b"II*\0")


@pytest.mark.parametrize("at", range(26, 36))
def test_a_full_disk_where_a_stack_goes_on_costs_nothing(at, tmp_path, monkeypatch):
    refuse_pages(monkeypatch, at)
    play(tmp_path, run(*map(image, range(20))))
    assert len(check(tmp_path, 20)) > 1


@pytest.mark.parametrize("single", [False, True])
def test_copies_go_on_in_further_files(single, tmp_path):
    area_detector_file(tmp_path / "raw.h5", frames(40))
    docs = run_of_streams([hdf5_stream(tmp_path / "raw.h5")], [(0, 0, 40)], (1, 6, 8))
    play(tmp_path / "data", docs, one_file_a_frame=single)
    if single:
        assert len(list((tmp_path / "data").glob("*.tif"))) == 40
        return
    entries = listed(tmp_path / "data")
    assert len(entries) > 2
    found = [read_pages(tmp_path / "data" / entry["file"]) for entry in entries]
    assert np.array_equal(np.concatenate(found), frames(40))
    assert [len(pages) for pages in found] == [entry["pages"] for entry in entries]
    read_folder(tmp_path / "data")
    check_folder(tmp_path / "data")


def test_an_event_whose_frames_are_in_two_files_is_in_both(tmp_path):
    raw = area_detector_file(tmp_path / "raw.h5", frames(40))
    points = [(0, {"point_number": number}) for number in range(10)]
    docs = run_of_resources([hdf5_resource(raw, frame_per_point=4)], points, (4, 6, 8))
    play(tmp_path / "data", docs)
    read_folder(tmp_path / "data")
    numbers = {n for e in listed(tmp_path / "data") for a, b in e["seq_nums"] for n in (a, b)}
    assert {1, 10} <= numbers


_CHILD = """
import os, sys
from bluescribe import JsonlWriter, TiffWriter
from bluescribe.formats.tiff import stackfile
from tests.formats.test_tiff_second_file import MOST, image, run
stackfile.MOST_BYTES = MOST
writers = [kind(sys.argv[1], file_name="run") for kind in (TiffWriter, JsonlWriter)]
for pair in run(*map(image, range(20)))[:-1]:
    for writer in writers:
        writer(*pair)
for writer in writers:
    writer.flush()
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def killed(tmp_path):
    done = warm.run(
        [sys.executable, "-c", _CHILD, str(tmp_path)], timeout=60, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return tmp_path


@pytest.mark.parametrize("has_journal", [False, True])
@pytest.mark.parametrize("knows_list", [False, True])
def test_recovery_knows_the_further_files(has_journal, knows_list, killed):
    names = [path.name for path in sorted(killed.glob("*.tif"))]
    assert len(names) > 1
    if not has_journal:
        (killed / "run.jsonl").unlink()
    path = killed / "run.tiff.json"
    if not knows_list:
        path.write_text(json.dumps({**json.loads(path.read_text()), "streams": []}))
    assert not recover(killed).failed
    assert sorted(check(killed, 20)) == names
    assert not recover(killed).steps


@pytest.mark.parametrize("lost", [0, 5, 90, 200, 800])
def test_a_page_torn_in_the_last_file_is_cut(lost, killed):
    (killed / "run.jsonl").unlink()
    path = killed / "run.tiff.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "streams": []}))
    *_, last = sorted(killed.glob("*.tif"), key=lambda file: file.stat().st_mtime_ns)
    whole = last.read_bytes()
    last.write_bytes(whole[: len(whole) - lost])
    assert not recover(killed).failed
    rows = sum(b - a + 1 for entry in listed(killed) for a, b in entry["seq_nums"])
    check(killed, rows)
    assert rows == 20 if not lost else 12 <= rows < 20
