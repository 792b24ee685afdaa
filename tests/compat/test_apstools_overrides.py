"""Overrides and attributes of apstools' classes: those that are looked at, and those refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from ophyd.sim import SynAxis, SynGauss

from bluescribe.compat.apstools import (
    NXWriter,
    NXWriterAPS,
    SpecWriterCallback,
    SpecWriterCallback2,
)
from bluescribe.errors import ConfigError, DefinitionError, UnknownAttributeError
from bluescribe.formats.nexus import NexusFile
from tests.compat.side_by_side import instrument

MOTOR = SynAxis(name="motor")
DET = SynGauss("det", MOTOR, "motor", center=0, Imax=1, sigma=1)
WRITERS = [NXWriter, NXWriterAPS, SpecWriterCallback, SpecWriterCallback2]


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def run(nxwriter: NXWriter, **md: Any) -> Path:
    """Write one run; return its file."""
    RE = instrument(nxwriter)
    RE(bp.scan([DET], MOTOR, -1, 1, 3, md=md))
    nxwriter.close()
    assert nxwriter.output_nexus_file is not None
    return nxwriter.output_nexus_file


def value(path: Path, where: str) -> Any:
    with h5py.File(path) as root:
        found = root[where][()]
    return found.decode() if isinstance(found, bytes) else found


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("write_entry", r"extend\(entry, run\) of NexusFile .*named in file_class"),
        ("write_root", r"extend\(entry, run\)"),
        ("write_slits", r"content .*an attribute of it"),
        ("write_stream_external", "content"),
        ("write_templates", "nxwriter_template"),
        ("create_NX_group", r"extend\(entry, run\)"),
        ("writer", "close"),
        ("get_stream_link", "content"),
    ],
)
@pytest.mark.parametrize("base", [NXWriter, NXWriterAPS])
def test_an_override_that_nobody_calls_is_refused_with_what_takes_its_place(base, name, instead):
    with pytest.raises(DefinitionError, match=rf"My\.{name} would never be called.*{instead}"):
        type("My", (base,), {name: lambda self, *args: None})


@pytest.mark.parametrize("name", ["write_scan", "write_file_header", "prepare_scan_contents"])
def test_one_of_spec_is_refused_too(name):
    with pytest.raises(DefinitionError, match=rf"My\.{name} would never be called.*comment\("):
        type("My", (SpecWriterCallback2,), {name: lambda self, *args: None})


def test_one_of_a_mix_in_is_refused():
    mix_in = type("PatchedEntries", (), {"write_entry": lambda self: None})
    with pytest.raises(DefinitionError, match=r"My\.write_entry would never be called"):
        type("My", (mix_in, NXWriter), {})


@pytest.mark.parametrize("kind", WRITERS)
def test_an_attribute_that_nobody_knows_is_refused(kind):
    class Mine(kind):  # type: ignore[valid-type,misc]  # any of them
        ad_file_name = None

        def start(self, doc: Any) -> None:
            super().start(doc)
            self.seen = doc["uid"]

    writer = Mine()
    writer.ad_file_name = "a.h5"
    with pytest.raises(UnknownAttributeError, match="did you mean file_name"):
        writer.file_nam = "x"
    writer.close()


@pytest.mark.parametrize("path", ["a\0b", "50 %d of it"])
def test_a_path_that_no_run_can_go_to_is_refused_when_it_is_said(path):
    nxwriter, specwriter = NXWriter(), SpecWriterCallback2()
    with pytest.raises(ConfigError):
        nxwriter.file_name = path + ".h5"
    if "\0" in path:
        with pytest.raises(ConfigError):
            specwriter.spec_filename = path
    nxwriter.close()
    specwriter.close()


def test_start_says_what_stands_in_the_metadata_and_which_runs_are_taken():
    class Mine(NXWriter):
        def start(self, doc: Any) -> None:
            if doc.get("plan_name") != "scan":
                return
            super().start(doc)
            self.metadata["added"] = {"by": ["start"]}
            self.metadata.pop("secret", None)

    nxwriter = Mine()
    RE = instrument(nxwriter)
    RE(bp.count([DET]))
    assert nxwriter.output_nexus_file is None
    path = run(nxwriter, secret="x")
    metadata = "/entry/instrument/bluesky/metadata"
    assert value(path, f"{metadata}/added").split() == ["by:", "-", "start"]
    with h5py.File(path) as root:
        assert "secret" not in root[metadata]
        assert root[f"{metadata}/plan_name"][()] == b"scan"
    assert len(list(Path().glob("*.hdf"))) == 1


class Failing(NXWriter):
    """All that can be overridden, and fails."""

    def _fail(self, *args: Any) -> Any:
        raise ZeroDivisionError

    start = descriptor = event = stop = _fail  # type: ignore[assignment]  # called alike
    get_sample_title = make_file_name = _fail


def test_an_override_that_fails_costs_nothing_else(caplog, tmp_path):
    nxwriter = Failing()
    nxwriter.file_path = tmp_path / "here"
    path = run(nxwriter)
    assert path.parent == tmp_path / "here"
    assert value(path, "/entry/data/det").shape == (3,)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert {text.split("()")[0] for text in told} >= {"Failing.start", "Failing._fail"}


def test_events_are_seen_by_who_overrides_them():
    seen = []

    class Mine(NXWriter):
        def event(self, doc: Any) -> None:
            super().event(doc)
            seen.append(doc["data"]["motor"])

        def stop(self, doc: Any) -> None:
            super().stop(doc)
            self.wait_writer()
            seen.append(bool(self.output_nexus_file) and self.exit_status)

    run(Mine())
    assert seen == [-1, 0, 1, "success"]


def test_a_file_class_and_content_take_the_place_of_write_methods():
    class WithLayout(NexusFile):
        def extend(self, entry: h5py.Group) -> None:
            entry["layout_version"] = "APS-2026"
            entry.file.attrs["layout"] = 1

    class Mine(NXWriterAPS):
        file_class = WithLayout
        content = {"/entry/sample:NXsample": {"name": "metadata/what"}}  # noqa: RUF012  # as users write it
        nexus_release = "v2022.07"
        template_key = "my_template"

    pairs = [["/entry/_TEST:NXdata/array=", [1, 2, 3]], ["/entry/_TEST/@signal", "array"]]
    path = run(Mine(), what="LaB6", my_template=pairs)
    with h5py.File(path) as root:
        assert root["/entry/layout_version"][()] == b"APS-2026"
        assert root["/entry/sample/name"][()] == b"LaB6"
        assert root.attrs["layout"] == 1
        assert root.attrs["NeXus_release"] == "v2022.07"
        assert list(root["/entry/_TEST/array"]) == [1, 2, 3]
        assert root["/entry/_TEST"].attrs["signal"] == "array"


def test_images_are_found_where_an_override_says_and_copied(tmp_path):
    frames = np.arange(24, dtype="u2").reshape(2, 3, 4)
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["/entry/data/data"] = frames

    class Mine(NXWriter):
        def getResourceFile(self, resource_id: str) -> Any:  # noqa: N802
            said = str(super().getResourceFile(resource_id))
            return said.replace("/mnt/ioc", str(tmp_path))

    nxwriter = Mine()
    for name, doc in documents_with_images("/mnt/ioc/images.h5"):
        nxwriter.receiver(name, doc)
    nxwriter.wait_writer()
    path = nxwriter.output_nexus_file
    assert path is not None
    nxwriter.close()
    (tmp_path / "images.h5").unlink()
    found = value(path, "/entry/instrument/bluesky/streams/primary/image/value")
    assert np.array_equal(found, frames)


def documents_with_images(path: str) -> list[tuple[str, Any]]:
    key = {"dtype": "array", "shape": [1, 3, 4], "source": "PV:x", "external": "FILESTORE:"}
    times = {"time": 10.0}
    docs: list[tuple[str, Any]]
    docs = [("start", {"uid": "run", "scan_id": 1, "plan_name": "count", "detectors": ["image"]})]
    docs += [("descriptor", {"uid": "d", "run_start": "run", "name": "primary"})]
    docs[-1][1].update(data_keys={"image": key}, configuration={}, object_keys={"image": ["image"]})
    resource: dict[str, Any] = {
        "uid": "res",
        "spec": "AD_HDF5",
        "root": "/",
        "resource_path": path.lstrip("/"),
    }
    resource |= {"resource_kwargs": {"frame_per_point": 1}, "path_semantics": "posix"}
    docs += [("resource", {**resource, "run_start": "run"})]
    for number in range(2):
        kwargs = {"point_number": number}
        datum = {"resource": "res", "datum_id": f"res/{number}", "datum_kwargs": kwargs}
        docs += [("datum", datum)]
        event = {"uid": f"e{number}", "descriptor": "d", "seq_num": number + 1}
        event |= {"data": {"image": f"res/{number}"}, "timestamps": {"image": 10.0}}
        docs += [("event", {**event, "filled": {"image": False}})]
    docs += [("stop", {"uid": "s", "run_start": "run", "exit_status": "success"})]
    return [(name, {**doc, **times}) for name, doc in docs]


def test_nothing_is_overwritten(caplog):
    nxwriter = NXWriter()
    nxwriter.file_name = "same.h5"
    RE = instrument(nxwriter)
    RE(bp.count([DET]))
    RE(bp.count([DET]))
    nxwriter.close()
    assert sorted(path.name for path in Path().glob("*")) == ["same-2.h5", "same.h5"]
    assert "same.h5 is already there" in caplog.text


def test_a_setting_that_is_an_attribute_is_refused():
    with pytest.raises(ConfigError, match="signal is said by attributes"):
        NXWriter(signal="det")
    with pytest.raises(ConfigError, match="did you mean compression"):
        NXWriter(compresion="gzip")
