"""Units: kept as given, and looked up with pint for a warning where that is wanted."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import h5py
import pytest
from event_model import compose_run

from bluescribe import NexusWriter
from bluescribe.errors import ConfigError
from bluescribe.formats.nexus.units import unknown_units
from bluescribe.model.run import Field

VALUE = "/entry/instrument/bluesky/streams/primary/det/value"


def write(folder: Path, *units: str, **settings: Any) -> list[str]:
    """Write a run for each unit; return the units in the files."""
    found = []
    with NexusWriter(folder, **settings) as writer:
        for unit in units:
            made = compose_run(metadata={"scan_id": 1})
            key = {"dtype": "number", "shape": [], "source": "x", "units": unit}
            stream = made.compose_descriptor(name="primary", data_keys={"det": key})
            docs: list[tuple[str, Any]] = [
                ("start", made.start_doc),
                ("descriptor", stream.descriptor_doc),
                ("event", stream.compose_event(data={"det": 1.5}, timestamps={"det": 0.0})),
                ("stop", made.compose_stop()),
            ]
            for name, doc in docs:
                writer(name, doc)
            status = writer.status()
            assert not status.failures
            assert status.last_file is not None
            with h5py.File(status.last_file) as file:
                found.append(file[VALUE].attrs["units"])
    return found


def test_a_unit_that_nobody_knows_is_told_once_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    units = ["keV", "furlongs/blink", "furlongs/blink"]
    assert write(tmp_path, *units, check_units=True) == units
    (record,) = [r for r in caplog.records if "furlongs" in r.getMessage()]
    assert "'det'" in record.getMessage()
    assert "EGU" in record.getMessage()
    assert "keV" not in record.getMessage().replace("mm, deg, keV", "")


def test_nothing_is_told_that_was_not_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "furlongs/blink")
    assert "furlongs" not in caplog.text


@pytest.mark.parametrize("unit", ["mm", "counts", "°", "%", "1/s", "degC", "Å", "µm", "s^-1", " "])
def test_units_of_beamlines_are_known(unit: str) -> None:
    assert list(unknown_units([Field("x", units=unit)])) == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit", ["arb. units", "m**", "(", "m**9**9**9", "10**99999999", "m^9^9^9^9", "x" * 100_000]
)
def test_what_is_no_unit_is_found_at_once(unit: str) -> None:
    assert list(unknown_units([Field("x", units=unit)])) == [("x", unit)]


def test_without_pint_it_is_told_at_construction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_it = builtins.__import__

    def no_pint(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pint":
            raise ImportError("No module named 'pint'")
        return import_it(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pint)
    with pytest.raises(ConfigError, match="pip install pint"):
        NexusWriter(tmp_path, check_units=True)
