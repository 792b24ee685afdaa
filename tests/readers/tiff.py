"""Read stacks with tifffile, by the list beside them; Pillow has to agree where it can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL.TiffImagePlugin import TiffImageFile

from bluescribe.testing.contract import RecordedRun

_PILLOW = ("uint8", "uint16", "int32", "float32")
"""What Pillow reads as it is."""


def read_folder(folder: Path) -> list[RecordedRun]:
    """Return the runs of all lists in a folder."""
    return [read_list(path) for path in sorted(folder.rglob("*.tiff.json"))]


def read_list(path: Path) -> RecordedRun:
    """Return the run that a list describes, from its stacks."""
    told = json.loads(path.read_bytes())
    run = RecordedRun(told["uid"], start=told["start"], stop=told["stop"])
    for entry in told["streams"]:
        stream = entry["stream"]
        seq_nums = run.seq_num[stream] = _numbers(entry["seq_nums"])
        columns = run.events[stream] = {}
        for images in entry["images"]:
            if "copied_from" in images:
                _check_copied(path, images)
                run.places[stream, images["field"]] = images["copied_from"]
                run.left_out[stream, images["field"]] = "frames, of which an event may have many"
                continue
            column = columns.setdefault(images["field"], [None] * len(seq_nums))
            found = read_stack(path.with_name(images["file"]))
            assert [page["seq_num"] for page, _ in found] == _numbers(images["seq_nums"])
            for page, image in found:
                assert image.shape == tuple(images["shape"])
                assert column[page["row"]] is None
                assert seq_nums[page["row"]] == page["seq_num"]
                column[page["row"]] = image.astype(bool) if images["dtype"] == "bool" else image
    for entry in told["left_out"]:
        run.left_out[entry["stream"], entry["field"]] = f"{entry['what']}: {entry['where']}"
    return run


def _check_copied(path: Path, images: dict[str, Any]) -> None:
    """Fail unless the pages of copied images are those that the list tells of."""
    found = read_stack(path.with_name(images["file"]))
    assert len(found) == images["pages"]
    first = found[0][0]["frame"]
    assert [page["frame"] for page, _ in found] == list(range(first, first + len(found)))
    firsts = [page for at, (page, _) in enumerate(found) if at == 0 or not page.get("of_event")]
    assert [p["seq_num"] for p in firsts if "seq_num" in p] == _numbers(images["seq_nums"])
    for _, image in found:
        assert image.shape == tuple(images["shape"])
        assert image.dtype.name == images["dtype"]


def read_stack(path: Path) -> list[tuple[dict[str, Any], Any]]:
    """Return the description and the pixels of each page."""
    with tifffile.TiffFile(path) as file:
        whole = [page for page in file.pages if isinstance(page, tifffile.TiffPage)]
        assert len(whole) == len(file.pages)
        pages = [
            (json.loads(page.tags["ImageDescription"].value), page.asarray()) for page in whole
        ]
        assert len(file.series) == 1, "the pages are no stack"
        assert file.series[0].shape == ((len(pages),) * (len(pages) > 1)) + pages[0][1].shape
    return pages


def check_folder(folder: Path) -> None:
    """Fail unless Pillow sees the same pages."""
    for path in folder.rglob("*.tif"):
        pages = read_stack(path)
        if pages[0][1].dtype.name in _PILLOW:
            with TiffImageFile(path) as file:
                assert file.n_frames == len(pages)
                for number, (_, image) in enumerate(pages):
                    file.seek(number)
                    assert np.array_equal(
                        np.asarray(file), image, equal_nan=image.dtype.kind == "f"
                    )


def _numbers(ranges: list[list[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]
