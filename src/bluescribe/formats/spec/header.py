"""The header of a file and of a scan."""

from __future__ import annotations

import getpass
import re
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...model.diffractometer import diffractometers
from ...model.numbers import Number
from ...model.run import Document, Page, Run, Stream
from ...model.times import local_time, seconds_of
from .analysers import spectrum_lines
from .columns import Layout
from .command import Preset
from .digits import digits, number
from .geometry import geometry_lines
from .lines import comment, label, literal, metadata, plain, unique
from .marks import HEADER, NO_ROWS, NO_STOP, ROWS_OF, RUN, STOPPED

__all__ = [
    "LABEL",
    "Positions",
    "date",
    "ending",
    "file_header",
    "is_positions",
    "left_out",
    "scan_header",
    "without_stop",
]

LABEL = "label_start_motor"
"""apstools' stream of all motors, read once at the start of a run."""

_A_LINE = 8
"""Motors on each line, as SPEC has them."""

_MOST_MOTORS = 296
"""silx and PyMca have room for 300 positions, and do not look whether there are more."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Where motors were at the beginning of a run, and other readings of that moment."""

    motors: Mapping[str, Number]
    """By label."""
    others: Mapping[str, Any]
    """What is no number, or one too many, by field."""

    @classmethod
    def from_page(cls, page: Page) -> Positions:
        """Read the first row of a baseline; what was not read then has no place in it."""
        motors: dict[str, Number] = {}
        others: dict[str, Any] = {}
        for name, column in page.data.items():
            if column[0] is None:  # in a page of several readings, or missing
                continue
            value = number(column[0])
            if value is None or len(motors) >= _MOST_MOTORS:
                others[name] = column[0]
            else:
                motors[unique(label(name), motors)] = value
        return cls(motors, others)


def is_positions(stream: Stream) -> bool:
    """Tell whether a stream says where the motors are: a baseline, or what apstools calls so."""
    return stream.is_baseline or stream.name == LABEL


def date(seconds: float) -> str:
    """Return a time as SPEC writes it, in English whatever the locale is.

    The day has two digits: of SPEC's blank, silx makes ``2026-11- 1``, on which larch fails.
    """
    try:
        text = time.asctime(time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        text = time.asctime(time.localtime(0))
    return text.replace("  ", " 0")


def file_header(name: str, epoch: int, run: Run, motors: Iterable[str]) -> bytes:
    """Return ``#F #E #D #C`` and the names of the motors.

    Parameters
    ----------
    name
        The file's.
    epoch
        For ``#E``.
    run
        The one that the header is for. Its uid keeps spec2nexus from taking two headers for one,
        when the motors of an earlier one come back.
    motors
        Labels, in the order of the positions.
    """
    names = list(motors)
    lines = [
        f"#F {plain(name)}\n#E {epoch}\n#D {date(run.date.timestamp())}\n".encode(),
        HEADER.line(f"{plain(_USER)}  Host = {plain(socket.gethostname())}"),
        comment(f"header for the scans from run {literal(run.uid)} on"),
        comment("Epoch counts seconds from #E; seq_num is the event's, the same for a point again"),
        *_numbered("O", names, "  "),
        *_numbered("o", _mnemonics(names), " "),
    ]
    return b"".join(lines)


def scan_header(
    run: Run,
    stream: Stream | None,
    *,
    scan: str,
    preset: Preset | None,
    positions: Positions | None,
    layout: Layout,
    first: Page | None,
    notes: Iterable[bytes],
    as_scans: bool = False,
) -> bytes:
    """Return what stands before the first row.

    Parameters
    ----------
    run, stream
        The run, and the stream whose events are the rows.
    scan
        Number and command.
    preset
        What each point is counted for, when that is known.
    positions
        Of the motors, when there are any.
    layout
        The columns and the spectra.
    first
        Holds the first row, when there is one.
    notes
        Further lines of comments.
    as_scans
        Whether each stream is a scan.
    """
    lines = [
        f"\n#S {scan}\n#D {date(run.date.timestamp())}\n".encode(),
        RUN.line(plain(run.uid)),
    ]
    if preset is not None:
        lines.append(preset.line)
    if positions is not None:
        lines += _numbered("P", map(digits, positions.motors.values()), " ")
        lines += [
            comment(f"at the start: {literal(name)} = {literal(value)}")
            for name, value in positions.others.items()
        ]
    lines += _geometry(run, stream, positions, first)
    lines += _metadata(run.start)
    if stream is None:
        lines.append(NO_ROWS.line(""))
    elif stream.name != "primary":
        lines.append(ROWS_OF.line(literal(stream.name)))
    others = [other for other in run.streams.values() if other is not stream]
    lines += [comment(left_out(other, as_scans=as_scans)) for other in others]
    lines += [*notes, *_explanations(layout), *spectrum_lines(layout, stream, first, preset)]
    lines.append(f"#N {len(layout.columns)}\n#L {'  '.join(layout.labels)}\n".encode())
    return b"".join(lines)


def ending(
    run: Run,
    stream: Stream | None,
    rows: int,
    stop: Document | None,
    *,
    as_scans: bool = False,
) -> bytes:
    """Return what stands after the last row: how the run ended, and what else it has."""
    lines = _end(rows, stop)
    others = [other for other in run.streams.values() if other is not stream]
    lines += [f"{left_out(other, as_scans=as_scans)}: {other.events} of them" for other in others]
    return b"".join(map(comment, lines))


def left_out(stream: Stream, *, as_scans: bool = False) -> str:
    """Name a stream that has no rows here, and who has them."""
    if as_scans and not is_positions(stream):
        return f"a scan of its own holds the events of stream {literal(stream.name)}"
    return f"only the other formats hold the events of stream {literal(stream.name)}"


def without_stop(rows: int) -> str:
    """Say that nothing tells how a run ended."""
    return NO_STOP.text(f"{rows} points: the run may have gone on")


def _end(rows: int, stop: Document | None) -> list[str]:
    if stop is None:
        return [without_stop(rows)]
    status, seconds = stop.get("exit_status"), seconds_of(stop.get("time"))
    when = "at an unknown time" if local_time(seconds) is None else date(seconds)
    # as SPEC words it: spec2nexus, silx and xrayutilities look for this
    verb = "ended" if status == "success" else "aborted"
    lines = [f"{when}.  Scan {verb} after {rows} points.", STOPPED.text(literal(status))]
    reason = stop.get("reason")
    is_silent = reason is None or (isinstance(reason, str) and not reason)
    return lines if is_silent else [*lines, f"reason = {literal(reason)}"]


def _geometry(
    run: Run, stream: Stream | None, positions: Positions | None, first: Page | None
) -> list[bytes]:
    """Describe the diffractometer; of further ones, tell who describes them."""
    found = diffractometers(run, stream)
    if not found:
        return []
    readings = {name: column[0] for name, column in first.data.items()} if first else {}
    if positions is not None:
        readings |= positions.motors
    others = (literal(geometry.device) for geometry in found[1:])
    told = [comment(f"only the other formats hold the geometry of {name}") for name in others]
    return [*geometry_lines(found[0], readings), *told]


def _metadata(start: Document) -> list[bytes]:
    lines: list[bytes] = []
    keys: dict[str, str] = {}
    for key, value in start.items():
        word = unique(re.sub(r"[\s=]", "_", label(str(key))), keys)
        keys[word] = str(key)
        lines.append(metadata(word, plain(value) if type(value) is str else literal(value)))
        if word != key:
            lines.append(comment(f"metadata {literal(word)} is {literal(str(key))}"))
    return lines


def _explanations(layout: Layout) -> list[bytes]:
    """Tell what labels and numbers stand for."""
    lines: list[str] = []
    for column in layout.columns:
        if column.name not in (None, column.label):
            lines.append(f"column {literal(column.label)} is {literal(column.name)}")
        if column.codes:
            lines.append(f"column {literal(column.label)} counts {literal(column.codes)}")
    for spectrum in layout.spectra:
        name = literal(spectrum.label)
        if not spectrum.is_field:
            lines.append(f"the channels of {name} are scalars: {literal(spectrum.names)}")
        elif spectrum.names != (spectrum.label,):
            lines.append(f"spectrum {name} is {literal(spectrum.names[0])}")
    return list(map(comment, lines))


def _numbered(key: str, words: Iterable[str], between: str) -> list[bytes]:
    """Return ``#O0``, ``#O1``... with eight words each."""
    items = list(words)
    rows = [items[i : i + _A_LINE] for i in range(0, len(items), _A_LINE)]
    # silx loses the blank of a last name like "table x" unless blanks follow
    end = between if len(between) > 1 else ""
    return [f"#{key}{i} {between.join(row)}{end}\n".encode() for i, row in enumerate(rows)]


def _mnemonics(names: Iterable[str]) -> list[str]:
    """Return names without blanks, each once."""
    mnemonics: dict[str, None] = {}
    for name in names:
        mnemonics[unique(name.replace(" ", "_"), mnemonics)] = None
    return list(mnemonics)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"


_USER = _user()
"""Asked when the format is switched on: asking imports a module."""
