"""Hooks of NexusFile: which runs, names, titles, resources; what is added at the end."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine, SupplementalData
from ophyd.sim import SynAxis, SynGauss

from bluescribe.errors import DefinitionError
from bluescribe.formats.nexus import NexusFile, NexusWriter
from bluescribe.testing import documents
from tests.formats.beamline import APS, scan, signals, take
from tests.readers.nexus import text

EXAMPLE = Path(__file__).parents[2] / "examples" / "usaxs_writer.py"


def usaxs_writer():
    spec = importlib.util.spec_from_file_location("usaxs_writer", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.UsaxsWriter


def writer_of(**hooks):
    """Return a writer whose file class has the given methods."""
    file_class = type("HookedFile", (NexusFile,), hooks)
    return type("HookedWriter", (NexusWriter,), {"file_class": file_class})


def test_the_ported_writer_of_usaxs(tmp_path):
    axis = SynAxis(name="a_stage_r")
    upd = SynGauss("UPD", axis, "a_stage_r", center=0, Imax=10, sigma=1)
    monitor = SynGauss("I0", axis, "a_stage_r", center=0, Imax=5, sigma=100)
    baseline = {
        **APS,
        "user_data_sample_title": "glassy carbon",
        "user_data_spec_file": "11_23.dat",
        "user_data_sample_thickness": 1.05,
    }
    RE = RunEngine({})
    RE.preprocessors.append(SupplementalData(baseline=signals(baseline)))
    with usaxs_writer()(tmp_path) as writer:
        RE.subscribe(writer.receiver)
        RE(bp.count([monitor]))
        md = {"plan_name": "uascan", "sample_title": "glassy carbon", "order_number": 7}
        RE(bp.scan([monitor, upd], axis, -1, 1, 5, md=md))
        status = writer.status()
    (path,) = tmp_path.rglob("*.h5")
    assert status.last_file == path
    assert path.parent.name.endswith("_usaxs")
    assert path.name == "glassy carbon_0007.h5"
    with h5py.File(path) as file:
        assert text(file["/entry/title"][()]) == "glassy carbon"
        assert text(file["/entry/SPEC_data_file"][()]) == "11_23.dat"
        assert file["/entry/sample/thickness"][()] == 1.05
        assert file["/entry/instrument/monochromator/theta"][()] == 5.4
        assert file["/entry/instrument/slits/guard_slit/x_gap"][()] == 1.062
        assert file["/entry/data"].attrs["signal"] == "UPD"
        assert file["/entry/program_name"].attrs["config_version"] == "1.0"
        reduced = file["/entry/uascan_reduced"]
        np.testing.assert_array_equal(
            reduced["R"], file["/entry/data/UPD"][()] / file["/entry/data/I0"][()]
        )


def test_the_example_is_under_sixty_lines_of_code():
    lines = EXAMPLE.read_text().split('"""', 2)[2].splitlines()
    assert len([line for line in lines if line.strip()]) < 60


def test_a_run_that_is_not_accepted_leaves_nothing_and_is_no_failure(tmp_path, caplog):
    writer_class = writer_of(accepts=lambda self, run: run.plan_name == "scan")
    RE = RunEngine({})
    with writer_class(tmp_path) as writer:
        RE.subscribe(writer.receiver)
        RE(bp.count([SynAxis(name="m")]))
        assert list(tmp_path.iterdir()) == []
        RE(scan())
        status = writer.status()
    assert len(list(tmp_path.iterdir())) == 1
    assert (status.runs_written, status.failures) == (1, ())
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_title_of_ones_own(tmp_path):
    path = take(tmp_path, writer=writer_of(title=lambda self, run: f"scan no. {run.scan_id}"))
    with h5py.File(path) as file:
        assert text(file["/entry/title"][()]) == "scan no. 42"


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "", "{missing}/x", "a{uid.__class__}"])
def test_a_bad_file_name_of_a_hook_stays_inside(name, tmp_path, caplog):
    folder = tmp_path / "data"
    path = take(folder, writer=writer_of(file_name=lambda self, run: name))
    assert path.parent == folder
    assert "-S00042-" in path.name
    assert any(r.levelno == logging.WARNING for r in caplog.records)


def test_images_are_looked_for_where_a_hook_says(tmp_path):
    (tmp_path / "assets").mkdir()
    hook = {"resource_path": lambda self, path: tmp_path / "mounted" / path.name}
    with writer_of(**hook)(tmp_path, warn_missing=False) as writer:
        for name, doc in documents("resource_hdf5", tmp_path / "assets"):
            writer(name, doc)
        path = writer.status().last_file
    with h5py.File(path) as file:
        link = file["/entry/instrument/bluesky/streams/primary/ad_image"].get("value", getlink=True)
        assert link.filename == "mounted/" + next((tmp_path / "assets").glob("*.h5")).name


def test_what_extend_raises_costs_only_what_it_adds(tmp_path, caplog):
    def extend(self, entry):
        entry["first"] = 1
        raise RuntimeError("no reduction today")

    path = take(tmp_path, writer=writer_of(extend=extend))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["/entry/data/motor"], [-1, 0, 1])
    assert any("no reduction today" in (r.exc_text or "") for r in caplog.records)


def test_what_title_raises_costs_the_title_only(tmp_path, caplog):
    def title(self, run):
        raise KeyError("sample")

    with h5py.File(take(tmp_path, writer=writer_of(title=title))) as file:
        assert text(file["/entry/title"][()]).startswith("S0042-scan-")
    assert any("title" in r.getMessage() for r in caplog.records)


@pytest.mark.parametrize("hook", ["accepts", "file_name", "resource_path"])
def test_what_any_other_hook_raises_costs_no_run(hook, tmp_path, caplog):
    def fail(self, *args):
        raise RuntimeError("not today")

    (tmp_path / "assets").mkdir()
    with writer_of(**{hook: fail})(tmp_path / "data") as writer:
        for name, doc in documents("resource_hdf5", tmp_path / "assets"):
            writer(name, doc)
        status = writer.status()
    assert (status.runs_written, status.failures) == (1, ())
    with h5py.File(status.last_file) as file:
        assert file["/entry/instrument/bluesky/streams/primary/ad_image/value"].ndim == 3
    assert any(
        f"{hook}()" in r.getMessage() and "not today" in r.getMessage() for r in caplog.records
    )


class Grandparent(NexusFile):
    def extend(self, entry):  # as it was before it was given the run
        super().extend(entry)
        entry["old"] = 1


class Parent(Grandparent):
    def extend(self, entry, scale=2):
        super().extend(entry)
        entry["scale"] = scale


@pytest.mark.parametrize(
    "hook",
    [
        lambda self, entry, run: entry.create_dataset("plan", data=run.plan_name),
        lambda self, entry, of: entry.create_dataset("plan", data=of.plan_name),
        lambda self, entry, run=None: entry.create_dataset("plan", data=run.plan_name),
        lambda self, entry, *, run: entry.create_dataset("plan", data=run.plan_name),
        lambda self, entry, **more: entry.create_dataset("plan", data=more["run"].plan_name),
    ],
)
def test_extend_gets_the_run(hook, tmp_path):
    with h5py.File(take(tmp_path, writer=writer_of(extend=hook))) as file:
        assert text(file["/entry/plan"][()]) == "scan"


def test_an_extend_that_takes_the_entry_alone_goes_on_working(tmp_path, caplog):
    writer_class = type("Old", (NexusWriter,), {"file_class": Parent})
    with h5py.File(take(tmp_path, writer=writer_class)) as file:
        assert (file["/entry/old"][()], file["/entry/scale"][()]) == (1, 2)
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_an_extend_that_wants_more_is_refused_when_it_is_defined():
    with pytest.raises(DefinitionError, match=r"is called as extend\(self, entry, run\)"):
        writer_of(extend=lambda self, entry, run, more: None)
