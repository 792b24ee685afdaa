"""The shapes of runs have the features they are named for; the strategies keep their word."""

import copy
import math
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import event_model
import h5py
import numpy as np
import pytest
import tifffile
from event_model import DocumentNames, schema_validators
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bluescribe import testing
from bluescribe.testing import (
    SHAPES,
    Shape,
    damage,
    damaged_runs,
    documents,
    interleave,
    numpified,
    relisted,
    runs,
    several_runs,
    shape,
)
from bluescribe.testing.words import AWKWARD, COLLIDING, FORBIDDEN, RESERVED, TEXTS, UNPRINTABLE
from tests.extent import examples

generous = settings(
    deadline=None,
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.too_slow],
)


def errors(name, doc):
    """What event-model has against a document."""
    return [error.message for error in schema_validators[DocumentNames[name]].iter_errors(doc)]


class Played:
    """Ask the documents of a shape what they hold."""

    def __init__(self, docs):
        self.docs = docs
        self.names = [name for name, _ in docs]
        self.descriptors = self.all("descriptor")
        self.streams = {d["uid"]: d["name"] for d in self.descriptors}

    def all(self, name):
        return [doc for each, doc in self.docs if each == name]

    def one(self, name):
        (doc,) = self.all(name)
        return doc

    @property
    def start(self):
        return self.all("start")[0]

    @property
    def data_keys(self):
        return {key: known for d in self.descriptors for key, known in d["data_keys"].items()}

    def rows(self, stream="primary"):
        """The events of a stream, those of pages among them."""
        rows = []
        for name, doc in self.docs:
            if name not in ("event", "event_page") or self.streams[doc["descriptor"]] != stream:
                continue
            if name == "event":
                rows.append(doc)
            else:
                rows += [
                    {
                        "seq_num": seq_num,
                        "data": {key: column[i] for key, column in doc["data"].items()},
                        "descriptor": doc["descriptor"],
                    }
                    for i, seq_num in enumerate(doc["seq_num"])
                ]
        return rows

    def column(self, field, stream="primary"):
        return [row["data"][field] for row in self.rows(stream)]

    def seq_nums(self, stream="primary"):
        return [row["seq_num"] for row in self.rows(stream)]

    def types(self, field):
        return [type(value) for value in self.column(field)]

    def shapes(self, field):
        return [np.shape(value) for value in self.column(field)]


@pytest.fixture(scope="session")
def played(tmp_path_factory):
    """Play a shape once a session."""
    kept = {}

    def play(name):
        if name not in kept:
            folder = tmp_path_factory.mktemp(name)
            kept[name] = Played(documents(name, folder)), folder
        return kept[name]

    return play


def exits(p):
    return [doc["exit_status"] for doc in p.all("stop")]


def points(p, stream="primary"):
    return len(p.rows(stream))


def close(values, expected):
    return np.allclose(np.asarray(values, float), expected)


def pattern(p, *keys):
    return tuple(p.start[key] for key in keys)


def frames_of_datums(p, folder):
    """The images behind the datums of HDF5 resources, read from the files."""
    images = []
    resources = {r["uid"]: r for r in p.all("resource")}
    for datum in p.all("datum"):
        resource = resources[datum["resource"]]
        per_point = resource["resource_kwargs"]["frame_per_point"]
        first = datum["datum_kwargs"]["point_number"] * per_point
        with h5py.File(Path(resource["root"]) / resource["resource_path"]) as file:
            images.append(file["entry/data/data"][first : first + per_point])
    assert folder.is_dir()
    return np.array(images)


def frames_of_streams(p):
    """The number of frames that the stream_datums announce and the files really hold."""
    resources = {r["uid"]: r for r in p.all("stream_resource")}
    announced: Counter[str] = Counter()
    for datum in p.all("stream_datum"):
        resource = resources[datum["stream_resource"]]
        indices = datum["indices"]
        announced[resource["data_key"]] += indices["stop"] - indices["start"]
        path = urlparse(resource["uri"]).path
        if resource["mimetype"] == "application/x-hdf5":
            with h5py.File(path) as file:
                assert len(file[resource["parameters"]["dataset"]]) >= indices["stop"]
    return dict(announced)


def types_of(value):
    """The types of a value and of everything inside it."""
    inner = value if isinstance(value, list | tuple) else []
    if isinstance(value, dict):
        inner = list(value.values())
    return {type(value)}.union(*(types_of(item) for item in inner))


def distinct(values):
    return len({round(float(value), 9) for value in values})


def snaked(p, axis, length):
    rows = np.reshape(p.column(axis), (-1, length))
    return close(rows[1], rows[0][::-1])


# For each shape what must be true of it, besides what is true of every shape.
FEATURES: dict[str, Any] = {
    # steps
    "count": lambda p: points(p) == 5 and "motors" not in p.start,
    "count_one_point": lambda p: points(p) == 1 and "motors" not in p.start,
    "scan": lambda p: points(p) == 5 and list(p.start["motors"]) == ["m1"],
    "scan_one_point": lambda p: points(p) == 1 and list(p.start["motors"]) == ["m1"],
    "scan_two_motors": lambda p: (
        p.start["hints"]["dimensions"][0][0] == ["m1", "m2"]
        and close(p.column("m2"), [10, 12.5, 15, 17.5, 20])
    ),
    "rel_scan": lambda p: close(p.column("m1"), [2, 2.5, 3, 3.5, 4]),
    "list_scan": lambda p: close(p.column("m1"), [0.1, 0.2, 0.7, 0.2, -1]),
    "log_scan": lambda p: close(np.diff(np.log10(p.column("m1"))), 1),
    "spiral": lambda p: (
        len(p.start["hints"]["dimensions"]) == 2
        and distinct(p.column("m1")) * distinct(p.column("m2")) > points(p)
        and "shape" not in p.start
    ),
    "adaptive_scan": lambda p: "num_points" not in p.start and points(p) > 5,
    "scan_without_detectors": lambda p: set(p.data_keys) == {"m1", "m1_setpoint"},
    "two_detectors": lambda p: (
        p.descriptors[0]["object_keys"]["quad"] == ["quad_a", "quad_b"]
        and p.descriptors[0]["hints"]["det"] == {"fields": ["det"]}
    ),
    "motor_with_empty_hints": lambda p: p.descriptors[0]["hints"]["axis"] == {},
    "motor_not_read": lambda p: "axis" in p.start["motors"] and "axis" not in p.data_keys,
    "many_events": lambda p: p.column("counter") == list(range(300)),
    "wide": lambda p: (
        len(p.data_keys) == 250
        and {type(v) for v in p.rows()[0]["data"].values()} == {int, float, str, bool}
    ),
    # grids
    "grid_scan": lambda p: (
        pattern(p, "shape", "snaking") == ((3, 4), (False, False))
        and p.start["extents"] == ([-1, 1], [10, 20])
        and p.start["plan_pattern"] == "outer_product"
        and not snaked(p, "m2", 4)
    ),
    "grid_scan_snaked": lambda p: (
        pattern(p, "shape", "snaking") == ((3, 4), (False, True)) and snaked(p, "m2", 4)
    ),
    "grid_scan_three_axes": lambda p: (
        pattern(p, "shape", "snaking") == ((2, 3, 4), (False, False, True)) and snaked(p, "m3", 4)
    ),
    "grid_scan_one_row": lambda p: p.start["shape"] == (1, 4) and points(p) == 4,
    "rel_grid_scan": lambda p: close(p.column("m1"), [4, 4, 4, 6, 6, 6]),
    "list_grid_scan": lambda p: close(np.unique(p.column("m1")), [0, 1, 5]),
    "grid_scan_aborted": lambda p: (
        exits(p) == ["abort"] and points(p) == 6 < p.start["num_points"] == 12
    ),
    # streams
    "baseline": lambda p: points(p, "baseline") == 2 and points(p) == 3,
    "baseline_only": lambda p: list(p.streams.values()) == ["baseline"],
    "baseline_halved": lambda p: points(p, "baseline") == 1 and points(p) == 1,
    "monitors": lambda p: (
        points(p, "ring_current_monitor") == 3
        and set(p.column("shutter", "shutter_monitor")) == {"open", "closed"}
    ),
    "monitor_only": lambda p: list(p.streams.values()) == ["ring_current_monitor"],
    "dark_and_light": lambda p: (points(p, "dark"), points(p, "light")) == (3, 2),
    "no_primary": lambda p: list(p.streams.values()) == ["measurement"],
    "same_field_in_two_streams": lambda p: (
        p.column("det", "before") == [1, 2] and p.column("det") == [3, 4]
    ),
    "label_start_motor": lambda p: points(p, "label_start_motor") == 1,
    "reconfigured": lambda p: (
        [d["configuration"]["quad"]["data"]["quad_c"] for d in p.descriptors] == [3, 30, 300]
        and set(p.streams.values()) == {"primary"}
        and len({row["descriptor"] for row in p.rows()}) == 3
        and p.seq_nums() == list(range(1, 10))
    ),
    # endings
    "no_events": lambda p: p.names == ["start", "stop"],
    "declared_empty": lambda p: p.names == ["start", "descriptor", "stop"],
    "aborted": lambda p: exits(p) == ["abort"] and p.one("stop")["reason"] and points(p) == 2,
    "aborted_before_events": lambda p: p.names == ["start", "stop"] and exits(p) == ["abort"],
    "stopped_early": lambda p: exits(p) == ["success"] and points(p) < p.start["num_points"],
    "halted": lambda p: exits(p) == ["abort"] and not p.one("stop")["reason"],
    "failed": lambda p: exits(p) == ["fail"] and "\n" in p.one("stop")["reason"],
    "failed_at_once": lambda p: p.names == ["start", "stop"] and exits(p) == ["fail"],
    "pause_resume": lambda p: (
        p.seq_nums() == [1, 2, 3, 3, 4] and p.one("stop")["num_events"] == {"primary": 4}
    ),
    "pause_resume_twice": lambda p: p.seq_nums() == [1, 2, 2, 3, 4, 4],
    "pause_rewinds_far": lambda p: p.seq_nums() == [1, 2, 3, 1, 2, 3, 4],
    "interruptions_recorded": lambda p: (
        p.column("interruption", "interruptions") == ["pause", "resume"]
    ),
    "never_stopped": lambda p: "stop" not in p.names and points(p) == 4,
    "start_only": lambda p: p.names == ["start"],
    # several
    "consecutive_runs": lambda p: [s["scan_id"] for s in p.all("start")] == [1, 2],
    "two_runs_in_one_plan": lambda p: (
        p.names.index("stop") < len(p.names) - 1 - p.names[::-1].index("start")
    ),
    "nested_runs": lambda p: p.names[-1] == "stop" and nesting(p) == 2,
    "interleaved_runs": lambda p: nesting(p) == 2 and len({*runs_of_events(p)[:3]}) == 2,
    "interleaved_runs_of_one_name": lambda p: (
        nesting(p) == 2 and {type(v) for v in p.column("det")} == {int, float}
    ),
    "interleaved_runs_aborted": lambda p: exits(p) == ["abort", "abort"] and nesting(p) == 2,
    # flying
    "fly": lambda p: len(p.one("event_page")["seq_num"]) == 6 and "event" not in p.names,
    "fly_trivial": lambda p: (
        p.one("event_page")["data"] == {} and len(p.one("event_page")["seq_num"]) == 100
    ),
    "fly_pages": lambda p: (
        p.seq_nums("fast") == [1, 2, 3, 4] and points(p, "slow") == 2 and len(p.descriptors) == 2
    ),
    "fly_pages_of_arrays": lambda p: (
        all(isinstance(page["data"]["image"], np.ndarray) for page in p.all("event_page"))
        and p.shapes("image") == [(4, 5)] * 5
        and p.shapes("trace") == [(1,), (2,), (3,), (1,), (2,)]
    ),
    "fly_page_without_rows": lambda p: (
        [len(page["seq_num"]) for page in p.all("event_page")] == [1, 0, 1]
    ),
    "fly_with_bad_values": lambda p: (
        p.column("big")[2] == 2**64
        and p.column("patchy")[1] is None
        and [*map(type, p.column("turning"))] == [int, float, str]
    ),
    "fly_many_rows": lambda p: p.seq_nums() == list(range(1, 10_001)),
    "fly_during_scan": lambda p: {"event", "event_page"} <= set(p.names),
    "events_and_pages": lambda p: (
        [n for n in p.names if n.startswith("event")] == ["event", "event_page"] * 2
        and p.seq_nums() == list(range(1, 9))
        and len(p.descriptors) == 1
    ),
    # assets
    "resource_npy": lambda p, folder: (
        p.one("resource")["spec"] == "NPY_SEQ"
        and len(list(folder.glob("*.npy"))) == points(p) == 4
        and p.descriptors[0]["configuration"]["img"]["data"]["img"] == p.column("img")[0]
    ),
    "resource_tiff": lambda p, folder: (
        [tifffile.imread(f).shape for f in folder.glob("*.tiff")] == [(4, 5)] * 2
    ),
    "resource_hdf5": lambda p, folder: (
        frames_of_datums(p, folder)[:, 0, 0, 0].tolist() == [1000, 1001, 1002]
    ),
    "resource_hdf5_swmr": lambda p: p.one("resource")["spec"] == "AD_HDF5_SWMR",
    "resource_hdf5_frames": lambda p, folder: (
        frames_of_datums(p, folder).shape == (3, 3, 6, 8)
        and p.data_keys["ad_image"]["shape"] == [3, 6, 8]
    ),
    "resource_rollover": lambda p, folder: (
        len(p.all("resource")) == 3
        and frames_of_datums(p, folder)[:, 0, 0, 0].tolist() == [1000, 1001, 2000, 2001, 3000]
    ),
    "resource_and_scalars": lambda p: (
        p.all("event")[0]["filled"] == {"ad_image": False}
        and {type(v) for v in p.rows()[0]["data"].values()} == {str, list, np.float64}
    ),
    "resource_two_detectors": lambda p: (
        [k for k, v in p.data_keys.items() if "external" in v] == ["left_image", "right_image"]
    ),
    "resource_grid": lambda p: p.start["shape"] == (2, 3) and len(p.all("datum")) == 6,
    "resource_of_earlier_run": lambda p: (
        p.one("resource")["run_start"] == p.all("start")[0]["uid"]
        and p.all("descriptor")[-1]["run_start"] == p.all("start")[1]["uid"]
    ),
    "resource_paused": lambda p: (
        p.seq_nums() == [1, 2, 2, 3] and len(set(p.column("ad_image"))) == 4
    ),
    "resource_missing_file": lambda p, folder: (
        not list(folder.iterdir()) and len(p.all("datum")) == 2
    ),
    "resource_datum_page": lambda p: (
        p.one("datum_page")["datum_id"] == p.column("ad_image") and "datum" not in p.names
    ),
    # stream_assets
    "stream_fly": lambda p: (
        p.one("stream_datum")["seq_nums"] == {"start": 1, "stop": 8}
        and frames_of_streams(p) == {"camera": 7}
        and not {"event", "event_page"} & set(p.names)
    ),
    "stream_fly_rollover": lambda p: (
        [d["indices"]["stop"] for d in p.all("stream_datum")] == [3, 3, 1]
        and [d["seq_nums"]["start"] for d in p.all("stream_datum")] == [1, 4, 7]
        and len({r["uri"] for r in p.all("stream_resource")}) == 3
    ),
    "stream_fly_two_detectors": lambda p: frames_of_streams(p) == {"left": 4, "right": 4},
    "stream_fly_tiff": lambda p, folder: (
        p.one("stream_resource")["mimetype"].endswith("image/tiff")
        and tifffile.imread(folder / "camera_000003.tiff").max() == 3
    ),
    "stream_declared_nothing_written": lambda p: "stream_resource" not in p.names,
    "stream_count": lambda p: [row["data"] for row in p.rows()] == [{}] * 3,
    "stream_scan_rollover": lambda p: (
        len(p.all("stream_resource")) == 3 and p.column("det") == [1, 2, 3, 4, 5]
    ),
    "stream_into_one_file": lambda p: (
        len({r["uri"] for r in p.all("stream_resource")}) == 1
        and [d["indices"]["start"] for d in p.all("stream_datum")] == [0, 1, 2, 3, 4, 5]
    ),
    "stream_awkward_path": lambda p: "größe" in p.one("stream_resource")["uri"],
    "stream_aborted": lambda p: p.names == ["start", "descriptor", "stop"],
    # async_devices
    "async_count": lambda p: (
        frames_of_streams(p) == {"bdet": 3, "bdet-sum": 3} and p.rows()[0]["data"] == {}
    ),
    "async_scan": lambda p: (
        frames_of_streams(p) == {"bdet": 3, "bdet-sum": 3}
        and p.column("text") == ["a", "ö", "c"]
        and close(p.column("stage-x"), [0, 0.5, 1])
    ),
    "async_fly": lambda p: (
        frames_of_streams(p) == {"bdet": 5, "bdet-sum": 5} and "event" not in p.names
    ),
    "async_fly_frames": lambda p: (
        p.data_keys["bdet"]["shape"][0] == 2 and p.one("stop")["num_events"] == {"primary": 3}
    ),
    "async_fly_two_detectors": lambda p: set(frames_of_streams(p).values()) == {4},
    "async_typed_signals": lambda p: (
        p.column("typed-mode")[0] == "Live – größer"
        and type(p.column("typed-samples")[0]).__name__ == "Samples"
        and p.data_keys["typed-mode"]["choices"] == ["Off", "Live – größer"]
    ),
    "async_monitor": lambda p: p.column("current", "current_monitor") == [1.5, 2.5, 3.5],
    # values
    "strings": lambda p: (
        p.column("text") == TEXTS
        and {t[:1] for t in TEXTS} > {"=", "+", "-", "@", "", "\n"}
        and any(not t.isascii() for t in TEXTS)
        and len({len(t) for t in TEXTS}) > 5
    ),
    "strings_growing": lambda p: [*map(len, p.column("text"))] == [0, 1, 40, 4000, 1],
    "strings_unencodable": lambda p: (
        raises(UnicodeEncodeError, p.column("text")[1].encode) and "\0" in p.column("text")[2]
    ),
    "numbers_as_text": lambda p: [int(t) for t in p.column("text")[::4]] == [7, 123],
    "bools": lambda p: (
        p.types("shutter_open") == [bool] * 4 and p.data_keys["shutter_open"]["dtype"] == "integer"
    ),
    "bools_declared": lambda p: p.data_keys["shutter_open"]["dtype"] == "boolean",
    "enums": lambda p: (
        p.column("mode") == ["live"] * 3
        and p.data_keys["mode"]["enum_strs"] == ("off", "live", "Dauer – 2")
        and p.column("gate") == [0, 2, 1]
    ),
    "enums_beyond": lambda p: (
        p.column("mode")[1] not in p.data_keys["mode"]["choices"] and p.column("gate") == [0, 7, -1]
    ),
    "nones": lambda p: (
        [p.column(f).index(None) for f in ("number", "integer", "text", "array")] == [0, 1, 1, 1]
        and p.column("nothing") == [None] * 3
    ),
    "not_finite": lambda p: (
        math.isnan(p.column("value")[0])
        and p.column("value")[1:3] == [math.inf, -math.inf]
        and math.copysign(1, p.column("value")[3]) == -1
    ),
    "nan_always": lambda p: all(map(math.isnan, p.column("value"))),
    "big_integers": lambda p: (
        any(int(float(v)) != v for v in p.column("value"))
        and min(p.column("value")) == -(2**63)
        and max(p.column("value")) == 2**63 - 1
    ),
    "big_unsigned_integers": lambda p: max(p.column("value")) == 2**64 - 1,
    "huge_integers": lambda p: max(p.column("value")) > 2**64 and min(p.column("value")) < -(2**63),
    "integers_of_mixed_width": lambda p: np.array(p.column("value")).dtype.kind not in "iu",
    "numpy_scalars": lambda p: all(isinstance(v, np.generic) for v in p.rows()[0]["data"].values()),
    "integer_turning_float": lambda p: p.types("value") == [int, int, float, int],
    "float_turning_text": lambda p: p.types("value") == [float, str, float],
    "text_turning_number": lambda p: p.types("value") == [str, float, int],
    "bool_turning_integer": lambda p: p.types("value") == [bool, bool, int],
    "scalar_turning_array": lambda p: p.types("value") == [float, list, float],
    "declared_wrongly": lambda p: (
        p.data_keys["number_called_text"]["dtype"] == "string"
        and p.types("number_called_text") == [float] * 2
        and p.data_keys["text_called_number"]["dtype"] == "number"
        and p.types("text_called_number") == [str] * 2
        and p.column("number_called_i1")[0] > 127
    ),
    "structures": lambda p: p.types("table") == [dict, list, dict],
    "described_richly": lambda p: (
        p.data_keys["theta"]["units"] == "°"
        and p.data_keys["theta"]["limits"]["display"]["low"] is None
        and p.data_keys["old"]["units"] is None
    ),
    "described_by_numpy": lambda p: (
        isinstance(p.data_keys["theta"]["limits"]["control"]["low"], np.float64)
        and p.data_keys["count"]["precision"] > 2**64
    ),
    # arrays
    "mca": lambda p: p.shapes("mca") == [(64,)] * 4,
    "two_mcas": lambda p: (p.shapes("mca1")[0], p.shapes("mca2")[0]) == ((32,), (8,)),
    "lists": lambda p: (
        all(isinstance(v, list) for v in p.rows()[0]["data"].values())
        and p.column("patchy")[1] == [None] * 3
    ),
    "images": lambda p: p.shapes("image") == [(20, 30)] * 3 and p.types("image")[0] is np.ndarray,
    "image_lists": lambda p: (
        p.data_keys["image"]["shape"] == [2] and p.shapes("image") == [(2, 3)] * 3
    ),
    "volumes": lambda p: p.shapes("volume") == [(2, 3, 4)] * 3,
    "ragged": lambda p: [*map(len, p.column("trace"))] == [3, 2, 0, 4],
    "ragged_unknown": lambda p: (
        p.data_keys["trace"]["shape"] == [None] and p.shapes("trace") == [(3,), (5,), (1,)]
    ),
    "ragged_images": lambda p: p.shapes("image") == [(2, 3), (4, 3), (2, 5)],
    "ragged_inside": lambda p: raises(ValueError, np.array, p.column("rows")[0]),
    "rank_changing": lambda p: [*map(len, p.shapes("array"))] == [1, 2, 0, 3],
    "dtype_changing": lambda p: [v.dtype.kind for v in p.column("a")] == ["i", "f", "c", "U"],
    "real_turning_complex": lambda p: (
        [value.dtype.kind for value in p.column("spectrum")] == ["f", "c", "f"]
        and p.types("impedance") == [float, complex, float]
        and p.column("list")[0] == [0.5, 1j]
    ),
    "empty_arrays": lambda p: (
        p.column("none_ever") == [[]] * 3
        and p.column("none_at_first")[0] == []
        and p.shapes("no_columns") == [(3, 0)] * 3
    ),
    "one_element_arrays": lambda p: (
        p.shapes("single") == [(1,)] * 2
        and p.shapes("zero_d") == [()] * 2
        and p.types("zero_d") == [np.ndarray] * 2
    ),
    "text_arrays": lambda p: (
        [v.dtype for v in p.column("names")] == ["<U2", "<U3", "<U1"]
        and types_of(p.column("labels")) == {list, str}
    ),
    "array_layouts": lambda p: (
        p.column("big_endian")[0].dtype == ">i4"
        and p.column("fortran")[0].flags.f_contiguous
        and p.column("records")[0].dtype.names == ("x", "y")
    ),
    "wide_unsigned_arrays": lambda p: (
        p.column("unsigned")[0].dtype == "uint64" and p.column("beyond")[0][1] == 2**64
    ),
    "one_buffer_reused": lambda p: [v[0] for v in p.column("trace")] == [2, 3, 4, 5],
    # naming
    "names_awkward": lambda p: list(p.data_keys) == AWKWARD,
    "names_unprintable": lambda p: list(p.data_keys) == UNPRINTABLE,
    "names_forbidden": lambda p: (
        list(p.rows()[0]["data"]) == list(p.data_keys) == FORBIDDEN
        and list(p.descriptors[0]["object_keys"]) == FORBIDDEN
    ),
    "names_reserved": lambda p: (
        list(p.data_keys) == RESERVED and {"time", "seq_num", "uid", "EPOCH"} < set(RESERVED)
    ),
    "names_colliding": lambda p: (
        list(p.data_keys) == COLLIDING
        and len({n.strip().casefold().replace(" ", "_") for n in COLLIDING}) < len(COLLIDING)
    ),
    "names_of_devices": lambda p: (
        set(COLLIDING) < set(p.descriptors[0]["object_keys"]) and ":" in p.start["motors"][0]
    ),
    "names_of_arrays": lambda p: {"trace", "TRACE", "tra:ce", "x" * 250} <= set(p.data_keys),
    "streams_awkward": lambda p: {*AWKWARD, *FORBIDDEN, *UNPRINTABLE} == set(p.streams.values()),
    "streams_reserved": lambda p: {"start", "stop", "primary"} < set(p.streams.values()),
    # metadata
    "metadata_rich": lambda p: p.start["nested"]["a"]["b"] == {"c": [1, {"d": None}]},
    "metadata_numpy": lambda p: (
        {np.ndarray, np.int64, np.float32, np.bool_} < types_of(p.start)
        and types_of(p.start["nested"]) > {np.ndarray, np.int32}
    ),
    "metadata_empty_values": lambda p: (
        pattern(p, "nothing", "text", "items", "mapping") == (None, "", [], {})
    ),
    "metadata_numbers": lambda p: math.isnan(p.start["nan"]) and p.start["beyond"] < -(2**64),
    "metadata_unicode": lambda p: (
        "\n#S 99 forged" in p.start["title"] and not p.start["sample"].isascii()
    ),
    "metadata_keys_awkward": lambda p: {"two words", "a:b", "größe", "a\nb"} < set(p.start),
    "metadata_keys_reserved": lambda p: {"value", "EPOCH", "data", "stop"} < set(p.start),
    "metadata_misleading": lambda p: p.start["motors"] == "m1" and p.start["num_points"] == "many",
    "metadata_shape_misleading": lambda p: np.prod(p.start["shape"]) > points(p),
    "hints_stray": lambda p: not set(p.start["hints"]["dimensions"][0][0]) <= set(p.data_keys),
    "hints_empty": lambda p: p.start["hints"] == {} and "m1" in p.data_keys,
    "metadata_large": lambda p: len(p.start["log"]) > 65536 and depth(p.start["deep"]) == 41,
    "metadata_many_keys": lambda p: len(p.start) > 500,
    "metadata_not_json": lambda p: types_of(p.start) >= {bytes, set, tuple, complex, type},
    "scan_id_zero": lambda p: p.start["scan_id"] == 0,
    "scan_id_strange": lambda p: p.start["scan_id"] < -(2**64),
    "scan_id_repeated": lambda p: [s["scan_id"] for s in p.all("start")] == [7, 7],
    "configuration": lambda p: (
        types_of(p.descriptors[0]["configuration"]["det"]["data"])
        > {str, type(None), float, np.ndarray, list, np.int32}
    ),
    # documents_altered
    "scan_id_missing": lambda p: "scan_id" not in p.start,
    "scan_id_text": lambda p: isinstance(p.start["scan_id"], str),
    "bare_documents": lambda p: set(p.start) == {"uid", "time"},
    "descriptors_without_hints": lambda p: (
        not {"hints", "object_keys"} & set(p.descriptors[0])
        and not any("object_name" in known for known in p.data_keys.values())
    ),
    "filled_in_events": lambda p: (
        p.data_keys["camera"]["external"] == "FILESTORE:"
        and p.shapes("camera") == [(2, 3)] * 2
        and p.all("event")[0]["filled"] == {"camera": True, "trace": True}
    ),
    "redeclared_otherwise": lambda p: (
        [list(d["data_keys"]) for d in p.descriptors] == [["a", "common"], ["b", "common"]]
        and [type(row["data"]["common"]) for row in p.rows()] == [float, float, list, list]
        and p.seq_nums() == [1, 2, 3, 4]
    ),
}


def raises(kind, call, *args):
    with pytest.raises(kind):
        call(*args)
    return True


def depth(value):
    return 1 + max(map(depth, value.values())) if isinstance(value, dict) else 0


def nesting(p):
    """How many runs are open at once, at most."""
    steps = [{"start": 1, "stop": -1}.get(name, 0) for name in p.names]
    return max(np.cumsum(steps))


def runs_of_events(p):
    run = {d["uid"]: d["run_start"] for d in p.descriptors}
    return [run[doc["descriptor"]] for doc in p.all("event")]


# --- the shapes ---------------------------------------------------------------------------------


def test_every_shape_has_its_feature_tested():
    assert set(FEATURES) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_has_the_feature_that_it_is_named_for(name, played):
    asked = FEATURES[name]
    answers = played(name)[: asked.__code__.co_argcount]
    assert asked(*answers), SHAPES[name].about


@pytest.mark.parametrize("name", SHAPES)
def test_satisfies_the_schema_unless_it_says_otherwise(name, played):
    p, _ = played(name)
    found = [error for each, doc in p.docs for error in errors(each, doc)]
    assert (not found) == SHAPES[name].valid, found


@pytest.mark.parametrize("name", SHAPES)
def test_tells_its_runs_and_files_truly(name, played):
    p, folder = played(name)
    told = SHAPES[name]
    assert p.names[0] == "start"
    assert p.names.count("start") == told.runs
    assert (p.names.count("stop") == told.runs) == told.finished
    wrote = any(folder.rglob("*.*"))
    filled = [e.get("filled", {}) for e in p.all("event")]
    here = {key for keys in filled for key, is_here in keys.items() if is_here}
    announced = any("external" in known for key, known in p.data_keys.items() if key not in here)
    assert announced == told.external
    assert told.external or not wrote


@pytest.mark.parametrize("name", SHAPES)
def test_refers_only_to_what_came_before(name, played):
    p, _ = played(name)
    seen: set[str] = set()
    opened: set[str] = set()
    for each, doc in p.docs:
        for key in ("run_start", "descriptor", "resource", "stream_resource"):
            # A start refers to nothing: what stands there under such a key is metadata.
            assert each == "start" or key not in doc or doc[key] in seen | opened, (each, key)
        opened |= {doc["uid"]} if each == "start" else set()
        opened -= {doc["run_start"]} if each == "stop" else set()
        seen |= {doc["uid"]} if each in ("descriptor", "resource", "stream_resource") else set()


def test_only_altered_shapes_are_invalid_or_unfinished():
    assert [s.name for s in SHAPES.values() if not (s.valid and s.finished) and not s.altered] == []


def test_documents_are_copies_of_the_moment(played):
    kept = []
    copies = documents("one_buffer_reused", Path(), lambda name, doc: kept.append(doc))
    live = [doc["data"]["trace"][0] for doc in kept if "seq_num" in doc]
    assert live == [5, 5, 5, 5]
    assert Played(copies).column("trace")[0][0] == 2


def test_listeners_hear_what_the_run_engine_emits(tmp_path):
    heard = []
    kept = documents("never_stopped", tmp_path, lambda name, doc: heard.append(name))
    assert heard == [*[name for name, _ in kept], "stop"]
    documents("count", tmp_path)
    assert heard.count("start") == 1


def test_a_listener_that_raises_aborts_the_plan(tmp_path):
    def fall_over(name, doc):
        if name == "event":
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        documents("count", tmp_path, fall_over)


def test_plays_are_apart(tmp_path):
    one, other = (documents("scan", tmp_path)[0][1] for _ in range(2))
    assert one["scan_id"] == other["scan_id"] == 1
    assert one["uid"] != other["uid"]


def test_unknown_shape_names_the_known_ones(tmp_path):
    with pytest.raises(KeyError, match=r"'cuont'.*count_one_point"):
        documents("cuont", tmp_path)


def test_two_shapes_cannot_have_one_name():
    def count(folder):
        return []

    with pytest.raises(ValueError, match="'count'"):
        shape()(count)
    assert isinstance(SHAPES["count"], Shape)
    assert SHAPES["count"].about == "Count five times with no motor."


# --- in another manner --------------------------------------------------------------------------


def test_numpified_turns_values_and_changes_none(played):
    for name in ("bools", "big_integers", "big_unsigned_integers", "not_finite"):
        p, _ = played(name)
        turned = Played(numpified(p.docs))
        (field,) = p.data_keys
        assert all(isinstance(v, np.generic) for v in turned.column(field))
        assert repr([v.item() for v in turned.column(field)]) == repr(p.column(field))


def test_numpified_keeps_what_numpy_cannot_say(played):
    for name, field in [("huge_integers", "value"), ("ragged_inside", "rows"), ("strings", "text")]:
        p, _ = played(name)
        kept = [v for v in Played(numpified(p.docs)).column(field) if not isinstance(v, np.generic)]
        assert [v for v in p.column(field) if type(v) is not int or abs(v) >= 2**64] == kept


def test_numpified_turns_lists_pages_and_configuration(played):
    listed = Played(numpified(played("lists")[0].docs))
    row = listed.rows()[0]["data"]
    kinds = {k: v.dtype.kind for k, v in row.items() if isinstance(v, np.ndarray)}
    assert kinds == {"integers": "i", "floats": "f", "bools": "b"}
    page = Played(numpified(played("fly_pages")[0].docs)).all("event_page")[0]
    assert page["data"]["counts"].tolist() == [1, 2, 3]
    configured = Played(numpified(played("configuration")[0].docs)).descriptors[0]
    assert type(configured["configuration"]["det"]["data"]["det_enabled"]) is np.bool_


def test_numpified_leaves_the_original_alone(played):
    p, _ = played("configuration")
    before = repr(p.docs)
    numpified(p.docs)
    assert repr(p.docs) == before


@pytest.mark.parametrize("name", ["metadata_numpy", "array_layouts", "numpy_scalars", "grid_scan"])
def test_relisted_has_no_numpy_and_no_tuple(name, played):
    p, _ = played(name)
    assert {np.ndarray, tuple} & types_of([doc for _, doc in p.docs])
    left = types_of([doc for _, doc in relisted(p.docs)])
    assert not [kind for kind in left if issubclass(kind, np.ndarray | np.generic | tuple)]


def test_relisted_undoes_numpified(played):
    p, _ = played("lists")
    assert repr(relisted(numpified(p.docs))) == repr(relisted(p.docs))


def test_interleave_keeps_each_run_in_order(played):
    one, other = played("scan")[0].docs, played("baseline")[0].docs
    merged = interleave(one, other)
    assert len(merged) == len(one) + len(other)
    assert nesting(Played(merged)) == 2
    for docs in (one, other):
        ids = [id(doc) for _, doc in docs]
        assert [id(doc) for _, doc in merged if id(doc) in ids] == ids


# --- the strategies -----------------------------------------------------------------------------


@generous
@given(runs())
def test_runs_are_valid(run):
    assert [error for name, doc in run for error in errors(name, doc)] == []
    assert run[0][0] == "start"
    assert "stop" not in [name for name, _ in run[:-1]]
    uids = [uid for _, doc in run for uid in listed(doc.get("uid", []))]
    assert len(set(uids)) == len(uids)
    seen = {run[0][1]["uid"]}
    for _, doc in run[1:]:
        seen.update(listed(doc.get("uid", [])))
        for key in ("run_start", "descriptor", "resource", "stream_resource"):
            assert key not in doc or doc[key] in seen


def listed(value):
    return value if isinstance(value, list) else [value]


@generous
@given(runs(finished=True))
def test_runs_have_events_that_fit_their_descriptors(run):
    p = Played(run)
    known = {d["uid"]: d["data_keys"] for d in p.descriptors}
    for name, doc in run:
        if name in ("event", "event_page"):
            inside = {
                k for k, v in known[doc["descriptor"]].items() if v.get("external") != "STREAM:"
            }
            assert set(doc["data"]) == set(doc["timestamps"]) == inside
        if name == "event_page":
            lengths = {len(column) for column in doc["data"].values()}
            assert lengths <= {len(doc["seq_num"])} == {len(doc["time"])}
    assert run[-1][0] == "stop"


def test_runs_come_in_every_shape():
    kinds: Counter[str] = Counter()

    @settings(max_examples=25, deadline=None, database=None)
    @given(runs())
    def collect(run):
        p = Played(run)
        events = [doc["data"] for doc in p.all("event")]
        names, inside = set(p.names), types_of(events)
        kinds["reconfigured"] += len(p.descriptors) > len(set(p.streams.values()))
        kinds["several streams"] += len(set(p.streams.values())) > 1
        kinds["no stream"] += not p.streams
        kinds["events and pages"] += {"event", "event_page"} <= names
        kinds["resource"] += {"resource", "datum"} <= names
        kinds["stream_resource"] += {"stream_resource", "stream_datum"} <= names
        kinds["never stopped"] += "stop" not in names
        kinds.update(exits(p))
        kinds["rewound"] += any(e["seq_num"] == f["seq_num"] for e, f in pairs(p))
        kinds.update(kind.__name__ for kind in inside)
        kinds["big integer"] += any(abs(v) >= 2**63 for v in flat(events) if isinstance(v, int))
        kinds["not finite"] += any(v - v != 0 for v in flat(events) if isinstance(v, float))
        kinds["ragged"] += any(raggedness(values) for values in events)
        kinds["numpy metadata"] += np.ndarray in types_of(p.start)
        kinds["awkward name"] += any(not key.isidentifier() for key in p.data_keys)

    until_all_have_come(collect, kinds)
    assert [kind for kind, times in kinds.items() if not times] == []
    assert {"success", "abort", "fail", "NoneType", "ndarray", "str", "bool", "list"} <= set(kinds)


def until_all_have_come(collect, kinds):
    """Generate examples; Hypothesis keeps to what it has found, so it begins anew some times."""
    for number in range(80):
        seed(number)(collect)()
        if all(kinds.values()):
            break


def flat(documents):
    return [value for data in documents for value in data.values()]


def raggedness(data):
    """Whether a value is a list whose rows have different lengths."""
    rows = [v for v in data.values() if isinstance(v, list) and v and isinstance(v[0], list)]
    return any(len({len(row) for row in value if isinstance(row, list)}) > 1 for value in rows)


def pairs(p):
    rows = [e for e in p.all("event") if p.streams[e["descriptor"]] == "primary"]
    return pairwise(rows)


@generous
@given(runs(external=False, finished=False))
def test_runs_obey_their_options(run):
    names = {name for name, _ in run}
    assert not names & {"stop", "resource", "datum", "stream_resource", "stream_datum"}


@generous
@given(several_runs())
def test_several_runs_are_apart(documents):
    starts = [doc["uid"] for name, doc in documents if name == "start"]
    assert len(set(starts)) == len(starts) > 1
    assert [error for name, doc in documents for error in errors(name, doc)] == []


@generous
@given(st.data())
def test_damage_changes_a_copy(data):
    whole = data.draw(runs())
    before = repr(whole)
    broken = data.draw(damage(whole))
    assert repr(whole) == before
    assert repr(broken) != before


def test_damage_comes_in_every_kind():
    kinds: Counter[str] = Counter()

    @settings(max_examples=25, deadline=None, database=None)
    @given(damaged_runs())
    def collect(broken):
        docs = [doc for _, doc in broken if isinstance(doc, dict)]
        kinds["not a dictionary"] += len(docs) < len(broken)
        kinds["no start"] += "start" not in [name for name, _ in broken]
        kinds["start not first"] += bool(broken) and broken[0][0] != "start"
        kinds["key no text"] += any(not isinstance(k, str) for doc in docs for k in doc)
        kinds["contains itself"] += any(contains_itself(doc) for doc in docs)
        uids = [doc["uid"] for doc in docs if isinstance(doc.get("uid"), str)]
        kinds["uid repeated"] += len(set(uids)) < len(uids)
        kinds["unknown uid"] += "00000000-dead" in repr(broken)
        kinds["name unknown"] += not {name for name, _ in broken} <= set(DocumentNames.__members__)
        stamped = [doc for name, doc in broken if name in ("start", "descriptor", "stop", "event")]
        kinds["key missing"] += any(isinstance(d, dict) and d and "time" not in d for d in stamped)

    until_all_have_come(collect, kinds)
    assert [kind for kind, times in kinds.items() if not times] == []
    assert len(kinds) == 9


def contains_itself(value, above=()):
    if id(value) in above:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(contains_itself(item, (*above, id(value))) for item in list(inner)[:50])


def test_an_example_can_be_played_again():
    """Uids and times come from Hypothesis alone, or a failure could not be repeated."""
    fixed = settings(max_examples=1, derandomize=True, database=None, deadline=None)
    seen = []
    for _ in range(2):
        fixed(given(runs(finished=True))(lambda run: seen.append(copy.deepcopy(run))))()
    assert repr(seen[0]) == repr(seen[1])


# --- the door -----------------------------------------------------------------------------------

WITHOUT = """
import sys
sys.modules[{missing!r}] = None
import bluescribe.testing as testing
try:
    testing.{name}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(("name", "missing"), [("runs", "hypothesis"), ("SHAPES", "ophyd_async")])
def test_a_missing_library_is_named_with_its_remedy(name, missing):
    code = WITHOUT.format(name=name, missing=missing)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"bluescribe.testing.{name} needs {missing}" in told.stdout
    assert "pip install 'bluescribe[testing]'" in told.stdout


def test_import_is_light():
    code = "import sys, bluescribe.testing; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"hypothesis", "ophyd", "bluesky", "numpy", "h5py"} & set(told.stdout.split())


def test_public_names():
    assert set(testing.__all__) <= set(dir(testing))
    assert all(getattr(testing, name) is not None for name in testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # noqa: B018


def test_schemas_are_those_of_the_event_model_at_hand():
    """The tests above would pass trivially if the validators accepted everything."""
    assert errors("start", {"uid": "x"})
    assert event_model.schema_validators is schema_validators
