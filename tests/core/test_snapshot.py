"""What a producer does with its arrays and lists after posting does not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bluescribe.snapshot import snapshot


def event(**data):
    stamps = dict.fromkeys(data, 1.0)
    return {"uid": "e", "seq_num": 1, "time": 1.0, "data": data, "timestamps": stamps}


def test_an_event_of_scalars_is_the_document_itself():
    doc = event(a=1, b=2.5, c="x", d=None, e=True, f=np.float32(1), g=np.bool_(True))
    copy, size = snapshot("event", doc)
    assert copy is doc
    assert size == 0


def test_an_array_that_is_filled_again_does_not_show():
    image, row = np.zeros((2, 3)), [1, 2]
    nested: dict[str, Any] = {"rows": [[1], [np.zeros(2)]]}
    doc = event(image=image, row=row, nested=nested, scalar=1, tuple=(row,))
    (copy, size) = snapshot("event", doc)
    image[:] = 9
    row.append(3)
    nested["rows"][1][0][:] = 9
    nested["more"] = 1
    np.testing.assert_array_equal(copy["data"]["image"], np.zeros((2, 3)))
    assert copy["data"]["row"] == [1, 2]
    assert copy["data"]["tuple"] == [[1, 2]]
    assert copy["data"]["nested"].keys() == {"rows"}
    np.testing.assert_array_equal(copy["data"]["nested"]["rows"][1][0], np.zeros(2))
    assert size >= image.nbytes


def test_a_view_of_a_buffer_is_copied_whatever_its_order():
    buffer = np.arange(12).reshape(3, 4)
    (copy, _) = snapshot("event", event(view=buffer.T[::2]))
    expected = buffer.T[::2].copy()
    buffer[:] = -1
    np.testing.assert_array_equal(copy["data"]["view"], expected)


def test_every_other_document_is_copied_whole():
    for name in ("start", "descriptor", "event_page", "resource", "stop"):
        inner: dict[str, Any] = {
            "list": [1],
            "array": np.zeros(2),
            "set": {1},
            "bytes": bytearray(b"a"),
        }
        copy, _ = snapshot(name, {"uid": "u", "data": inner})
        inner["list"].append(2)
        inner["array"][:] = 9
        inner["set"].add(2)
        inner["bytes"][:] = b"b"
        inner["new"] = 1
        assert copy["data"].keys() == {"list", "array", "set", "bytes"}
        assert copy["data"]["list"] == [1]
        assert copy["data"]["array"].tolist() == [0, 0]
        assert copy["data"]["set"] == {1}
        assert copy["data"]["bytes"] == b"a"


def test_the_size_tells_of_arrays_and_lists_that_wait():
    image = np.zeros((100, 100))
    assert snapshot("event", event(a=image, b=image))[1] == 2 * image.nbytes
    assert snapshot("event", event(a=[image, image]))[1] == 2 * image.nbytes
    assert snapshot("event", event(a=image.tolist()))[1] >= image.nbytes
    assert snapshot("event_page", {"data": {"a": [image] * 3, "b": image}})[1] == 4 * image.nbytes
    assert snapshot("event", event(a=[], b={}, c=()))[1] == 0


def test_a_document_that_contains_itself_comes_to_an_end():
    cycle: list = [1]
    cycle.append(cycle)
    loop: dict = {"a": cycle}
    loop["loop"] = loop
    copy, _ = snapshot("event", event(cycle=cycle, loop=loop))
    found = copy["data"]["cycle"]
    assert found is not cycle
    assert found[1] is found
    assert copy["data"]["loop"]["loop"] is copy["data"]["loop"]


def test_what_stands_in_many_places_is_copied_once():
    array = np.zeros(1000)
    shared: list = [array]
    for _ in range(50):  # 2**50 places
        shared = [shared, shared]
    copy, _ = snapshot("start", {"uid": "u", "shared": shared})
    inner = copy["shared"]
    while isinstance(inner, list):
        assert inner[0] is inner[-1]
        inner = inner[0]
    assert inner is not array
    assert inner.tolist() == array.tolist()
    copy, _ = snapshot("start", {"uid": "u", "arrays": [array, array]})
    assert copy["arrays"][0] is copy["arrays"][1]


class Lazy(Mapping):
    """Makes its items when they are asked for, at addresses that are used again."""

    def __getitem__(self, key):
        return ([key], 0, 0) if key % 2 else {"value": [key]}

    def __iter__(self):
        return iter(range(100))

    def __len__(self):
        return 100


def test_items_that_live_for_a_moment_are_not_mixed_up():
    copy, _ = snapshot("start", {"uid": "u", "lazy": Lazy()})
    assert copy["lazy"] == {n: [[n], 0, 0] if n % 2 else {"value": [n]} for n in range(100)}


class Hostile(Mapping):
    def __getitem__(self, key):
        raise OSError("gone")

    def __iter__(self):
        raise RuntimeError("dictionary changed size during iteration")

    def __len__(self):
        return 1


def test_no_document_stops_the_scan():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    docs: list[Any] = [None, 5, [], {}, Hostile(), {"data": None}, {"data": Hostile()}]
    for doc in [*docs, {"data": {"a": deep}}]:
        for name in ("event", "start", "event_page", "unheard of"):
            copy, size = snapshot(name, doc)
            assert size >= 0
            assert type(copy) is type(doc) or isinstance(copy, dict)
    while deep:
        deep = deep[0]


def test_nothing_stands_where_a_mask_says_that_nothing_was_measured():
    masked = np.ma.masked_array([[1, 2], [3, 4]], [[False, True], [False, False]])
    whole = np.ma.masked_array([1.5, 2.5], [False, False])
    copy, _ = snapshot("event", event(masked=masked, whole=whole, none=np.ma.masked))
    assert copy["data"]["masked"].tolist() == [[1, None], [3, 4]]
    assert type(copy["data"]["whole"]) is np.ndarray
    assert copy["data"]["whole"].tolist() == [1.5, 2.5]
    assert copy["data"]["none"].tolist() is None
    masked[...] = 9
    assert copy["data"]["masked"].tolist() == [[1, None], [3, 4]]
