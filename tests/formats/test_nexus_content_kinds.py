"""What CONTENT and templates can make beside links and constants: groups, arrays, other files."""

from __future__ import annotations

import json
import logging

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine, SupplementalData
from ophyd.sim import det

from bluescribe import NexusWriter
from bluescribe.errors import ConfigError
from tests.formats.beamline import signals, take
from tests.readers.nexus_rules import check_folder


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_an_empty_group_is_made_as_it_is_asked_for(tmp_path, caplog):
    content: dict[str, dict] = {
        "/entry/instrument/attenuator:NXattenuator": {},
        "/entry/notes:NXnote/today:NXcollection": {},
        "/entry/sample:NXsample": {},  # one that is known, and for which nothing is found here
    }
    with h5py.File(take(tmp_path, content=content)) as file:
        for path, nx_class in (
            ("instrument/attenuator", "NXattenuator"),
            ("notes", "NXnote"),
            ("notes/today", "NXcollection"),
            ("sample", "NXsample"),
        ):
            assert file[f"entry/{path}"].attrs["NX_class"] == nx_class
        assert list(file["entry/instrument/attenuator"]) == []
    assert warnings_in(caplog) == []
    check_folder(tmp_path)


def test_an_empty_group_keeps_what_is_found_for_it(tmp_path):
    path = take(tmp_path, md={"sample_name": "Fe"}, content={"/entry/sample:NXsample": {}})
    with h5py.File(path) as file:
        assert file["entry/sample/name"][()] == b"Fe"


def test_numbers_in_lists_are_arrays(tmp_path):
    content = {
        "/entry/geometry:NXcollection": {
            "short": [1, 2, 3],
            "matrix": [[1.0, 0], [0, 0.5]],
            "said": {"value": [0.25, 1], "units": "mm", "vector": [0, 0, 1]},
            "metadata": "metadata/offsets",
            "inner": "metadata/robot/pose",
            "names": {"value": ["x", "ÿ"]},
            "copied": {"source": "metadata/offsets", "units": "mm"},
        }
    }
    md = {"offsets": [1, 2.5], "robot": {"pose": [[1, 2], [3, 4]]}}
    with h5py.File(take(tmp_path, md=md, content=content)) as file:
        group = file["entry/geometry"]
        found = {name: group[name][()].tolist() for name in group}
        assert found["short"] == [1, 2, 3]
        assert group["short"].dtype.kind == "i"
        assert found["matrix"] == [[1, 0], [0, 0.5]]
        assert found["said"] == [0.25, 1]
        assert group["said"].attrs["units"] == "mm"
        assert group["said"].attrs["vector"].tolist() == [0, 0, 1]
        assert found["metadata"] == found["copied"] == [1, 2.5]
        assert group["copied"].attrs["units"] == "mm"
        assert found["inner"] == [[1, 2], [3, 4]]
        assert [text.decode() for text in found["names"]] == ["x", "ÿ"]


def test_a_list_that_no_array_holds_costs_nothing_beside_it(tmp_path, caplog):
    """An array of floats would round the large integer."""
    large = [2**60 + 1, 0.5]
    values = {"ragged": [[1], [2, 3]], "mixed": [1, "a"], "large": large, "huge": [2**70]}
    content = {"/entry/odd:NXcollection": {name: {"value": v} for name, v in values.items()}}
    content["/entry/odd:NXcollection"]["beside"] = {"value": 7}
    with h5py.File(take(tmp_path, content=content)) as file:
        group = file["entry/odd"]
        assert group["beside"][()] == 7
        for name in values:
            assert group[name].attrs["text_format"] == "yaml"
        assert str(2**60 + 1) in group["large"][()].decode()
    assert warnings_in(caplog) == []


@pytest.mark.parametrize("said", [[1, None], [[1], [2, 3]], [2**60 + 1, 0.5], [1, [2]], [{}]])
def test_a_list_without_a_shape_is_a_mistake_of_the_configuration(said):
    with pytest.raises(ConfigError, match="rows of one length"):
        NexusWriter(".", content={"/entry/a:NXnote": {"x": said}})


def test_an_empty_group_for_each_of_nothing_is_a_mistake():
    with pytest.raises(ConfigError, match=r"nothing says what .name. is"):
        NexusWriter(".", content={"/entry/instrument/{name}:NXslit": {}})


LINKED = "{folder}/{scan_id:05d}_master.h5::/entry/data/data"
"""As a detector names its file, whose folder the plan knows."""


def other_file(folder):
    folder.mkdir()
    with h5py.File(folder / "00042_master.h5", "w") as file:
        file["entry/data/data"] = np.arange(6).reshape(1, 2, 3)
    return folder


def read_link(path, name):
    with h5py.File(path) as file:
        link = file.get(name, getlink=True)
        assert isinstance(link, h5py.ExternalLink)
        return link, file[name][()].tolist()


@pytest.mark.parametrize("way", ["content", "template", "metadata"])
def test_another_file_is_linked_by_a_template_of_its_name(way, tmp_path, caplog):
    folder = other_file(tmp_path / "eiger")
    place = "/entry/instrument/eiger:NXdetector"
    ways: dict[str, dict] = {
        "content": {"content": {place: {"data": LINKED}}},
        "template": {"template": [[LINKED, f"{place}/data"]]},
        "metadata": {},
    }
    md = {"folder": str(folder)}
    if way == "metadata":
        md["nxwriter_template"] = json.dumps([[LINKED, f"{place}/data"]])
    link, found = read_link(
        take(tmp_path / "data", md=md, **ways[way]), "entry/instrument/eiger/data"
    )
    assert (link.filename, link.path) == (str(folder / "00042_master.h5"), "/entry/data/data")
    assert found == np.arange(6).reshape(1, 2, 3).tolist()
    assert warnings_in(caplog) == []


def test_a_relative_file_lies_beside_the_file_of_the_run(tmp_path):
    (tmp_path / "data").mkdir()
    other_file(tmp_path / "data" / "eiger")
    content = {"/entry/eiger:NXdetector": {"data": LINKED.replace("{folder}", "eiger")}}
    link, found = read_link(take(tmp_path / "data", content=content), "entry/eiger/data")
    assert link.filename == "eiger/00042_master.h5"
    assert np.shape(found) == (1, 2, 3)


def test_a_file_is_named_by_what_was_read_and_found_by_the_map_of_paths(tmp_path):
    """The IOC writes under another path than this machine sees."""
    folder = other_file(tmp_path / "mounted")
    source = "{baseline/eiger_full_name}::/entry/data/data"
    writer = NexusWriter(
        tmp_path / "data",
        content={"/entry/eiger:NXdetector": {"data": source}},
        path_map={"/ioc/eiger": str(folder)},
    )
    RE = RunEngine({})
    baseline = signals({"eiger_full_name": "/ioc/eiger/00042_master.h5"})
    RE.preprocessors.append(SupplementalData(baseline=baseline))
    with writer:
        RE.subscribe(writer.receiver)
        RE(bp.count([det]))
        path = writer.status().last_file
    link, found = read_link(path, "entry/eiger/data")
    assert link.filename == str(folder / "00042_master.h5")
    assert np.shape(found) == (1, 2, 3)


def test_a_file_that_is_not_there_and_a_name_that_cannot_be_filled_are_told(tmp_path, caplog):
    content = {
        "/entry/eiger:NXdetector": {
            "later": "later_{scan_id}.h5::/entry/data",
            "unknown": "{nowhere}.h5::/entry/data",
            "kept": "metadata/scan_id",
        }
    }
    with h5py.File(take(tmp_path, content=content)) as file:
        group = file["entry/eiger"]
        assert group["kept"][()] == 42
        assert isinstance(group.get("later", getlink=True), h5py.ExternalLink)
        assert "unknown" not in group
    missing, unfilled = sorted(warnings_in(caplog))[::-1]
    assert sum("which is not there" in text for text in (missing, unfilled)) == 1
    assert sum("{nowhere}.h5::/entry/data" in text for text in (missing, unfilled)) == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("::/entry", "a file is needed"),
        ("{scan_id.real}.h5::/entry", "not a key"),
        ("%06d.h5::/entry", "not filled in"),
    ],
)
def test_a_template_that_names_no_file_is_a_mistake(source, words):
    for settings in (
        {"content": {"/entry/a:NXnote": {"x": source}}},
        {"template": [[source, "/entry/a:NXnote/x"]]},
    ):
        with pytest.raises(ConfigError, match=words):
            NexusWriter(".", **settings)


def test_a_link_to_another_file_has_no_attributes_of_its_own():
    said = {"source": LINKED, "units": "counts"}
    with pytest.raises(ConfigError, match="leave units out"):
        NexusWriter(".", content={"/entry/a:NXnote": {"x": said}})
