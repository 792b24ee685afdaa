"""No number in the settings harms a run: it is refused in words, or works."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest
from bluesky import RunEngine
from pydantic import Field

from bluescribe import JsonlWriter
from bluescribe.contract.settings import Seconds
from bluescribe.delivery.settings import DeliverySettings
from bluescribe.delivery.tiled.settings import TiledSettings
from bluescribe.errors import ConfigError
from bluescribe.formats import format_names, load_format
from bluescribe.formats.jsonl import JsonlSettings
from tests.core.scanning import PATIENCE, WHOLE, names, scan, told

HOSTILE = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "text of infinity": "inf",
    "less than nothing": -1,
    "less than all": float("-inf"),
    "huge": 1e300,
    "more than a float": 10**400,
    "more than can be printed": 10**5000,
    "text of a huge size": "9" * 400 + " TB",
    "text of a huge number": "1e400",
    "almost nothing": 5e-324,
    "nothing": 0,
    "a bit": 0.5,
    "true": True,
}


class OthersSettings(JsonlSettings):
    """Settings of a format that somebody else wrote."""

    wait: Seconds = Field(1.0, description="Seconds")
    gain: float = Field(1.0, description="A number")


class OthersWriter(JsonlWriter):
    settings_class: ClassVar[Any] = OthersSettings


def accepted(settings_class, value, **needed):
    """Return the fields that take a value for a number; a refusal names the field and why."""
    found = {}
    for field in settings_class.model_fields:
        try:
            settings = settings_class.validated("Somebody", {**needed, field: value})
        except ConfigError as error:
            refusal = str(error)
        else:
            if isinstance(getattr(settings, field), int | float):
                found[field] = value
            continue
        assert refusal.startswith("Somebody: ")
        assert field in refusal
        assert len(refusal) < 1000
    return found


@pytest.fixture(scope="module")
def engine():
    return RunEngine({})


@pytest.mark.parametrize("value", HOSTILE)
def test_no_number_harms_a_run(value, engine, tmp_path, caplog):
    writers: list[Any] = [*map(load_format, format_names()), OthersWriter]
    for number, kind in enumerate(writers):
        settings = accepted(kind.settings_class, HOSTILE[value])
        assert "wait" in settings or kind is not OthersWriter or value in REFUSED_BY_SECONDS
        assert not {"gain", "low_space"} & settings.keys() or value not in NO_NUMBER
        with kind(tmp_path / str(number), **{"low_space": 0, **settings}) as writer:
            token = engine.subscribe(writer.receiver)
            try:
                engine(scan(3))
            finally:
                engine.unsubscribe(token)
            assert writer.flush(timeout=HOSTILE["infinity"])
        status = writer.status()
        assert status.documents_refused == len(status.failures) == 0, status
    path = next((tmp_path / str(len(writers) - 1)).glob("*.jsonl*"))
    assert names(path) == WHOLE
    assert not [text for text in told(caplog) if "fault inside" in text]


NO_NUMBER = ("nan", "infinity", "text of infinity", "less than all", "text of a huge number")
REFUSED_BY_SECONDS = (
    *("nan", "less than nothing", "less than all", "more than a float"),
    *("more than can be printed", "text of a huge size"),
)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_number_harms_a_delivery(value):
    for kind, needed in ((DeliverySettings, {}), (TiledSettings, {"uri": "http://localhost"})):
        for field, number in accepted(kind, HOSTILE[value], **needed).items():
            if field in ("interval", "timeout"):
                settings = kind.validated("Somebody", {**needed, field: number})
                assert 0 < getattr(settings, field) <= threading.TIMEOUT_MAX


@pytest.mark.parametrize("interval", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_no_interval_ends_a_writers_thread(interval, engine, tmp_path):
    kind = type("Others", (JsonlWriter,), {"interval": interval})
    with kind(tmp_path, drain_timeout=PATIENCE) as writer:
        token = engine.subscribe(writer.receiver)
        engine(scan(3))
        engine.unsubscribe(token)
        (path,) = tmp_path.glob("*.jsonl")
        assert names(path) == WHOLE
