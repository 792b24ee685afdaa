"""How documents travel: exactly, in parts, once, and without a pickle."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bluescribe.errors import DocumentError
from bluescribe.files.json_text import dumps
from bluescribe.sources.brokers.wire import ENCODINGS, Assembly, Frame, frames_of
from bluescribe.testing import SHAPES, documents
from tests.extent import some

pytest.importorskip("msgpack", reason="not installed: msgpack")


def travelled(found, *, encoding, part_bytes=1000):
    """Return documents as a listener gets them."""
    assembly = Assembly()
    for number, (name, doc) in enumerate(found, 1):
        for frame in frames_of(number, name, doc, encoding=encoding, part_bytes=part_bytes):
            got = assembly.add(Frame.of(frame.head, frame.body))
            if got is not None:
                yield got


@pytest.mark.parametrize("shape", some(SHAPES))
def test_a_shape_of_run_comes_as_it_went(shape, tmp_path):
    sent = list(documents(shape, tmp_path))
    for encoding in ENCODINGS:
        came = list(travelled(sent, encoding=encoding))
        assert repr(json.loads(dumps(came))) == repr(json.loads(dumps(sent))), encoding


def test_msgpack_keeps_the_types_of_numpy():
    data: dict[str, Any] = {
        "image": np.arange(6, dtype=">u2").reshape(2, 3),
        "single": np.float32(0.1),
        "flag": np.bool_(True),
        "text": np.array(["a", "bé"]),
        "empty": np.empty((0, 4), "f4"),
    }
    ((_, came),) = travelled([("event", {"data": data})], encoding="msgpack", part_bytes=7)
    for key, value in data.items():
        found = came["data"][key]
        assert (found.dtype, np.shape(found)) == (value.dtype, np.shape(value)), key
        np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("value", [2**70, float("nan"), {"a": {1, 2}.__len__()}, "\ud800", None])
def test_what_msgpack_has_no_form_for_comes_all_the_same(value):
    ((_, came),) = travelled([("start", {"uid": "u", "x": value})], encoding="msgpack")
    assert repr(came["x"]) == repr(json.loads(dumps(value)))


def test_an_object_of_a_class_is_a_text_and_no_pickle():
    doc = {"uid": "u", "x": SimpleNamespace(a=1)}
    ((_, came),) = travelled([("start", doc)], encoding="msgpack")
    assert came["x"] == "namespace(a=1)"


def test_what_comes_twice_is_left_out():
    frames = [
        list(frames_of(n, "event", {"n": n, "pad": "x" * 25}, encoding="json", part_bytes=10))
        for n in (1, 2, 3)
    ]
    one, two, three = frames
    assembly = Assembly()
    sent = [*one, *two[:2], *one, *two, *two, *three, *two]  # a sender that begins again, twice
    came = [got[1]["n"] for frame in sent if (got := assembly.add(frame)) is not None]
    assert came == [1, 2, 3]


def test_a_part_that_is_missing_costs_its_document():
    first = list(frames_of(1, "event", {"pad": "x" * 30}, encoding="json", part_bytes=10))
    (second,) = frames_of(2, "stop", {}, encoding="json", part_bytes=10)
    assembly = Assembly()
    assert assembly.add(first[0]) is None
    with pytest.raises(DocumentError, match="part 1 of document 1 is missing"):
        assembly.add(first[2])
    assert assembly.add(second) == ("stop", {})


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ({}, b"", "no head"),
        ({"number": "0", "part": "0/1", "name": "x", "encoding": "json"}, b"", "cannot be"),
        ({"number": "1", "part": "0/1", "name": "x", "encoding": "json"}, b"{}", "no document"),
        ({"number": "1", "part": "0/1", "name": "stop", "encoding": "json"}, b"{", "be read"),
        ({"number": "1", "part": "0/1", "name": "stop", "encoding": "json"}, b"[]", "type list"),
        ({"number": "1", "part": "0/1", "name": "stop", "encoding": "msgpack"}, b"\xc1", "be read"),
    ],
)
def test_what_is_no_document_is_refused(head, body, words):
    with pytest.raises(DocumentError, match=words):
        Assembly().add(Frame.of(head, body))
