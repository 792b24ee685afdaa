"""The README of a zip file: what is what, for somebody who has nothing but the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...contract.plugin import FormatPlugin
from ...model.run import Document
from ...model.times import local_time, seconds_of
from ...sources import Selection, Source, StoredRun
from ..exporting import Export
from .external import ExternalFiles

__all__ = ["Notes", "readme"]

_BOOKKEEPING = {"uid", "time", "versions", "hints", "plan_args", "plan_pattern_args"}
_LONGEST = 200


class Notes(Source):
    """A run whose documents are noted down for the README while they pass.

    Parameters
    ----------
    run
        Where the documents are.
    files
        Keeps what may not be packed out of them.
    """

    def __init__(self, run: StoredRun, files: ExternalFiles) -> None:
        self._run = run
        self._files = files
        self.start: Document = {}
        self.stop: Document = {}
        self.columns: dict[str, dict[str, Mapping[str, Any]]] = {}
        """What is declared of each field, by stream."""
        self.run = replace(run, source=self)

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Give the run."""
        yield self.run

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Give its documents."""
        for name, doc in self._run.documents():
            if name == "start":
                self.start = doc
            elif name == "stop":
                self.stop = doc
            elif name == "descriptor":
                keys = doc.get("data_keys") or {}
                self.columns.setdefault(str(doc.get("name", "primary")), {}).update(keys)
            yield name, self._files.hide(name, doc, self._run.source.folder)


def readme(
    title: str, formats: Iterable[FormatPlugin], notes: list[Notes], done: Export, folder: Path
) -> str:
    """Return the text.

    Parameters
    ----------
    title
        Of the zip file.
    formats
        That were written.
    notes
        Of each run.
    done
        What was written.
    folder
        To which paths are relative.
    """
    lines = [title, "=" * len(title), "", f"{len(notes)} runs, written by bluescribe.", ""]
    lines += ["How to open the files", "---------------------", ""]
    lines += [f"* {plugin.name}: {plugin.readers}" for plugin in formats]
    lines += ["", "SHA256SUMS has the hash of each file: sha256sum -c SHA256SUMS checks them."]
    lines += ["Times are epoch seconds (UTC) unless a column says otherwise.", ""]
    lines += [f"NOT COMPLETE, {line}" for line in done.left_out]
    for note, run in zip(notes, done, strict=True):
        lines += ["", run.label, "-" * len(run.label), ""]
        files = [p for paths in run.files.values() for p in paths]
        lines += [f"file: {path.relative_to(folder).as_posix()}" for path in files]
        lines += [f"NOT COMPLETE, {name}: {cause}" for name, cause in run.failures.items()]
        lines += [f"NOT COMPLETE AT ITS SOURCE: {text}" for text in run.discrepancies]
        lines += [f"{key}: {value}" for key, value in _about(note)]
        lines += _columns(note)
    return "\n".join(lines) + "\n"


def _about(note: Notes) -> Iterator[tuple[str, str]]:
    for key, doc in (("begun", note.start), ("ended", note.stop)):
        if (at := local_time(seconds_of(doc.get("time")))) is not None:
            yield key, at.isoformat(" ", "seconds")
    yield "uid", str(note.start.get("uid"))
    if note.stop.get("exit_status", "success") != "success":
        yield "exit_status", f"{note.stop['exit_status']} {note.stop.get('reason', '')}".strip()
    for key, value in note.start.items():
        text = " ".join(str(value).split())
        if key not in _BOOKKEEPING and text:
            yield key, text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _columns(note: Notes) -> Iterator[str]:
    for stream, keys in note.columns.items():
        yield ""
        yield f"stream {stream}:"
        for name, key in keys.items():
            units = key.get("units") or key.get("egu")
            shape = key.get("shape") or []
            about = [f"[{units}]" if units else "", f"array {list(shape)}" if shape else ""]
            about.append(f"({key['source']})" if key.get("source") else "")
            yield "  ".join(["  " + name, *filter(None, about)])
