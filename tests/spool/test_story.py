"""The story of one run: whoever plays it writes what was written live, when all runs came."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluescribe import JsonlWriter
from bluescribe.contract.session import CONTROL
from bluescribe.files.json_text import dumps
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.spool.entries import BEGIN, Entry
from bluescribe.spool.story import story_of
from bluescribe.testing.strategies import several_runs
from tests.extent import examples

Documents = list[tuple[str, dict[str, Any]]]


class TellingFile(JsonlFile):
    """A journal that has the comments, too, where they came."""

    def control(self, verb: str, asked: Mapping[str, Any]) -> None:
        self._file.put(dumps([verb, asked["text"]]) + b"\n")


class TellingWriter(JsonlWriter):
    file_class: ClassVar[type[JsonlFile]] = TellingFile


def play(folder: Path, entries: Sequence[tuple[str, Any]]) -> None:
    """Play what came to a writer, as it is, and close it."""
    with TellingWriter(folder, file_name="{uid}", drain_timeout=30) as writer:
        writer.replay()
        for name, doc in entries:
            if name == "start":
                writer.begin(doc, 0, None)
            elif name != "cwd":
                writer.post(name, doc)


def uids_of(documents: Sequence[tuple[str, Any]]) -> list[str]:
    return [doc["uid"] for name, doc in documents if name == "start"]


def check(folder: Path, documents: Sequence[tuple[str, Any]]) -> None:
    """Fail unless the story of each run gives the journal that it has."""
    play(folder / "live", documents)
    entries: list[Entry] = [(BEGIN, {}, ""), *((name, doc, "") for name, doc in documents)]
    for uid in uids_of(documents):
        play(folder / "alone", [*story_of(uid, entries)])
    live = {path.name: path.read_bytes() for path in sorted((folder / "live").iterdir())}
    alone = {path.name: path.read_bytes() for path in sorted((folder / "alone").iterdir())}
    assert alone == live
    assert len(live) == len(uids_of(documents))


@st.composite
def whatever_came(draw: Any) -> Documents:
    """Generate interleaved runs among which is what belongs to one by a rule only.

    Comments; resources that do not name their run; parts of resources of runs before; runs that
    are left without a stop document.
    """
    documents = draw(several_runs())
    number = itertools.count()
    came: Documents = []
    datums: Documents = []
    for name, doc in documents:
        extra = draw(st.sampled_from(["", "", "", "comment", "datum", "unstopped"]))
        if extra == "comment":
            came.append(said(f"{next(number)}"))
        elif extra == "datum" and datums:
            again, earlier = draw(st.sampled_from(datums))
            came.append((again, _renamed(earlier, next(number))))
        elif extra == "unstopped" and came and draw(st.integers(0, 3)) == 0:
            uid = draw(st.sampled_from(uids_of(came))) if uids_of(came) else ""
            came.append(("unstopped", {"run_start": uid}))
        is_nameless = name == "resource" and draw(st.booleans())
        came.append((name, _nameless(doc) if is_nameless else doc))
        if name in ("datum", "datum_page"):
            datums.append((name, doc))
    return came


def _nameless(doc: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in doc.items() if key != "run_start"}


def _renamed(doc: dict[str, Any], number: int) -> dict[str, Any]:
    ids = doc["datum_id"]
    new = f"{ids}-{number}" if isinstance(ids, str) else [f"{each}-{number}" for each in ids]
    return {**doc, "datum_id": new}


@settings(max_examples=examples(120), deadline=None)
@given(documents=whatever_came())
def test_whoever_plays_a_story_writes_what_was_written_live(documents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    try:
        check(folder, documents)
    finally:
        shutil.rmtree(folder)


# --- what the rules say, one by one -----------------------------------------------------------


def start(uid: str) -> tuple[str, dict[str, Any]]:
    return "start", {"uid": uid, "time": 0.0}


def stop(uid: str) -> tuple[str, dict[str, Any]]:
    about = {"time": 1.0, "exit_status": "success", "reason": "", "num_events": {}}
    return "stop", {"uid": f"stop of {uid}", "run_start": uid, **about}


def said(text: str) -> tuple[str, dict[str, Any]]:
    return CONTROL, {"verb": "say", "text": text}


def resource(uid: str, run: str | None) -> tuple[str, dict[str, Any]]:
    about = {"spec": "X", "root": "/", "resource_path": "x", "resource_kwargs": {}}
    named = {} if run is None else {"run_start": run}
    return "resource", {"uid": uid, "path_semantics": "posix", **about, **named}


def datum(of: str, number: int) -> tuple[str, dict[str, Any]]:
    return "datum", {"datum_id": f"{of}/{number}", "resource": of, "datum_kwargs": {}}


CASES: dict[str, Sequence[tuple[str, dict[str, Any]]]] = {
    "a comment is of the run that began last": [
        start("a"), start("b"), said("of b"), stop("b"), said("of a"), stop("a"), said("of none"),
    ],
    "a comment is of the one that is left": [
        start("a"), start("b"), stop("a"), said("of b"), stop("b"),
    ],
    "a run that was left without a stop is over": [
        start("a"), start("b"), ("unstopped", {"run_start": "b"}), said("of a"), stop("a"),
    ],
    "a resource that names no run is of the only one": [
        start("a"), resource("r", None), datum("r", 1), stop("a"),
    ],
    "a resource that names no run is of none of two": [
        start("a"), start("b"), resource("r", None), datum("r", 1), stop("a"), stop("b"),
    ],
    "a resource of an earlier run is filled by the next one": [
        start("a"), resource("r", "a"), datum("r", 1), stop("a"),
        start("b"), datum("r", 2), datum("r", 3), stop("b"), start("c"), datum("r", 4), stop("c"),
    ],
    "a resource of a run that is open is filled by that one": [
        start("a"), resource("r", "a"), start("b"), datum("r", 1), stop("b"), stop("a"),
    ],
    "so is one that does not name it": [
        start("a"), resource("r", None), start("b"), datum("r", 1), stop("b"), stop("a"),
    ],
    "who has taken a resource of an earlier run goes on filling it": [
        start("a"), resource("r", "a"), stop("a"), start("b"), datum("r", 1), start("c"),
        datum("r", 2), stop("b"), datum("r", 3), stop("c"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_names_no_run(case, tmp_path):
    check(tmp_path, CASES[case])


def test_where_the_session_was_comes_before_the_start(tmp_path):
    entries: list[Entry] = [
        ("cwd", tmp_path / "a", ""), (*start("a"), ""), ("cwd", tmp_path / "b", ""),
        (*start("b"), ""), (*stop("b"), ""), (*stop("a"), ""),
    ]  # fmt: skip
    names = [list(_in_short(story_of(uid, entries))) for uid in "ab"]
    assert names == [
        [("cwd", tmp_path / "a"), ("start", "a"), ("stop", "stop of a")],
        [("cwd", tmp_path / "b"), ("start", "b"), ("stop", "stop of b")],
    ]


def _in_short(story: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    return ((name, doc if name == "cwd" else doc["uid"]) for name, doc in story)


def test_a_run_that_nobody_began_has_no_story():
    assert [*story_of("nobody", [(*start("a"), ""), (*stop("a"), "")])] == []


def test_documents_that_are_none_are_left_out():
    odd: list[Any] = [None, 5, [], "text"]
    entries: list[Entry] = [(*start("a"), ""), *(("event", doc, "") for doc in odd)]
    assert [name for name, _ in story_of("a", entries)] == ["cwd", "start"]
