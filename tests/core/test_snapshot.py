"""What a producer does with its arrays and lists after posting does not show."""

from __future__ import annotations

import array
import collections
import enum
import logging
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bluescribe.log_once import LogOnce
from bluescribe.recording import snapshot as module
from bluescribe.recording.snapshot import Snapshots


def snapshot(name, doc):
    return Snapshots()(name, doc)


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(module, "_told", LogOnce())


def event(**data):
    stamps = dict.fromkeys(data, 1.0)
    return {"uid": "e", "seq_num": 1, "time": 1.0, "data": data, "timestamps": stamps}


@pytest.mark.parametrize("dtype", ["number", "array"])
@pytest.mark.parametrize(
    "values", [(1.0, 2), (1, "x", None, True), (np.float32(1), np.bool_(True)), (), (float("nan"),)]
)
def test_an_event_of_scalars_is_kept_in_dicts_of_its_own(dtype, values):
    take = Snapshots()
    take("descriptor", {"data_keys": {"a": {"dtype": dtype}}})
    for _ in range(2):
        doc = event(**dict(zip("abcdefg", values, strict=False)))
        doc["filled"] = {"a": False}
        expected = repr(doc)
        copy, size = take("event", doc)
        doc["data"]["a"] = doc["timestamps"]["a"] = doc["filled"]["a"] = -1
        doc["data"].pop("b", None)
        doc["seq_num"] = 9
        assert repr(copy) == expected
        assert all(value is values["abcdefg".index(key)] for key, value in copy["data"].items())
        assert size == 0


def test_times_that_are_filled_again_do_not_show():
    now = np.array(1.0)
    for field in ("data", "timestamps", "time"):
        doc = event(a=1.0)
        place = doc if field == "time" else doc[field]
        place["time" if field == "time" else "a"] = now
        take = Snapshots()
        take("descriptor", {"data_keys": {"a": {"dtype": "number"}}})
        copy, _ = take("event", doc)
        now[...] += 1
        kept = copy["time"] if field == "time" else copy[field]["a"]
        assert kept == now - 1


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


def test_what_contains_itself_says_so():
    cycle: list = [1]
    cycle.append(cycle)
    loop: dict = {"a": cycle}
    loop["loop"] = loop
    objects = np.array([None, 2], object)
    objects[0] = objects
    copy, _ = snapshot("event", event(cycle=cycle, loop=loop, objects=objects, other=[cycle]))
    itself = "<unwritable: list that contains itself>"
    assert copy["data"]["cycle"] == [1, itself]
    assert copy["data"]["loop"] == {"a": [1, itself], "loop": itself.replace("list", "dict")}
    assert copy["data"]["objects"].tolist() == [itself.replace("list", "ndarray"), 2]
    assert copy["data"]["other"] == [[1, itself]]


def test_what_stands_in_many_places_is_copied_once():
    array = np.zeros(1000)
    shared: list = [array]
    for _ in range(10):
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


def test_what_would_fill_the_memory_when_it_is_written_out_is_left_out():
    shared: list = [1.5]
    for _ in range(60):  # 2**60 places
        shared = [shared, shared]
    copy, _ = snapshot("start", {"uid": "u", "shared": shared, "other": [1]})
    assert "list whose parts are repeated too often" in repr(copy["shared"][1])
    assert copy["other"] == [1]


def test_what_no_file_has_levels_for_is_left_out():
    deep: Any = 1.5
    for _ in range(2000):
        deep = [deep]
    copy, _ = snapshot("event", event(deep=deep, other=[[1]]))
    inner, levels = copy["data"]["deep"], 0
    while isinstance(inner, list):
        (inner,), levels = inner, levels + 1
    assert levels == 100
    assert inner == "<unwritable: list nested in 100 others, and no file has so many levels>"
    assert copy["data"]["other"] == [[1]]


class Readings(Sequence):
    def __init__(self, *items):
        self.items = items

    def __getitem__(self, place):
        return self.items[place]

    def __len__(self):
        return len(self.items)


class State(enum.Enum):
    BUSY = "busy"


class Quantity(float):
    def __repr__(self):
        raise RuntimeError("no unit")


class Temperature:
    def __init__(self):
        self.kelvin = 5

    def __str__(self):
        return f"{self.kelvin} K"


RECORDS = np.zeros(2, [("a", "i4"), ("b", object)])


def pandas_and_xarray():
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    series, frame = pandas.Series([0.0, 0.0]), pandas.DataFrame({"a": [0.0], "b": [0.0]})
    cube = xarray.DataArray([[0.0], [0.0]])
    return {
        "series": (series, lambda: series.__setitem__(slice(None), 1.0), [0.0, 0.0]),
        "frame": (frame, lambda: frame.__setitem__("a", 1.0), [[0.0, 0.0]]),
        "cube": (cube, lambda: cube.values.fill(1.0), [[0.0], [0.0]]),
        "dataset": (
            xarray.Dataset({"cube": cube}),
            lambda: cube.values.fill(2.0),
            {"cube": [[1.0], [1.0]]},
        ),
    }


def of_the_library():
    numbers, text = array.array("d", [0, 0]), bytearray(b"a")
    queue: collections.deque[Any] = collections.deque([0, [0]])
    ragged = np.array([np.zeros(2), [0]], object)
    records, inner = RECORDS.copy(), [0]
    records["b"][0] = inner
    temperature = Temperature()
    return {
        "array": (numbers, lambda: numbers.__setitem__(0, 1), [0.0, 0.0]),
        "view": (memoryview(numbers), lambda: None, [1.0, 0.0]),
        "bytes": (text, lambda: text.__setitem__(0, 0), b"a"),
        "deque": (queue, lambda: queue[1].append(1), [0, [0]]),
        "ragged": (ragged, lambda: ragged[0].fill(1), [[0.0, 0.0], [0]]),
        "records": (records, lambda: inner.append(1), [(0, [0]), (0, 0)]),
        "record": (records[0], lambda: records["a"].fill(1), (0, [0, 1])),
        "object": (temperature, lambda: setattr(temperature, "kelvin", 6), "5 K"),
        "readings": (Readings(1, [2]), lambda: None, [1, [2]]),
        "views": ([{"a": 1}.keys(), {"a": [1]}.values()], lambda: None, [{"a"}, [[1]]]),
        "state": (State.BUSY, lambda: None, "busy"),
        "quantity": (Quantity(1.5), lambda: None, 1.5),
        "range": (range(3), lambda: None, [0, 1, 2]),
        "long range": (range(10**15), lambda: None, "range(0, 1000000000000000)"),
        "decimal": (Decimal("1.10"), lambda: None, Decimal("1.10")),
    }


@pytest.mark.parametrize("make", [of_the_library, pandas_and_xarray])
@pytest.mark.parametrize("name", ["event", "event_page", "start", "descriptor"])
def test_whatever_holds_values_is_what_it_was(make, name):
    take, kept = Snapshots(), {}
    for key, (value, change, expected) in make().items():
        for place in (value, {"deep": [value]}):
            copy, _ = take(name, {"data": {"x": place}, "timestamps": {}})
            kept[key, type(place) is dict] = copy["data"]["x"], expected
        change()
    for (_, is_deep), (copy, expected) in kept.items():
        found = copy["deep"][0] if is_deep else copy
        plain = found.tolist() if isinstance(found, np.ndarray | np.generic) else found
        if isinstance(plain, dict):
            plain = {key: item.tolist() for key, item in plain.items()}
        if isinstance(plain, list):
            plain = [item.tolist() if isinstance(item, np.ndarray) else item for item in plain]
        assert plain == expected
        assert type(plain) is type(expected)


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


def raising(error, *methods):
    """Return an object whose methods raise."""

    def method(*args, **kwargs):
        raise error

    return type("Hostile", (), dict.fromkeys(methods, method))()


class Hostile(Mapping):
    def __init__(self, error):
        self.error = error

    def __getitem__(self, key):
        raise self.error

    def __iter__(self):
        raise self.error

    def __len__(self):
        return 1


class Endless(Sequence):
    def __getitem__(self, place):
        return place

    def __len__(self):
        return 3


ERRORS = [OSError("gone"), SystemExit("gone"), GeneratorExit(), MemoryError(), RecursionError()]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_no_document_stops_the_scan(error):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    docs: list[Any] = [None, 5, [], {}, Hostile(error), {"data": None}, {"data": Hostile(error)}]
    for doc in [*docs, {"data": {"a": deep}}]:
        for name in ("event", "start", "descriptor", "event_page", "unheard of"):
            copy, size = snapshot(name, doc)
            assert size >= 0
            assert type(copy) is type(doc) or isinstance(copy, dict)
    while deep:
        deep = deep[0]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize(
    "methods",
    [("__array__",), ("__str__", "__repr__"), ("__iter__", "__len__"), ("__radd__", "__str__")],
    ids=str,
)
@pytest.mark.parametrize("name", ["event", "event_page", "start"])
def test_an_object_whose_own_code_raises_costs_its_value(caplog, error, methods, name):
    value, take = raising(error, *methods), Snapshots()
    take("descriptor", {"data_keys": {"a": {"dtype": "number"}}})
    for _ in range(2):
        doc = event(good=1.5, bad=value, inside=[2, {"a": value, "b": 3}])
        copy, _ = take(name, doc)
        data = copy["data"]
        assert data["good"] == 1.5
        if "__len__" in methods:  # nobody asks an object that is no collection for its items
            assert "Hostile object at" in data["bad"]
            continue
        reason = f": {error}" if str(error) else ""
        assert data["bad"] == f"<unwritable: Hostile that raises {type(error).__name__}{reason}>"
        assert data["inside"] == [2, {"a": data["bad"], "b": 3}]
    if "__len__" not in methods:
        told = [record.getMessage() for record in caplog.records]
        assert len(told) == len(set(told)) <= 2
        assert all(data["bad"] in text for text in told)


def test_collections_with_code_of_their_own_cost_their_value():
    errors = [Hostile(error) for error in ERRORS]
    copy, _ = snapshot("event", event(errors=errors, endless=Endless(), other=[1]))
    starts = [text.startswith("<unwritable: Hostile that") for text in copy["data"]["errors"]]
    assert starts == [True] * 5
    assert copy["data"]["endless"].endswith("that has more items than its length of 3>")
    assert copy["data"]["other"] == [1]


def test_only_ctrl_c_is_raised():
    """Python raises it on the main thread only; anywhere else a value's own code does."""
    doc, found = event(a=raising(KeyboardInterrupt(), "__str__")), []
    with pytest.raises(KeyboardInterrupt):
        snapshot("event", doc)
    thread = threading.Thread(target=lambda: found.append(snapshot("event", doc)))
    thread.start()
    thread.join()
    assert found[0][0]["data"]["a"] == "<unwritable: Hostile that raises KeyboardInterrupt>"


def test_it_is_told_where_a_value_could_not_be_kept(caplog):
    with caplog.at_level(logging.WARNING, "bluescribe"):
        take = Snapshots()
        take("descriptor", {"uid": "d", "name": "primary", "data_keys": {}})
        for _ in range(3):
            doc = event(x=1, image=raising(ValueError("no"), "__array__"))
            take("event", {**doc, "descriptor": "d"})
    (record,) = caplog.records
    assert record.getMessage() == (
        "event 1 of stream 'primary': the value of 'image' cannot be written, and files have the "
        "text <unwritable: Hostile that raises ValueError: no> in its place. Everything else is "
        "written. It is told once for this field and run."
    )


def test_nothing_stands_where_a_mask_says_that_nothing_was_measured():
    records = np.ma.masked_array(np.zeros(1, "i4,f8"), [(True, False)])
    assert snapshot("event", event(records=records))[0]["data"]["records"] == [[None, 0.0]]
    masked = np.ma.masked_array([[1, 2], [3, 4]], [[False, True], [False, False]])
    whole = np.ma.masked_array([1.5, 2.5], [False, False])
    copy, _ = snapshot("event", event(masked=masked, whole=whole, none=np.ma.masked))
    assert copy["data"]["masked"].tolist() == [[1, None], [3, 4]]
    assert type(copy["data"]["whole"]) is np.ndarray
    assert copy["data"]["whole"].tolist() == [1.5, 2.5]
    assert copy["data"]["none"].tolist() is None
    masked[...] = 9
    assert copy["data"]["masked"].tolist() == [[1, None], [3, 4]]


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("where", ["data", "timestamps", "time"])
def test_an_array_that_contains_itself_ends_no_session(where, length):
    """To add a number to it does: numpy goes round in it until the stack is full."""
    knot = np.empty(length, object)
    knot[0] = knot
    snapshots = Snapshots()
    key = {"dtype": "number", "shape": [], "source": "x"}
    snapshots("descriptor", {"uid": "d", "name": "primary", "data_keys": {"x": key}})
    values: dict[str, Any] = {"data": {"x": 1.0}, "timestamps": {"x": 1.0}, "time": 1.0}
    event = {"descriptor": "d", **values}
    if where == "time":
        event[where] = knot
    else:
        event[where]["x"] = knot
    copy, _ = snapshots("event", event)
    assert copy["descriptor"] == "d"
