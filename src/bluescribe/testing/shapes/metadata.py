"""Metadata and configuration: what people put into start documents and devices."""

from __future__ import annotations

import datetime
import math
from pathlib import Path, PurePosixPath
from typing import Any

import bluesky.plans as bp
import numpy as np

from .devices import Configured, gauss, motor
from .engine import play
from .registry import Documents, shape


def _scan(**metadata: Any) -> Documents:
    """Take a short scan with this metadata."""
    m1 = motor()
    return play(bp.scan([gauss(m1)], m1, 0, 1, 2), **metadata)


@shape()
def metadata_rich(folder: Path) -> Documents:
    """Tell title, sample, user, proposal and nested structures, as users do."""
    return _scan(
        title="Eisenoxid bei 300 K",
        sample={"name": "Fe2O3", "formula": "Fe₂O₃", "mass": 0.25, "orientation": [1, 0, 0]},
        operator="Ada",
        proposal_id=12345,
        purpose="",
        temperatures=[293.15, 300],
        nested={"a": {"b": {"c": [1, {"d": None}]}}, "empty": {}, "list": []},
        dark=False,
    )


@shape()
def metadata_numpy(folder: Path) -> Documents:
    """Tell numpy arrays and scalars, nested and at the top."""
    return _scan(
        vector=np.array([1.5, 2.5]),
        matrix=np.eye(3),
        image=np.zeros((2, 3, 4), dtype="uint16"),
        texts=np.array(["a", "µ"]),
        nothing=np.array([]),
        integer=np.int64(2**53 + 1),
        unsigned=np.uint64(2**64 - 1),
        single=np.float32(0.1),
        flag=np.bool_(True),
        not_a_number=np.float64("nan"),
        zero_d=np.array(7),
        nested={"ub": np.eye(3) * 0.1, "list": [np.int32(1), np.array([1, 2])]},
    )


@shape()
def metadata_empty_values(folder: Path) -> Documents:
    """Tell None, empty texts, empty lists and empty dictionaries."""
    return _scan(nothing=None, text="", items=[], mapping={}, nested={"x": None, "y": [None, {}]})


@shape()
def metadata_numbers(folder: Path) -> Documents:
    """Tell numbers at the edges: not finite, minus zero and beyond 64 bits."""
    return _scan(
        nan=math.nan,
        infinite=[math.inf, -math.inf],
        minus_zero=-0.0,
        big=2**53 + 1,
        unsigned=2**64 - 1,
        beyond=-(2**70),
        mixed=[1, 2.5, "x", None, True],
    )


@shape()
def metadata_unicode(folder: Path) -> Documents:
    """Tell texts of every script, with line ends and lines that forge a SPEC scan."""
    return _scan(
        title="first line\n#S 99 forged\n#N 1\n#L x\n1",
        sample="試料 №1 «µ» e\u0301 🧪\u2028",
        comment="\n#S 98 forged\r\n#C no\x85#E 0\n\n#S 97\tforged",
        separators="a, b; c\t|d",
        controls="\x00\x07\x1b[31m\x7f",
        surrogate="lone \udc80",
        markup="<tag attr='1'>&amp;</tag> {braces} %s ${HOME} `code`",
        plan_args={"note": "line\nbreak", "größe": "ü"},
    )


@shape()
def metadata_keys_awkward(folder: Path) -> Documents:
    """Tell keys with blanks, colons, quotes, line ends, other scripts and of great length."""
    keys = ["two words", "a:b", "it's", 'say "x"', "größe", "試料", "#S 9", "50%", "=", "a\nb"]
    keys += ["\\", " ", "@id", "$ref", "x" * 300, "A", "a"]
    metadata = {key: f"value of {key[:10]}" for key in keys}
    # In dictionaries that stand in a list, event-model lets every key pass.
    listed = [{"with/slash": 1, "with.dot": 2, "..": 3, "": 4}]
    return _scan(**metadata, nested=dict(metadata), listed=listed)


@shape()
def metadata_keys_reserved(folder: Path) -> Documents:
    """Tell keys that formats use of their own: value, EPOCH, data, streams, start_time, stop..."""
    keys = ["value", "EPOCH", "data", "streams", "primary", "start", "stop", "start_time", "title"]
    keys += ["metadata", "duration", "exit_status", "run_start", "program_name", "entry", "seq_num"]
    return _scan(**{key: f"user's {key}" for key in keys}, num_events={"primary": 99}, reason=7)


@shape()
def metadata_misleading(folder: Path) -> Documents:
    """Tell other types than plans do under the keys that plans use."""
    return _scan(
        motors="m1",
        detectors=None,
        num_points="many",
        num_intervals=-1,
        shape="round",
        extents=[1, 2],
        snaking=None,
        plan_name=["not", "a", "name"],
        plan_type=5,
        plan_args="none",
        plan_pattern=3.5,
        plan_pattern_args=[],
        user={"name": "Ada"},
        title=12,
        versions="1.0",
    )


@shape()
def metadata_shape_misleading(folder: Path) -> Documents:
    """Tell a grid's shape, extents and snaking in a scan that is none."""
    return _scan(
        shape=(3, 7),
        extents=([0, 1], [5, 6]),
        snaking=(False, True),
        num_points=21,
        hints={"dimensions": [(["m1"], "primary"), (["m1_setpoint"], "primary")]},
    )


@shape()
def hints_stray(folder: Path) -> Documents:
    """Hint at dimensions whose fields and stream do not exist."""
    dimensions = [(["nowhere", "m1"], "primary"), (["m1"], "elsewhere"), ([], "primary")]
    return _scan(motors=["nowhere"], hints={"dimensions": dimensions})


@shape()
def hints_empty(folder: Path) -> Documents:
    """Hint at no dimensions, although a motor moves."""
    return _scan(hints={})


@shape()
def metadata_large(folder: Path) -> Documents:
    """Tell a text of 100 kB, a list of ten thousand numbers and a nesting of forty levels."""
    deep: dict[str, Any] = {"bottom": "reached"}
    for level in range(40):
        deep = {f"level_{level}": deep}
    return _scan(log="0123456789äöü\n" * 7000, numbers=list(range(10_000)), deep=deep)


@shape()
def metadata_many_keys(folder: Path) -> Documents:
    """Tell five hundred keys."""
    return _scan(**{f"key_{i:03d}": i for i in range(500)})


@shape()
def metadata_not_json(folder: Path) -> Documents:
    """Tell what JSON has no word for: bytes, sets, complex numbers, dates, paths, odd keys."""
    return _scan(
        data_bytes=b"\x00\xff",
        a_set={1, 2},
        a_tuple=(1, (2, "x")),
        impedance=1 + 2j,
        moment=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        folder=PurePosixPath("/data/run 1"),
        kind=int,
        table=[{1: "integer key", None: "no key", (1, 2): "tuple key", "a/b": "slash"}],
        structured=np.array([(1, 2.5)], dtype=[("x", "i4"), ("y", "f8")]),
        day=np.datetime64("2026-01-02"),
    )


@shape()
def scan_id_zero(folder: Path) -> Documents:
    """Give a scan the number 0."""
    return _scan(scan_id=0)


@shape()
def scan_id_strange(folder: Path) -> Documents:
    """Give a scan a number beyond 64 bits and below zero."""
    return _scan(scan_id=-(2**65))


@shape(runs=2)
def scan_id_repeated(folder: Path) -> Documents:
    """Give two runs the same number."""
    det = gauss(motor())
    return play(bp.count([det], num=2), bp.count([det]), scan_id=7)


@shape()
def configuration(folder: Path) -> Documents:
    """Configure a detector with texts, arrays, ragged lists, None and numpy scalars."""
    values = {
        "title": "Größe\n#S 99 forged",
        "empty": "",
        "nothing": None,
        "exposure": 0.1,
        "enabled": True,
        "big": 2**64 - 1,
        "limits": [0.5, math.nan],
        "ub": np.eye(3),
        "ragged": [[1, 2], [3]],
        "names": ["a", "µ"],
        "no_items": [],
        "count": np.int32(5),
        "awkward name: 'x', 50% [µ]": 1,
    }
    return play(bp.count([Configured("det", [1, 2], values)], num=2))
