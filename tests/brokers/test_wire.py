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
            assembly.add(Frame.of(frame.head, frame.body))
            if (got := assembly.take()) is not None:
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
    assert numbers_of(assembly, sent) == [1, 2, 3]


def numbers_of(assembly, frames):
    """Return which documents come out, one after the other."""
    came = []
    for frame in frames:
        assembly.add(frame)
        while (got := assembly.take()) is not None:
            came.append(got[1]["n"])
    return came


def cut(number, part_bytes=10):
    doc = {"n": number, "pad": "x" * 25}
    return list(frames_of(number, "event", doc, encoding="json", part_bytes=part_bytes))


def test_what_comes_out_of_turn_waits_for_what_is_sent_again():
    """A server that ends loses some of what was sent together, and keeps what came after."""
    one, two, three, four = map(cut, (1, 2, 3, 4))
    arrived = [*one, *three, two[0], two[2], *four]
    assert numbers_of(Assembly(), arrived) == [1]
    assert numbers_of(Assembly(), [*arrived, two[1], *two[3:]]) == [1, 2, 3, 4]


def test_a_document_that_is_sent_again_in_other_parts_is_whole():
    assert numbers_of(Assembly(), [*cut(1)[:-1], *cut(1, part_bytes=20), *cut(2)]) == [1, 2]


def test_what_never_comes_costs_itself_alone():
    one, two, three, five = map(cut, (1, 2, 3, 5))
    assembly = Assembly()
    assert numbers_of(assembly, [one[0], one[2], *two, *three, *five]) == []
    assert assembly.is_waiting
    with pytest.raises(DocumentError, match="document 1 did not arrive whole"):
        assembly.take(skips=True)
    found = [assembly.take(skips=True), assembly.take(skips=True)]
    assert [got[1]["n"] for got in found if got] == [2, 3]
    with pytest.raises(DocumentError, match="documents 4 to 4 did not arrive"):
        assembly.take(skips=True)
    assert assembly.take(skips=True) == ("event", {"n": 5, "pad": "x" * 25})
    assert not assembly.is_waiting


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
    assembly = Assembly()
    with pytest.raises(DocumentError, match=words):  # noqa: PT012
        assembly.add(Frame.of(head, body))
        assembly.take()
