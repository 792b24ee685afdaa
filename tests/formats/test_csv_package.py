"""What the package tells: names, types, omissions with their places, metadata, hashes."""

from __future__ import annotations

import json

import frictionless
import numpy as np
import pytest

from bluescribe.formats.csv import own_columns
from bluescribe.testing import documents
from tests.formats.csv_tables import as_pages, write
from tests.formats.test_csv_cells import run_of


def test_a_field_is_described(tmp_path):
    declared = {"x": {"units": "mm", "source": "PV:x", "precision": 0, "object_name": "stage",
                      "limits": {"control": {"low": -1.0, "high": np.float64(1.5)}}}}  # fmt: skip
    (package,) = write(run_of({"x": 1.5}, declared=declared), tmp_path)
    described = package.resource("primary")["schema"]["fields"][2]
    assert described == {
        "name": "x", "type": "number", "unit": "mm", "source": "PV:x", "precision": 0,
        "device": "stage", "dtype": "number", "limits": {"control": {"low": -1.0, "high": 1.5}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        (["time", "seq_num"], ["field:time", "field:seq_num"]),
        (["field:time", "time"], ["field:time", "field:time:2"]),
        (["a", "a ", " a"], ["a", "field:a", "field:a:2"]),
        ([" ", ""], ["field:", "field::2"]),
        (['q"u,o\nte'], ['q"u,o\nte']),
    ],
)
def test_labels_are_unique_and_say_which_field_they_stand_for(fields, labels, tmp_path):
    values = {name: i for i, name in enumerate(fields)}
    (package,) = write(run_of(values), tmp_path)
    found, rows = package.table("primary")
    assert found == ["seq_num", "time", *labels]
    assert rows[0][2:] == [*range(len(fields))]
    described = package.resource("primary")["schema"]["fields"][2:]
    assert [entry.get("field", entry["name"]) for entry in described] == fields
    assert frictionless.validate(str(package.path)).valid


def test_a_changed_byte_fails_the_validation(tmp_path):
    (package,) = write(run_of({"x": 1.5}, {"x": 2.5}), tmp_path)
    assert frictionless.validate(str(package.path)).valid
    table = package.path.with_name(package.resource("primary")["path"])
    assert package.resource("primary")["bytes"] == table.stat().st_size
    table.write_bytes(table.read_bytes().replace(b"2.5", b"2.6"))
    types = {t for (t,) in frictionless.validate(str(package.path)).flatten(["type"])}
    assert types == {"hash-count"}


def test_a_column_of_ours_is_added_in_one_place(tmp_path, monkeypatch):
    """What a table has beside its fields is said once: tables, arrays and package agree."""
    stamp = own_columns.OwnColumn(
        "device_time",
        lambda page, _: [b"%.0f" % stamp for stamp in page.timestamps["x"] if stamp],
        lambda _: {"type": "integer", "unit": "s"},
    )
    monkeypatch.setattr(own_columns, "_ALL", (*own_columns._ALL, stamp))
    (package,) = write(run_of({"x": 1.5, "device_time": 7, "trace": [1, 2]}), tmp_path)
    labels, rows = package.table("primary")
    assert labels == ["seq_num", "time", "device_time", "x", "field:device_time"]
    assert rows[0][2] > 1e9
    described = package.resource("primary")["schema"]["fields"]
    assert described[2] == {"name": "device_time", "type": "integer", "unit": "s"}
    assert frictionless.validate(str(package.path)).valid


ARRAY = "trace" * 12


def test_streams_and_fields_whose_files_would_have_one_name(tmp_path, caplog):
    names = ["a:b", "a*b", "A_b", "a_b", "$HOME", "%x%", "../../up", "x" * 300, "x" * 301]
    documents_ = []
    for i, name in enumerate(names):
        part = run_of({ARRAY: [i], ARRAY + "2": [-i], "v": i}, name=name)[:-1]
        for _, doc in part:
            doc["uid"] = (
                f"{doc['uid']}-{i}" if "run_start" in doc or "seq_num" in doc else doc["uid"]
            )
            if "descriptor" in doc:
                doc["descriptor"] += f"-{i}"
        documents_ += part if not i else part[1:]
    documents_.append(run_of()[-1])
    (package,) = write(documents_, tmp_path / "deep" / "er")
    assert not caplog.records
    for i, name in enumerate(names):
        assert package.columns(name) == {"v": [i]}
        assert package.table(name, ARRAY)[1] == [[1, i]]
        assert package.table(name, ARRAY + "2")[1] == [[1, -i]]
    paths = [resource["path"] for resource in package.content["resources"]]
    assert len({path.casefold() for path in paths}) == 3 * len(names)
    assert all("/" not in path and len(path.encode()) <= 255 for path in paths)
    assert {path.name for path in (tmp_path / "deep" / "er").iterdir()} == {
        package.path.name, *paths,
    }  # fmt: skip
    assert frictionless.validate(str(package.path)).valid


def test_all_files_of_a_run_share_a_name_and_none_is_overwritten(tmp_path):
    first, second = write(run_of({"x": 1}) * 2, tmp_path)
    stem = first.path.name.removesuffix(".datapackage.json")
    assert second.path.name == f"{stem}-2.datapackage.json"
    assert first.resource("primary")["path"] == f"{stem}-primary.csv"
    assert second.resource("primary")["path"] == f"{stem}-2-primary.csv"
    assert first.columns("primary") == second.columns("primary") == {"x": [1]}


def test_the_documents_are_in_the_package(tmp_path):
    played = documents("metadata_rich", tmp_path)
    (package,) = write(played, tmp_path / "csv")
    assert package.content["bluesky"] == json.loads(
        json.dumps({"start": played[0][1], "stop": played[-1][1]})
    )


def test_metadata_that_json_has_no_word_for(tmp_path):
    played = run_of({"x": 1})
    endless: list = []
    endless.append(endless)
    played[0][1].update(a=float("nan"), b=[np.inf, -np.inf], c=2**70, d=np.arange(2), e="\udc80")
    played[-1][1].update(reason=endless)
    (package,) = write(played, tmp_path)
    start = package.content["bluesky"]["start"]
    assert [start[key] for key in "abcde"] == ["NaN", ["Infinity", "-Infinity"], 2**70, [0, 1],
                                               "\udc80"]  # fmt: skip
    reason = package.content["bluesky"]["stop"]["reason"]
    assert reason == ["<unwritable: list that contains itself>"]


def test_the_configuration_is_told_and_what_changed_in_it(tmp_path):
    (package,) = write(documents("reconfigured", tmp_path), tmp_path / "csv")
    told = package.resource("primary")["configuration"]
    assert [entry["first_seq_num"] for entry in told] == [1, 4, 7]
    settings = [entry["devices"]["quad"] for entry in told]
    assert [values["quad_c"]["value"] for values in settings] == [3, 30, 300]
    assert [values.keys() for values in settings] == [{"quad_c", "quad_d"}, {"quad_c"}, {"quad_c"}]


def test_a_large_configured_value_is_left_out_and_named(tmp_path):
    played = run_of({"x": 1})
    played[1][1]["configuration"] = {
        "det": {"data": {"flat": np.zeros((99, 99)), "gain": 2}, "data_keys": {}, "timestamps": {}}
    }
    (package,) = write(played, tmp_path)
    assert package.resource("primary")["configuration"][0]["devices"] == {
        "det": {"gain": {"value": 2}}
    }
    (entry,) = [e for e in package.content["left_out"] if "configuration" in e]
    assert entry["configuration"] == "flat"
    assert "journal" in entry["where"]


def test_images_in_events_are_named(tmp_path):
    (package,) = write(documents("images", tmp_path), tmp_path / "csv")
    (entry,) = package.left_out("primary", "image")
    assert entry["what"] == "3 arrays of two or more dimensions"
    assert "nexus" in entry["where"]
    assert "image" not in package.columns("primary")


def test_external_files_are_named_with_their_places(tmp_path):
    (package,) = write(documents("resource_rollover", tmp_path), tmp_path / "csv")
    (entry,) = package.left_out("primary", "ad_image")
    assert [place.rpartition("/")[0] for place in entry["where"]] == [
        str(tmp_path / f"ad_{i:06}.h5:/entry/data") for i in (1, 2, 3)
    ]
    assert "datum ids" in entry["what"]
    assert all(package.columns("primary")["ad_image"])


def test_external_files_that_no_document_tells_of_are_named_as_such(tmp_path):
    image = {"external": "FILESTORE:", "dtype": "array", "shape": [2, 2]}
    (package,) = write(run_of({"image": "r/0"}, declared={"image": image}), tmp_path)
    (entry,) = package.left_out("primary", "image")
    assert "datum ids" in entry["what"]
    assert "journal" in entry["where"]


def test_streamed_files_are_named_and_have_no_column(tmp_path):
    played = documents("stream_fly_two_detectors", tmp_path)
    (package,) = write(played, tmp_path / "csv")
    fields = {key for name, doc in played if name == "descriptor" for key in doc["data_keys"]}
    assert len(fields) == 2
    for field in fields:
        (entry,) = package.left_out("primary", field)
        assert entry["what"].startswith("values in 1 external file")
        assert str(tmp_path) in entry["where"][0]
    assert package.table("primary") == (["seq_num", "time"], [])


def test_of_many_external_files_the_first_are_named_and_the_rest_counted(tmp_path):
    image = {"external": "FILESTORE:", "dtype": "array", "shape": [2, 2]}
    played = run_of(*({"image": f"r{i // 2}/{i}"} for i in range(300)), declared={"image": image})
    resource = {
        "run_start": played[0][1]["uid"],
        "spec": "NPY",
        "root": "/d",
        "resource_kwargs": {},
    }
    resources = [
        ("resource", {**resource, "uid": f"r{i}", "resource_path": f"{i}.npy"}) for i in range(150)
    ]
    (package,) = write([played[0], *resources, *as_pages(played[1:])], tmp_path)
    (entry,) = package.left_out("primary", "image")
    assert entry["what"].startswith("values in 150 external files")
    assert entry["where"][:2] == ["/d/0.npy", "/d/1.npy"]
    assert len(entry["where"]) == 101
    assert entry["where"][100].startswith("and 50 others")


def test_timestamps_of_fields_are_named_as_left_out(tmp_path):
    (package,) = write(run_of({"x": 1}), tmp_path)
    (entry,) = package.content["left_out"]
    assert "timestamps" in entry["what"]
    assert "jsonl" in entry["where"]


def test_points_that_were_measured_again_are_all_there_and_counted(tmp_path):
    (package,) = write(documents("pause_rewinds_far", tmp_path), tmp_path / "csv")
    numbers = [row[0] for row in package.table("primary")[1]]
    assert package.resource("primary")["repeated_seq_nums"] == 3
    assert len(numbers) - len(set(numbers)) == 3


def test_a_stream_without_events_has_its_header(tmp_path):
    (package,) = write(documents("declared_empty", tmp_path), tmp_path / "csv")
    labels, rows = package.table("primary")
    assert labels[:2] == ["seq_num", "time"]
    assert len(labels) > 2
    assert rows == []


def test_a_run_without_streams_has_a_package(tmp_path):
    (package,) = write(documents("no_events", tmp_path), tmp_path / "csv")
    assert package.content["resources"] == []
    assert [path.name for path in (tmp_path / "csv").iterdir()] == [package.path.name]
    assert frictionless.validate(str(package.path)).valid


@pytest.mark.parametrize(
    ("shape", "state"), [("count", "complete"), ("never_stopped", "never stopped")]
)
def test_the_state_of_a_finished_run(shape, state, tmp_path):
    (package,) = write(documents(shape, tmp_path), tmp_path / "csv")
    assert package.content["state"] == state
    assert ("stop" in package.content["bluesky"]) == (state == "complete")
    assert all("hash" in resource for resource in package.content["resources"])


def test_the_extension_of_the_tables_can_be_chosen(tmp_path):
    (package,) = write(run_of({"x": 1}), tmp_path, file_extension="txt")
    assert package.resource("primary")["path"].endswith("-primary.txt")
    assert frictionless.validate(str(package.path)).valid
