"""``#@MCA #@CHANN #@CALIB #@CTIME #@ROI #@DET_n``: the spectra of a scan and their analysers.

What an EPICS mca record tells is found by the record's field at the end of a signal's source, as
in ``PV:dxp:mca1.CALO``, or by the names that ophyd's ``EpicsMCARecord`` gives its signals. What
neither of them names is not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...model.numbers import Number
from ...model.run import Page, Stream
from ...model.told import mapping_of
from .columns import Layout, Spectrum
from .command import Preset
from .digits import digits, number
from .lines import label

__all__ = ["spectrum_lines"]

_REGIONS = 32
"""Of an mca record: R0 to R31."""

_NOT_CALIBRATED = b"#@CALIB 0 1 0\n"
"""Where no calibration is known, a channel's value is its number."""

_NAMES: dict[str, tuple[str, ...]] = {
    "PRTM": ("preset_real_time",),
    "PLTM": ("preset_live_time",),
    "ERTM": ("elapsed_real_time",),
    "ELTM": ("elapsed_live_time",),
    "CALO": ("calibration_offset", "calo"),
    "CALS": ("calibration_slope", "cals"),
    "CALQ": ("calibration_quadratic", "calq"),
    **{f"R{i}NM": (f"rois_roi{i}_label",) for i in range(_REGIONS)},
    **{f"R{i}LO": (f"rois_roi{i}_lo_chan",) for i in range(_REGIONS)},
    **{f"R{i}HI": (f"rois_roi{i}_hi_chan",) for i in range(_REGIONS)},
}
"""How signals of the record's fields are called: by ophyd, and at beamlines where it has none."""

_Told = Mapping[str, Any]
"""Values by signal name, and by source."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of interest, its last channel included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Analyser:
    """What is certain of one spectrum."""

    spectrum: Spectrum
    calibration: tuple[Number, Number, Number] | None
    """Offset, slope and quadratic term."""
    times: tuple[Number, Number, Number]
    """Preset, elapsed live and elapsed real; nan where that is not known."""
    regions: tuple[Region, ...]


def spectrum_lines(
    layout: Layout, stream: Stream | None, first: Page | None, preset: Preset | None
) -> list[bytes]:
    """Declare the ``@A`` lines that follow each row, in their order.

    xrayutilities expects a spectrum on as many lines as ``#@MCA`` makes of ``#@CHANN``, and takes
    several of them, and floats, only when ``#@DET_n`` names them. silx takes one ``#@CHANN`` for
    all, or else one for each, with as many ``#@CALIB`` and ``#@CTIME``.

    Parameters
    ----------
    layout
        Has the spectra.
    stream
        Whose configuration tells of the analysers.
    first
        Holds the first row, when there is one: elapsed times are those of its point.
    preset
        What each point is counted for: the preset of an analyser that tells none itself.
    """
    if stream is None or not layout.spectra:
        return []
    readings = {} if first is None else {name: column[0] for name, column in first.data.items()}
    settings = _settings(stream)
    analysers = [_analyser(s, stream, settings, readings, preset) for s in layout.spectra]
    has_times = any(math.isfinite(time) for analyser in analysers for time in analyser.times)
    is_one_of_several = sum(bool(analyser.regions) for analyser in analysers) > 1
    blocks = [
        b"".join(_lines(analyser, has_times=has_times, is_one_of_several=is_one_of_several))
        for analyser in analysers
    ]
    widest = max(_channels(analyser) for analyser in analysers)
    names = (f"#@DET_{i} {a.spectrum.label}\n".encode() for i, a in enumerate(analysers))
    is_alike = len(set(blocks)) == 1
    return [f"#@MCA %{widest}C\n".encode(), *(blocks[:1] if is_alike else blocks), *names]


def _lines(analyser: Analyser, *, has_times: bool, is_one_of_several: bool) -> Iterator[bytes]:
    channels = _channels(analyser)
    yield f"#@CHANN {channels} 0 {channels - 1} 1\n".encode()
    known = analyser.calibration
    yield f"#@CALIB {' '.join(map(digits, known))}\n".encode() if known else _NOT_CALIBRATED
    if has_times:
        times = ("nan" if math.isnan(time) else digits(time) for time in analyser.times)
        yield f"#@CTIME {' '.join(times)}\n".encode()
    # spec2nexus keeps the regions of all analysers by their name
    whose = f"{analyser.spectrum.label}:" if is_one_of_several else ""
    for region in analyser.regions:
        yield f"#@ROI {whose}{region.name} {region.first} {region.last}\n".encode()


def _channels(analyser: Analyser) -> int:
    return max(analyser.spectrum.channels, 1)


def _analyser(
    spectrum: Spectrum,
    stream: Stream,
    settings: _Told,
    readings: Mapping[str, Any],
    preset: Preset | None,
) -> Analyser:
    if not spectrum.is_field:
        return Analyser(spectrum, None, (math.nan, math.nan, math.nan), ())
    name = spectrum.names[0]
    source = stream.fields[name].source if name in stream.fields else ""
    measured = _with_sources(readings, ((k, f.source) for k, f in stream.fields.items()))
    told = _Record(name, source, {**settings, **measured})
    # an elapsed time in the configuration was read before the first point: it is an older one
    elapsed = _Record(name, source, measured)
    times = (_preset(told, preset), elapsed.seconds("ELTM"), elapsed.seconds("ERTM"))
    return Analyser(spectrum, _calibration(told), times, tuple(_regions(told, spectrum.channels)))


@dataclass(frozen=True, slots=True)
class _Record:
    """The fields of the mca record that a spectrum is of, as far as they are told."""

    name: str
    source: str
    """The name and the source of the spectrum."""
    told: _Told

    def value(self, field: str) -> Any:
        """Return what a field of the record holds; None when that is not told."""
        record = self.source.removesuffix(".VAL")
        stems = (self.name, *([self.name[: -len("_spectrum")]] if self._is_of_ophyd else []))
        keys = [f"{stem}_{word}" for stem in stems for word in _NAMES[field]]
        keys = [f"{record}.{field}", *keys] if record else keys
        return next((self.told[key] for key in keys if key in self.told), None)

    def finite(self, field: str) -> Number | None:
        value = number(self.value(field))
        return value if value is not None and math.isfinite(value) else None

    def seconds(self, field: str) -> Number:
        value = self.finite(field)
        return value if value is not None and value >= 0 else math.nan

    def channel(self, field: str) -> int | None:
        value = self.finite(field)
        return int(value) if value is not None and value == int(value) else None

    @property
    def _is_of_ophyd(self) -> bool:
        return self.name.endswith("_spectrum")


def _preset(record: _Record, preset: Preset | None) -> Number:
    """Return the seconds that the analyser itself is set to, or else those of the point."""
    for field in ("PRTM", "PLTM"):  # 0 is no preset
        if (seconds := record.seconds(field)) > 0:
            return seconds
    return preset.value if preset is not None and not preset.is_monitor else math.nan


def _calibration(record: _Record) -> tuple[Number, Number, Number] | None:
    offset, slope, quadratic = (record.finite(field) for field in ("CALO", "CALS", "CALQ"))
    if offset is None or slope is None or quadratic is None or not (slope or quadratic):
        return None
    return offset, slope, quadratic


def _regions(record: _Record, channels: int) -> Iterator[Region]:
    """Yield the regions that are set: the record has -1 for the channels of one that is not."""
    for i in range(_REGIONS):
        first, last = record.channel(f"R{i}LO"), record.channel(f"R{i}HI")
        if first is None or last is None or not 0 <= first <= last < channels:
            continue
        told = record.value(f"R{i}NM")
        name = told.strip() if isinstance(told, str) else ""
        if name or last > 0:
            yield Region(label(name or f"roi{i}").replace(" ", "_"), first, last)


def _settings(stream: Stream) -> _Told:
    """Return the configuration of all devices, by signal and by source."""
    told: dict[str, Any] = {}
    devices = (d for each in stream.descriptors[:1] for d in each.configuration.values())
    for device in devices:
        keys = mapping_of(device.get("data_keys"))
        sources = ((str(key), mapping_of(entry).get("source")) for key, entry in keys.items())
        told |= _with_sources(mapping_of(device.get("data")), sources)
    return told


def _with_sources(values: Mapping[str, Any], sources: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    by_source = {s: values[k] for k, s in sources if isinstance(s, str) and s and k in values}
    return {**by_source, **values}
