"""Times that are no date cost nothing but themselves: milliseconds, nothing, text."""

from __future__ import annotations

import copy
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine
from event_model import pack_event_page

from bluescribe.formats.dx import DxWriter
from bluescribe.log_once import LogOnce
from bluescribe.model import run as run_module
from bluescribe.model import times as times_module
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE, scan, told
from tests.extent import some
from tests.readers import dx

NO_DATES = {
    "milliseconds": 1_700_000_000_123.5,
    "nanoseconds": 1_700_000_000_123_456_789,
    "huge": 1e300,
    "of 401 digits": 10**400,
    "before the calendar": -1e12,
    "nothing": None,
    "text": "2026-11-28 10:00",
    "truth": True,
    "a list": [1.7e9],
    "nan": math.nan,
    "infinity": math.inf,
}
DATES = {"numpy": np.float64(1.7e9), "integer": np.int64(1_700_000_000), "negative": -1.5}
DATES["decimal"] = Decimal("1.7E+9")
TIMES = {**NO_DATES, **DATES}
FORMATS = [*CONTRACTS, "dx"]


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    for module in (run_module, times_module):
        monkeypatch.setattr(module, "_told", LogOnce())


@pytest.fixture(scope="module")
def documents():
    found = []
    RunEngine({})(scan(3), lambda name, doc: found.append((name, copy.deepcopy(doc))))
    return found


def altered(documents, where, time):
    for name, doc in copy.deepcopy(documents):
        if name == where and doc.get("seq_num") in (None, 2):
            doc["time"] = time
        if where == "timestamps" and doc.get("seq_num") == 2:
            doc["timestamps"] = dict.fromkeys(doc["timestamps"], time)
        if name == "descriptor":
            doc["data_keys"]["picture"] = {"dtype": "array", "shape": [2, 3], "source": "test"}
        if name == "event":
            doc["data"]["picture"] = np.full((2, 3), doc["seq_num"])
            doc["timestamps"]["picture"] = 1.5e9
        yield name, doc


def written(folder, name, documents, where, time):
    """Write the run in one format, and return it as its reader finds it."""
    writer_class = DxWriter if name == "dx" else CONTRACTS[name].writer_class
    settings: dict[str, Any] = {"streams": {"data": "primary"}} if name == "dx" else {}
    with writer_class(folder, drain_timeout=PATIENCE, retry_seconds=PATIENCE, **settings) as writer:
        for document in altered(documents, where, time):
            writer(*document)
    status = writer.status()
    assert status.documents_refused == len(status.failures) == 0, status
    assert status.events_written == 3
    (run,) = dx.read_folder(folder) if name == "dx" else CONTRACTS[name]().read_back(folder)
    return run


@pytest.mark.parametrize("where", ["start", "stop", "event", "timestamps"])
@pytest.mark.parametrize("time", some(TIMES))
def test_the_run_and_the_event_are_written(where, time, documents, tmp_path, caplog):
    events = [doc for name, doc in documents if name == "event"]
    for name in FORMATS:
        run = written(tmp_path / name, name, documents, where, TIMES[time])
        assert run.seq_num["primary"] == [1, 2, 3]
        if run.times.get("primary"):
            first, second, third = run.times["primary"]
            expected = [events[0]["time"], events[2]["time"]]
            assert [first, third] == pytest.approx(expected, abs=1e-3)
            if where == "event" and time in NO_DATES and name != "jsonl":
                is_number = isinstance(TIMES[time], float | int) and time not in ("truth", "nan")
                is_number = is_number and time != "of 401 digits"
                assert is_number or second is None or math.isnan(second)
        for field, column in run.events["primary"].items():
            if field != "picture":
                assert column == [event["data"][field] for event in events]
        assert len(run.events["primary"]) + len(run.left_out) >= (
            1 if name in ("dx", "tiff") else 3
        )
    messages = told(caplog)
    if where == "start":
        assert len(messages) == (time in NO_DATES)
        assert all("which is no date in seconds since 1970" in text for text in messages)
    if where == "event":
        assert len(messages) <= 1


def test_it_is_told_which_event_has_no_time(documents, tmp_path, caplog):
    for name in ("csv", "hdf5"):
        written(tmp_path / name, name, documents, "event", None)
    (message,) = told(caplog)
    assert message == (
        "event 2 of stream 'primary': its time is None, which is no number of seconds; files have "
        "NaN for such times, and everything else"
    )


def test_a_page_with_an_event_without_a_time_is_written(documents, tmp_path, caplog):
    for name in ("csv", "nexus", "json", "spec"):
        contract = CONTRACTS[name]()
        with contract.make(tmp_path / name) as writer:
            events = [doc for kind, doc in documents if kind == "event"]
            page: Any = pack_event_page(*copy.deepcopy(events))
            page["time"] = [page["time"][0], None, page["time"][2]]
            for document in (*documents[:2], ("event_page", page), documents[-1]):
                writer(*document)
        contract.check_status(writer)
        (run,) = contract.read_back(tmp_path / name)
        assert run.events["primary"]["det"] == [event["data"]["det"] for event in events]
    (message,) = told(caplog)
    assert "event 2 of a page of stream 'primary': its time is None" in message
