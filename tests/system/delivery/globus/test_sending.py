"""What is sent by Globus of a run: the files of all formats, in one transfer."""

from __future__ import annotations

import time
from pathlib import PurePosixPath

import bluesky.plans as bp
from ophyd.sim import det, direct_img

from bluescribe.formats.csv import CsvFile
from bluescribe.formats.nexus import NexusFile
from tests.system.delivery.globus.sessions import (
    DESTINATION,
    SOURCE,
    delivered,
    here,
    items,
    scan,
    told,
)


def test_all_files_of_a_run_go_in_one_transfer(begin, service, tmp_path):
    RE, writers = begin(("jsonl", "spec", "nexus", "csv", "json", "tiff"))
    RE(bp.count([det, direct_img], 2), sample="Fe\nfoil")
    delivered(writers)
    ((_, document),) = service.tasks.items()
    assert items(document) == here(tmp_path)
    assert len(document["DATA"]) == 8  # csv has tables and a package, tiff its list and a stack
    assert document["label"].startswith("1 count ")
    assert (document["source_endpoint"], document["destination_endpoint"]) == (SOURCE, DESTINATION)
    assert (document["sync_level"], document["verify_checksum"]) == (3, True)
    assert (document["notify_on_succeeded"], document["notify_on_failed"]) == (False, True)
    assert str(writers.globus.status()) == "globus: 1 run delivered"
    assert "globus: 1 run delivered" in str(writers.status())


def test_each_run_has_its_own_and_a_session_file_goes_with_each(begin, service, tmp_path):
    RE, writers = begin(("jsonl", "spec"))
    scan(RE)
    before = here(tmp_path)
    scan(RE)
    delivered(writers, 2)
    first, second = service.tasks.values()
    assert items(first) == before
    new = here(tmp_path).items() - before.items()
    (session,) = [path for path in before if path.endswith(".dat")]
    assert items(second).items() == new | {(session, before[session])}


def test_only_the_formats_that_are_wanted_are_sent(begin, service, tmp_path):
    RE, writers = begin(("jsonl", "csv"), FORMATS=["csv"])
    scan(RE)
    delivered(writers)
    (document,) = service.tasks.values()
    assert items(document) == {k: v for k, v in here(tmp_path).items() if "jsonl" not in k}


def test_what_a_format_gave_up_is_left_out_and_named(begin, service, monkeypatch, caplog):
    def refuse(*_):
        raise RuntimeError("a fault")

    RE, writers = begin(("jsonl", "csv"))
    monkeypatch.setattr(CsvFile, "add_descriptor", refuse)
    scan(RE)
    delivered(writers)
    (document,) = service.tasks.values()
    assert [PurePosixPath(path).suffix for path in items(document)] == [".jsonl"]
    assert any("its files of csv are incomplete and are not sent" in text for text in told(caplog))


def test_a_run_waits_for_images_that_are_copied(begin, service, monkeypatch):
    copied = []

    def work(_give_up):
        time.sleep(0.3)
        copied.append(len(service.tasks))
        return []

    monkeypatch.setattr(NexusFile, "afterwards", lambda _: work)
    RE, writers = begin(("jsonl", "nexus"))
    scan(RE)
    delivered(writers)
    assert copied == [0]
    (document,) = service.tasks.values()
    assert len(document["DATA"]) == 2


def test_what_the_collection_cannot_see_is_told(begin, service, tmp_path, caplog):
    root = tmp_path / "elsewhere"
    RE, writers = begin(LOCAL_ROOT=str(root))
    scan(RE)
    assert not writers.globus.outbox.paths()
    (text,) = told(caplog)
    assert f"not sent, as not below LOCAL_ROOT ({root}): {tmp_path / 'data'}" in text
    assert "Remedy: set LOCAL_ROOT" in text
    assert not service.tasks


def test_what_comes_without_a_run_engine_is_sent_too(begin, service, tmp_path):
    """As `listen` does: documents that nobody waits for."""
    RE, writers = begin()
    RE.unsubscribe(0)
    documents = []
    RE.subscribe(lambda name, doc: documents.append((name, doc)))
    scan(RE)
    for name, doc in documents:
        writers.post(name, doc)
    delivered(writers, writers.globus.status().delivered + 1)
