"""What an entry gets by name: from metadata, baseline, templates and the user's own mapping."""

from __future__ import annotations

import json
import logging

import h5py
import numpy as np
import pytest
from bluesky.plans import count
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ophyd.sim import SynAxis

from bluescribe import NexusWriter, subscribe_writers
from bluescribe.errors import ConfigError
from tests.extent import examples
from tests.formats.beamline import APS, scan, take
from tests.formats.test_nexus import run_of, write
from tests.readers.nexus import text
from tests.readers.nexus_rules import check_folder

BASELINE = "/entry/instrument/bluesky/streams/baseline"


def value(file, path):
    found = file[path][()]
    return text(found) if isinstance(found, bytes) else found


def told(caplog, level=logging.WARNING):
    return [r.getMessage() for r in caplog.records if "bluescribe" in r.name and r.levelno >= level]


def test_names_of_aps_instruments_are_known(tmp_path):
    path = take(tmp_path, APS)
    with h5py.File(path) as file:
        source = file["/entry/instrument/source"]
        assert source.attrs["NX_class"] == "NXsource"
        assert source["current"][()] == 102.25
        assert source["current"].attrs["units"] == "mA"
        assert value(file, "/entry/instrument/source/name") == "Advanced Photon Source"
        assert value(file, "/entry/run_cycle") == "2026-3"
        assert file["/entry/contact"].attrs["NX_class"] == "NXuser"
        assert value(file, "/entry/contact/name") == "A. Scientist"
        assert value(file, "/entry/contact/role") == "contact"
        assert file["/entry/instrument/monochromator/energy"][()] == 21.0
        assert file["/entry/instrument/beam/incident_wavelength"][()] == 0.59
        assert file["/entry/instrument/undulator/gap"][()] == 18.5
        slit = file["/entry/instrument/slits/guard_slit"]
        assert (slit.attrs["NX_class"], slit["x_gap"][()], slit["y_gap"][()]) == (
            "NXslit",
            1.062,
            0.5,
        )
        assert value(file, "/entry/sample/chemical_formula") == "Fe2 O3"
        assert file["/entry/sample/magnetic_field"].attrs["direction"] == "x"
    check_folder(tmp_path)


def test_what_comes_from_the_baseline_is_a_link_to_its_first_reading(tmp_path):
    with h5py.File(take(tmp_path, APS)) as file:
        linked, measured = (
            file["/entry/instrument/source/current"],
            file[f"{BASELINE}/aps_current/value_start"],
        )
        assert linked == measured
        assert linked.attrs["target"] == f"{BASELINE}/aps_current/value_start"


def test_metadata_tell_of_user_sample_and_proposal(tmp_path):
    md = {
        "user": "A. Scientist",
        "sample": {"name": "Fe foil", "formula": "Fe"},
        "proposal_id": "GUP-1",
        "cycle": "2026-3",
        "beamline_id": "8-ID-I",
    }
    with h5py.File(take(tmp_path, md=md)) as file:
        assert value(file, "/entry/user/name") == "A. Scientist"
        assert value(file, "/entry/sample/name") == "Fe foil"
        assert value(file, "/entry/sample/chemical_formula") == "Fe"
        assert value(file, "/entry/experiment_identifier") == "GUP-1"
        assert value(file, "/entry/run_cycle") == "2026-3"
        assert value(file, "/entry/instrument/name") == "8-ID-I"
    check_folder(tmp_path)


def test_nothing_is_made_up_where_nothing_is_known(tmp_path, caplog):
    with h5py.File(take(tmp_path)) as file:
        assert not {"user", "sample", "contact"} & set(file["/entry"])
        assert "source" not in file["/entry/instrument"]
    assert told(caplog) == []


def test_the_mapping_is_extended_and_taken_from(tmp_path):
    content = {
        "/entry": {"title": "baseline/sample_title"},
        "/entry/sample:NXsample": {
            "name": "baseline/sample_title",
            "thickness": {"source": "baseline/sample_thickness", "units": "mm"},
        },
        "/entry/instrument/source:NXsource": {"energy": None, "mode": {"value": "Multi Bunch"}},
        "/entry/instrument/undulator": None,
        "/entry/instrument/det:NXdetector": {
            "distance": {"value": 2.5, "units": "m"},
            "x_pixel_size": {"value": 75e-6, "units": "m"},
            "count_time": {"source": ["configuration/det/exposure", "metadata/count_time"],
                           "units": "s"},
        },
        "/entry/remarks:NXcollection": {"text": {"value": "as is"}, "@author": "me"},
    }  # fmt: skip
    baseline = {**APS, "sample_title": "Fe foil", "sample_thickness": 0.25}
    path = take(tmp_path, baseline, content=content, md={"count_time": 0.5})
    with h5py.File(path) as file:
        assert value(file, "/entry/title") == "Fe foil"
        assert value(file, "/entry/sample/name") == "Fe foil"
        thickness = file["/entry/sample/thickness"]
        assert (thickness[()], thickness.attrs["units"]) == (0.25, "mm")
        assert file[f"{BASELINE}/sample_thickness/value_start"].attrs["units"] == ""
        assert set(file["/entry/instrument/source"]) == {
            "current",
            "name",
            "type",
            "probe",
            "mode",
        }
        assert "undulator" not in file["/entry/instrument"]
        detector = file["/entry/instrument/det"]
        assert detector["distance"][()] == 2.5
        assert detector["count_time"][()] == 0.5
        assert detector["data"] == file["/entry/instrument/detectors/det/data"]
        assert file["/entry/remarks"].attrs["author"] == "me"
    check_folder(tmp_path)


def test_constants_of_aps_are_not_said_of_another_source(tmp_path):
    content = {
        "/entry/instrument/source:NXsource": {
            "name": {"value": "SOLEIL"},
            "current": "baseline/ring_current",
        }
    }
    with h5py.File(take(tmp_path, {"ring_current": 450.0}, content=content)) as file:
        assert set(file["/entry/instrument/source"]) == {"name", "current"}


def test_a_mapping_may_stand_in_a_file_beside_iconfig(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "content.yml").write_text(
        '/entry/sample:NXsample: {name: {value: "Fe foil"}}\n'
    )
    (tmp_path / "configs" / "iconfig.yml").write_text(
        f"NEXUS_DATA_FILES: {{ENABLE: true, DIRECTORY: {tmp_path}, CONTENT: content.yml}}\n"
    )
    from bluesky import RunEngine

    RE = RunEngine({})
    writers = subscribe_writers(RE, tmp_path / "configs" / "iconfig.yml")
    RE(scan())
    writers.close()
    with h5py.File(writers.nexus.status().last_file) as file:
        assert value(file, "/entry/sample/name") == "Fe foil"


def test_what_the_user_asked_for_and_is_missing_is_told_once(tmp_path, caplog):
    content = {"/entry/sample:NXsample": {"thickness": "baseline/thickness"}}
    with NexusWriter(tmp_path, content=content) as writer:
        from bluesky import RunEngine

        RE = RunEngine({})
        RE.subscribe(writer.receiver)
        RE(scan())
        RE(scan())
    messages = told(caplog)
    assert len(messages) == 1
    assert "/entry/sample/thickness" in messages[0]
    assert "baseline/thickness" in messages[0]


@pytest.mark.parametrize(
    ("level", "loud"), [(True, True), (False, False), ("info", False), ("error", True)]
)
def test_the_user_chooses_how_loud_it_is_told(level, loud, tmp_path, caplog):
    content = {"/entry/sample:NXsample": {"thickness": "baseline/thickness"}}
    take(tmp_path, content=content, warn_missing=level)
    assert bool(told(caplog)) is loud


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"/entry/sample:NXsample": {"name": "title"}}, "metadata/title"),
        ({"/entry/sample:sample": {"name": "metadata/x"}}, "begins with NX"),
        ({"/entry/instrument/bluesky/streams": {"x": 1}}, "measured"),
        ({"/entry/sample:NXsample": ["name"]}, "mapping of fields"),
        ({"/entry/sample:NXsample": {"name": {"from": "x"}}}, "value"),
        ({"/entry/sample:NXsample": {"name": {"source": "a/b", "type": "real"}}}, "float"),
        ({"/entry/sample:NXsample": {"a/b": "metadata/x"}}, "no / in it"),
        ("nowhere.yml", "nowhere.yml"),
    ],
)
def test_a_mapping_that_is_none_is_refused_before_any_beam(content, words, tmp_path):
    with pytest.raises(ConfigError, match="content") as refused:
        NexusWriter(tmp_path, content=content)
    assert words in str(refused.value)


TEMPLATE = [
    ["/entry/scatter:NXdata/@signal", "det"],
    ["/entry/scatter:NXdata/@axes", ["motor"]],
    ["/entry/instrument/bluesky/streams/primary/det/value", "/entry/scatter:NXdata/det"],
    ["/entry/instrument/bluesky/streams/primary/motor/value", "/entry/scatter:NXdata/motor"],
    ["/entry/process:NXprocess/sequence_index=", 1],
    ["/entry/process:NXprocess/program=", "none"],
]


@pytest.mark.parametrize("manner", ["metadata", "settings"])
def test_templates_of_apstools_make_groups_links_constants_and_attributes(manner, tmp_path):
    if manner == "metadata":
        path = take(tmp_path, md={"nxwriter_template": json.dumps(TEMPLATE)})
    else:
        path = take(tmp_path, template=TEMPLATE)
    with h5py.File(path) as file:
        scatter = file["/entry/scatter"]
        assert scatter.attrs["NX_class"] == "NXdata"
        assert scatter.attrs["signal"] == "det"
        assert scatter["det"] == file["/entry/data/det"]
        np.testing.assert_array_equal(scatter["motor"], [-1, 0, 1])
        assert file["/entry/process/sequence_index"][()] == [1]
        assert value(file, "/entry/process/program") == "none"
    check_folder(tmp_path)


@pytest.mark.parametrize(
    "template",
    [
        "not json",
        json.dumps({"a": 1}),
        json.dumps([["/entry/x"]]),
        json.dumps([["/entry/x", "/entry/instrument/bluesky/streams/primary/det/value"]]),
        json.dumps([["/entry/instrument/bluesky/x=", 1]]),
        json.dumps([["/entry/instrument=", 1]]),
        json.dumps([["/entry/data/det", "/entry/instrument/bluesky"]]),
        json.dumps([["/entry/a:b/x=", 1]]),
    ],
)
def test_a_bad_template_in_metadata_costs_nothing_but_itself(template, tmp_path, caplog):
    path = take(tmp_path, md={"nxwriter_template": template})
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["/entry/data/motor"], [-1, 0, 1])
    assert any("nxwriter_template" in message for message in told(caplog))


def test_a_link_of_a_template_to_nothing_is_told(tmp_path, caplog):
    take(tmp_path, template=[["/entry/nothing", "/entry/scatter:NXdata/x"]])
    assert any("/entry/nothing" in message for message in told(caplog))


def test_content_is_there_while_the_run_goes_on(tmp_path):
    seen: list[float] = []

    def look(name, doc):
        if name == "event" and doc["seq_num"] == 3:
            writer.flush()
            with h5py.File(next(tmp_path.glob("*.hdf")), swmr=True, locking=False) as file:
                seen.append(file["/entry/instrument/source/current"][()])

    from bluesky import RunEngine, SupplementalData

    from tests.formats.beamline import signals

    RE = RunEngine({})
    RE.preprocessors.append(SupplementalData(baseline=signals(APS)))
    with NexusWriter(tmp_path) as writer:
        RE.subscribe(writer.receiver)
        RE.subscribe(look)
        RE(count([SynAxis(name="m")], 3))
    assert seen == [102.25]


def test_a_detector_tells_for_how_long_it_counts(tmp_path):
    class Scaler(SynAxis):  # type: ignore[misc]  # ophyd has no types
        def read_configuration(self):
            return {"scaler_preset_time": {"value": 0.25, "timestamp": 0.0}}

        def describe_configuration(self):
            return {"scaler_preset_time": {"source": "sim", "dtype": "number", "shape": []}}

    with h5py.File(take(tmp_path, plan=count([Scaler(name="scaler")], 2))) as file:
        seconds = file["/entry/instrument/scaler/count_time"]
        assert (seconds[()], seconds.attrs["units"]) == (0.25, "s")
    check_folder(tmp_path)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
words = ["entry", "data", "instrument", "instrument=", "bluesky", "bluesky=", "x:NXdata", "det"]
parts = st.sampled_from([*words, "..", "", "@a", "b="]) | st.text(max_size=4)
paths = st.lists(parts, max_size=5).map(lambda found: "/" + "/".join(found))


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(template=st.lists(st.tuples(paths | json_values, paths | json_values), max_size=5))
def test_no_template_costs_what_was_measured(template, tmp_path_factory):
    docs = run_of({"det": [0.5, 1.5]}, nxwriter_template=json.dumps(template))
    with h5py.File(write(tmp_path_factory.mktemp("hostile"), docs)) as file:
        primary = file["/entry/instrument/bluesky/streams/primary"]
        np.testing.assert_array_equal(primary["det/value"], [0.5, 1.5])
        assert "end_time" in file["entry"]
        assert text(file["/entry/instrument/bluesky/uid"][()]) == docs[0][1]["uid"]
