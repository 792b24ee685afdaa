"""Generated runs are read back whole; damaged ones are survived, and the journal keeps the rest."""

from __future__ import annotations

import os
import shutil
import string
from typing import Any

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators
from hypothesis import HealthCheck, Phase, assume, given, seed, settings

from bluescribe import JsonlWriter
from bluescribe.testing import damaged_runs, runs, several_runs
from bluescribe.testing.contract import in_json, played, received, same_value
from tests.contracts import CONTRACTS, is_ambiguous_in_csv
from tests.extent import IS_LONG, examples
from tests.readers.jsonl import read_documents

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_FIND = (Phase.explicit, Phase.reuse, Phase.generate)

PROFILES = {
    # Making a failing run small takes minutes: that is for the profile that looks for them.
    "quick": settings(
        max_examples=examples(20),
        derandomize=True,  # the same runs everywhere: one that fails does so for its author
        deadline=None,
        phases=_FIND,
        suppress_health_check=_SLOW,
    ),
    "thorough": settings(max_examples=1000, deadline=None, suppress_health_check=_SLOW),
}
generous = PROFILES[os.environ.get("BLUESCRIBE_HYPOTHESIS", "quick")]
"""Set the environment variable to ``thorough``, and have patience: pytest --timeout 0."""

EXAMPLES = 250 if IS_LONG else generous.max_examples
PARTS = {"jsonl": 24, "spec": 4, "nexus": 4, "csv": 4, "the rest": 4} if IS_LONG else {}
"""Of so many damaged streams each, 10,000 in all: hypothesis becomes slow in longer parts."""
damaging = settings(generous, max_examples=EXAMPLES)


def parts(*names: str) -> list[tuple[str, int]]:
    return [(name, number) for name in names for number in range(PARTS.get(name, 1))]


@pytest.mark.parametrize("format_name", CONTRACTS)
@given(documents=runs())
@generous
def test_every_value_of_a_generated_run_is_read_back(tmp_path_factory, format_name, documents):
    write_and_compare(tmp_path_factory.mktemp("run"), format_name, documents)


@pytest.mark.parametrize("format_name", CONTRACTS)
@given(documents=several_runs())
@generous
def test_generated_runs_are_kept_apart(tmp_path_factory, format_name, documents):
    write_and_compare(tmp_path_factory.mktemp("runs"), format_name, documents)


@pytest.mark.parametrize(("format_name", "part"), parts(*CONTRACTS))
def test_damage_raises_nothing_and_ends_nothing(tmp_path_factory, format_name, part):
    contract = CONTRACTS[format_name]()

    @seed(part)
    @given(documents=damaged_runs())
    @damaging
    def check(documents):
        folder = tmp_path_factory.mktemp("damaged")
        with contract.make(folder / "all", **contract.named("{uid}")) as writer:
            for name, doc in documents:
                writer(name, doc)
            for name, doc in WHOLE:
                writer(name, doc)
        whole = folder / "whole"
        whole.mkdir()
        for path in (folder / "all").glob(f"{WHOLE[0][1]['uid']}*"):
            shutil.copy(path, whole)
        contract.check_runs(contract.read_back(whole), WHOLE)
        shutil.rmtree(folder)

    check()


@pytest.mark.parametrize(("_", "part"), parts("the rest"))
def test_the_journal_keeps_every_document_that_is_not_damaged(tmp_path_factory, _, part):
    @seed(part)
    @given(documents=damaged_runs())
    @damaging
    def check(documents):
        folder = tmp_path_factory.mktemp("journal")
        with JsonlWriter(folder) as writer:
            for name, doc in documents:
                writer(name, doc)
        # a start document that cannot be written leaves an empty journal
        journals = [path for path in folder.iterdir() if path.stat().st_size]
        kept = [document for path in journals for document in read_documents(path)]
        for name, doc in belonging(documents):
            is_kept = any(kind == name and same_value(in_json(doc), found) for kind, found in kept)
            assert is_kept, f"{name} is not in the journal: {doc}"
        shutil.rmtree(folder)

    check()


def test_a_hostile_datum_costs_nothing_else(tmp_path):
    documents = played("resource_hdf5", "plain", tmp_path / "shapes")
    knot: list[Any] = []
    knot.append(knot)
    resource = next(doc["uid"] for name, doc in documents if name == "resource")
    hostile = {"datum_id": "x", "resource": resource, "datum_kwargs": {"knot": knot}}
    contract = CONTRACTS["nexus"]()
    with contract.make(tmp_path / "files") as writer:
        for name, doc in documents:
            writer(name, doc)
            if name == "resource":
                writer("datum", hostile)
    contract.check_status(writer)
    contract.check_runs(contract.read_back(tmp_path / "files"), documents)


def test_a_hostile_stop_does_not_cost_its_end(tmp_path):
    documents = played("scan", "plain", tmp_path / "shapes")
    knot: list[Any] = []
    knot.append(knot)
    contract = CONTRACTS["nexus"]()
    with contract.make(tmp_path / "files") as writer:
        for name, doc in documents:
            writer(name, {**doc, "knot": knot} if name == "stop" else doc)
    (found,) = contract.read_back(tmp_path / "files")
    assert found.stop == {**documents[-1][1], "knot": ["<unwritable: list that contains itself>"]}


@pytest.mark.parametrize("template", ["{sample}-{uid:.7}", "{sample}/{uid:.7}"])
@pytest.mark.parametrize("format_name", CONTRACTS)
def test_programs_open_files_that_samples_of_any_name_name(tmp_path, format_name, template):
    """Silx takes what follows # and ; for no part of the name, and frictionless [ for a pattern."""
    documents = [*played("images", "plain", tmp_path / "shapes")]
    documents[0] = "start", {**documents[0][1], "sample": f"Fe #3 {string.punctuation}"}
    contract = CONTRACTS[format_name]()
    contract.write(tmp_path / "files", documents, **contract.named(template))
    contract.check_runs(contract.read_back(tmp_path / "files"), documents)
    contract.check_files(tmp_path / "files")


@pytest.mark.parametrize("format_name", CONTRACTS)
def test_a_field_that_is_nowhere_is_named(tmp_path, format_name):
    """No document names the file of one field, and a file is of a field that is not declared."""
    declared = {"source": "s", "dtype": "array", "shape": [2, 3], "external": "FILESTORE:"}
    start, (_, descriptor), (_, event), stop = WHOLE
    descriptor = {**descriptor, "data_keys": {**descriptor["data_keys"], "y": declared}}
    event = {**event, "data": {"x": 0.1, "y": "lost/0"}, "timestamps": {"x": 1.7e9, "y": 1.7e9}}
    streamed = {
        "uid": "strange",
        "run_start": start[1]["uid"],
        "data_key": "z",
        "mimetype": "application/x-hdf5",
        "uri": "file://localhost/nowhere/strange.h5",
        "parameters": {"dataset": "/data"},
    }
    frame = {
        "uid": "strange/0",
        "stream_resource": "strange",
        "descriptor": descriptor["uid"],
        "indices": {"start": 0, "stop": 1},
        "seq_nums": {"start": 1, "stop": 2},
    }
    documents = [
        start,
        ("descriptor", descriptor),
        ("stream_resource", streamed),
        ("stream_datum", frame),
        ("event", event),
        stop,
    ]
    contract = CONTRACTS[format_name]()
    contract.write(tmp_path, documents)
    (found,) = contract.read_back(tmp_path)
    assert found.left_out.get(("primary", "y")) or found.events["primary"]["y"] == ["lost/0"]
    told = found.places.get(("primary", "z")) or found.left_out.get(("primary", "z"))
    assert format_name == "jsonl" or "strange.h5" in str(told)


def test_a_damaged_reason_does_not_cost_the_end_of_a_file(tmp_path):
    documents = [*WHOLE[:-1], ("stop", {**WHOLE[-1][1], "reason": np.array([1, 2])})]
    for name in CONTRACTS:
        contract = CONTRACTS[name]()
        contract.write(tmp_path / name, documents)
        contract.check_runs(contract.read_back(tmp_path / name), documents)


def write_and_compare(folder, format_name, documents):
    contract = CONTRACTS[format_name]()
    assume(format_name != "csv" or not any(map(is_ambiguous_in_csv, received(documents))))
    contract.write(folder, documents)
    contract.check_runs(contract.read_back(folder), documents)
    contract.check_files(folder)


def belonging(documents: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return valid documents of a run that is open, of a stream that is declared."""
    found: list[tuple[str, dict[str, Any]]] = []
    runs: set[str] = set()
    seen: set[str] = set()
    for name, doc in documents:
        if not is_valid(name, doc):
            if name == "stop" and isinstance(doc, dict) and doc.get("run_start") in [*runs]:
                break  # damaged, but it ends its run
            continue
        if name == "start" and doc["uid"] not in runs:
            runs.add(doc["uid"])
        elif name == "descriptor" and doc["run_start"] in runs and doc["uid"] not in seen:
            seen.add(doc["uid"])
        elif not (name in ("event", "event_page") and doc["descriptor"] in seen):
            if name == "stop":  # and what follows may be a stray
                break
            continue
        found.append((name, doc))
    return found


MOST_LEVELS = 90


def levels(value: Any) -> int:
    """Return how deeply values are nested that do not contain themselves."""
    count, layer = 0, [value]
    while layer:
        inner = [each for each in layer if isinstance(each, dict | list | tuple)]
        layer = [i for each in inner for i in (each.values() if isinstance(each, dict) else each)]
        count += 1
    return count


def is_valid(name: Any, doc: Any) -> bool:
    """Tell whether event-model finds nothing wrong with a document, and it has an end."""
    try:
        in_json(doc)
        if levels(doc) > MOST_LEVELS:
            return False  # those beyond become a text
        if name == "event_page" and len(doc["seq_num"]) != len(doc["time"]):
            return False  # event-model does not look
        if name == "start" and not doc["uid"]:
            return False  # nor here; documents without a run_start would be of such a run
        return next(schema_validators[DocumentNames[name]].iter_errors(doc), None) is None
    except (KeyError, TypeError, RecursionError, ValueError):
        return False


WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("start", {"uid": "5f1f0c4e-whole", "time": 1.7e9, "scan_id": 4}),
    (
        "descriptor",
        {
            "uid": "d-whole",
            "run_start": "5f1f0c4e-whole",
            "time": 1.7e9,
            "name": "primary",
            "data_keys": {"x": {"source": "s", "dtype": "number", "shape": []}},
        },
    ),
    (
        "event",
        {
            "uid": "e-whole",
            "descriptor": "d-whole",
            "seq_num": 1,
            "time": 1.7e9 + 1,
            "data": {"x": 0.1},
            "timestamps": {"x": 1.7e9 + 1},
        },
    ),
    (
        "stop",
        {
            "uid": "s-whole",
            "run_start": "5f1f0c4e-whole",
            "time": 1.7e9 + 2,
            "exit_status": "success",
        },
    ),
]
"""A run that follows on the damage."""
