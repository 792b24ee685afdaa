"""Read JSON documents with Python's json, and have xarray make datasets of all streams."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from bluescribe.testing.contract import RecordedRun

_OF_OTHERS = (".datapackage.json", ".tiff.json")
"""What other formats put beside their files."""


def read_folder(folder: Path) -> list[RecordedRun]:
    """Return the runs of all documents in a folder."""
    return [read_file(path) for path in _documents(folder)]


def _documents(folder: Path) -> list[Path]:
    paths = sorted(folder.rglob("*.json"))
    return [path for path in paths if not path.name.endswith(_OF_OTHERS)]


def read_document(path: Path) -> dict[str, Any]:
    """Return a document; anything that is no strict JSON fails."""
    return json.loads(path.read_bytes(), parse_constant=_refuse)


def read_file(path: Path) -> RecordedRun:
    """Return the run in a document."""
    document = read_document(path)
    metadata = document.pop("metadata")
    run = RecordedRun(
        metadata["start"]["uid"],
        start=metadata["start"],
        stop=metadata["stop"],
        descriptors=metadata["descriptors"],
    )
    for dataset in document.values():
        attrs = dataset["attrs"]
        stream = attrs["stream"]
        coords = dataset["coords"]
        run.seq_num[stream] = _values(coords["seq_num"])
        run.times[stream] = _values(coords["time"])
        run.events[stream] = _columns(dataset)
        run.timestamps[stream] = _columns(dataset["timestamps"], dataset)
        for field, assets in attrs.get("external", {}).items():
            run.places[stream, field] = [json.dumps(asset, ensure_ascii=False) for asset in assets]
    return run


def check_folder(folder: Path) -> None:
    """Fail unless xarray makes a dataset of each stream, with the values that are in the text."""
    xarray = pytest.importorskip("xarray")
    for path in _documents(folder):
        document = read_document(path)
        del document["metadata"]
        for dictionary in document.values():
            for part in (dictionary, dictionary["timestamps"]):
                dataset = xarray.Dataset.from_dict(part)
                assert set(dataset.data_vars) == set(part["data_vars"])
                for name, variable in part["data_vars"].items():
                    assert dataset[name].dims == tuple(variable["dims"])
                    _check_values(dataset[name].values.tolist(), variable["data"])
            assert dict(dataset.sizes).items() <= dictionary["dims"].items()


def _check_values(found: Any, told: Any) -> None:
    """Compare what numpy makes of a list: null among numbers is NaN, large integers are rounded."""
    if isinstance(told, list):
        assert len(found) == len(told)
        for pair in zip(found, told, strict=True):
            _check_values(*pair)
    elif told is None:
        assert found is None or math.isnan(found)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        assert math.isclose(found, told, rel_tol=1e-15)
    elif isinstance(told, str):
        assert found in (told, told.rstrip("\0"))  # numpy takes NULs at the end for padding
    else:
        assert found == told


def _columns(dataset: dict[str, Any], named: dict[str, Any] | None = None) -> dict[str, list[Any]]:
    variables = dataset["data_vars"]
    attrs = {name: (named or dataset)["data_vars"][name]["attrs"] for name in variables}
    return {attrs[n].get("data_key", n): _values(v) for n, v in variables.items()}


def _values(variable: dict[str, Any]) -> list[Any]:
    values = variable["data"]
    if "encoding" in variable["attrs"]:
        values = [json.loads(text, parse_constant=_refuse) for text in values]
    for *place, word in variable["attrs"].get("not_finite", []):
        *above, last = place
        inside = values
        for number in above:
            inside = inside[number]
        assert inside[last] is None, f"{place} is {inside[last]}, and named as {word}"
        inside[last] = float(word.replace("Infinity", "inf"))
    return values


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")
