"""CSV of every shape of run: each value comes back, and frictionless finds nothing wrong."""

from __future__ import annotations

import frictionless
import pytest
from hypothesis import HealthCheck, given, settings

from bluescribe.formats.csv import CsvWriter
from bluescribe.testing import SHAPES, damaged_runs, documents, numpified, relisted, runs
from tests.extent import examples, some
from tests.formats.csv_tables import Package, check, received, write


def assert_valid(package: Package) -> None:
    report = frictionless.validate(str(package.path))
    assert report.valid, report.flatten(["type", "note", "fieldName", "message"])[:5]


@pytest.mark.parametrize("name", some(SHAPES))
def test_every_value_of_every_shape_of_run_comes_back(name, tmp_path):
    as_emitted = documents(name, tmp_path)
    for manner in (list, numpified, relisted):
        played = manner(as_emitted)
        packages = write(played, tmp_path / manner.__name__)
        expected = received(played)
        assert {package.content["id"] for package in packages} == {*expected}
        for package in packages:
            check(package, expected[package.content["id"]])
            assert_valid(package)


def test_a_run_engine_writes_while_it_runs(tmp_path):
    with CsvWriter(tmp_path / "csv") as writer:
        played = documents("scan", tmp_path, writer.receiver)
        (path,) = (tmp_path / "csv").glob("*.datapackage.json")
        package = Package(path)  # complete as soon as the run is over
        assert package.content["state"] == "complete"
        check(package, received(played)[package.content["id"]])


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_every_value_of_a_generated_run_comes_back(tmp_path_factory, played):
    folder = tmp_path_factory.mktemp("generated")
    (package,) = write(played, folder)
    check(package, received(played)[package.content["id"]])
    assert_valid(package)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_runs())
def test_a_damaged_run_leaves_tables_that_can_be_read(tmp_path_factory, played):
    for package in write(played, tmp_path_factory.mktemp("damaged")):
        # By its content: a file's name made of a damaged scan_id may look like a pattern of files.
        opened = frictionless.Package(package.content, basepath=str(package.path.parent))
        assert opened.validate().valid


def test_the_batches_in_which_events_come_make_no_difference(tmp_path):
    played = documents("scalar_turning_array", tmp_path) + documents("wide", tmp_path)
    write(played, tmp_path / "at once")
    with CsvWriter(tmp_path / "one by one") as writer:
        for name, doc in played:
            writer(name, doc)
            writer.flush()
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).glob("*.csv")}
        for folder in ("at once", "one by one")
    )
    assert first == second
    assert first
