"""Scalar values of every kind, and those that their description does not foretell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import numpy as np
from ophyd.sim import EnumSignal

from ..words import TEXTS
from .devices import Scripted
from .engine import play
from .registry import Documents, shape


def count_values(values: list[Any], name: str = "value", **data_key: Any) -> Documents:
    """Count as often as there are values, and read one each time."""
    return play(bp.count([Scripted(name, values, **data_key)], num=len(values)))


@shape()
def strings(folder: Path) -> Documents:
    """Read texts: empty, long, not ASCII, with separators, line ends, formulas, controls."""
    return count_values(TEXTS, "text")


@shape()
def strings_growing(folder: Path) -> Documents:
    """Read texts that grow from nothing to four thousand characters."""
    return count_values(["", "a", "ä" * 40, "z" * 4000, "b"], "text")


@shape()
def strings_unencodable(folder: Path) -> Documents:
    """Read texts that UTF-8 or HDF5 cannot hold: a lone surrogate and a null character."""
    return count_values(["good", "lone \udc80 surrogate", "null \x00 inside", "good"], "text")


@shape()
def numbers_as_text(folder: Path) -> Documents:
    """Read texts that look like numbers, with zeros that would get lost."""
    return count_values(["007", "1.10", "1e5", "0x10", "١٢٣"], "text")


@shape()
def bools(folder: Path) -> Documents:
    """Read truth values, which ophyd declares to be integers."""
    return count_values([True, False, True, True], "shutter_open")


@shape()
def bools_declared(folder: Path) -> Documents:
    """Read truth values that are declared to be truth values."""
    return count_values(
        [True, False, True], "shutter_open", dtype="boolean", dtype_numpy="|b1", shape=[]
    )


@shape()
def enums(folder: Path) -> Documents:
    """Read an enumeration by name, with the names in its description."""
    signal = EnumSignal(name="mode", value="live", enum_strings=("off", "live", "Dauer – 2"))
    as_index = Scripted("gate", [0, 2, 1], dtype="integer", enum_strs=["off", "live", "Dauer – 2"])
    return play(bp.count([signal, as_index], num=3))


@shape()
def enums_beyond(folder: Path) -> Documents:
    """Read names and indices that the enumeration does not have."""
    choices = ["off", "on"]
    named = Scripted("mode", ["off", "INVALID", "on"], dtype="string", choices=choices)
    index = Scripted("gate", [0, 7, -1], dtype="integer", enum_strs=choices)
    return play(bp.count([named, index], num=3))


@shape()
def nones(folder: Path) -> Documents:
    """Read None in place of a number, a text and an array, first, in the middle and always."""
    number = Scripted("number", [None, 1.5, None], dtype="number")
    integer = Scripted("integer", [1, None, 3], dtype="integer")
    text = Scripted("text", ["a", None, "c"], dtype="string")
    array = Scripted("array", [[1, 2], None, [3, 4]], dtype="array", shape=[2])
    nothing = Scripted("nothing", [None, None, None], dtype="number")
    return play(bp.count([number, integer, text, array, nothing], num=3))


@shape()
def not_finite(folder: Path) -> Documents:
    """Read NaN, both infinities, minus zero, the smallest and the largest float."""
    return count_values([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1])


@shape()
def nan_always(folder: Path) -> Documents:
    """Read nothing but NaN."""
    return count_values([math.nan] * 3)


@shape()
def big_integers(folder: Path) -> Documents:
    """Read integers that a float or an int64 cannot hold, up to the ends of int64."""
    return count_values([2**53 + 1, 2**63 - 1, -(2**63), -(2**53) - 1, 0])


@shape()
def big_unsigned_integers(folder: Path) -> Documents:
    """Read integers up to the end of uint64."""
    return count_values([0, 2**63, 2**64 - 1])


@shape()
def huge_integers(folder: Path) -> Documents:
    """Read integers beyond 64 bits, of both signs."""
    return count_values([1, 2**64, -(2**70), 10**40])


@shape()
def integers_of_mixed_width(folder: Path) -> Documents:
    """Read the ends of int64 and uint64 in one column, which no integer type holds."""
    return count_values([-(2**63), 2**64 - 1, 0])


@shape()
def numpy_scalars(folder: Path) -> Documents:
    """Read numpy's own scalars of every width."""
    kinds: dict[str, Any] = {
        "i1": np.int8(-128),
        "u2": np.uint16(65535),
        "i8": np.int64(2**53 + 1),
        "u8": np.uint64(2**64 - 1),
        "f4": np.float32(0.1),
        "f8": np.float64(0.1),
        "b1": np.bool_(True),
        "str": np.str_("µ"),
    }
    described = {"str": "string", "b1": "boolean", "f4": "number", "f8": "number"}
    signals = [
        Scripted(name, [value], dtype=described.get(name, "integer"))
        for name, value in kinds.items()
    ]
    return play(bp.count(signals, num=3))


@shape()
def integer_turning_float(folder: Path) -> Documents:
    """Read integers that turn into floats."""
    return count_values([1, 2**53 + 1, 2.5, 3])


@shape()
def float_turning_text(folder: Path) -> Documents:
    """Read floats that turn into a text."""
    return count_values([1.5, "overflow", 2.5])


@shape()
def text_turning_number(folder: Path) -> Documents:
    """Read a text that turns into a number."""
    return count_values(["not ready", 1.5, 2])


@shape()
def bool_turning_integer(folder: Path) -> Documents:
    """Read truth values that turn into an integer."""
    return count_values([True, False, 7])


@shape()
def scalar_turning_array(folder: Path) -> Documents:
    """Read a number that turns into an array and back."""
    return count_values([1.5, [1.5, 2.5], 3.5])


@shape()
def declared_wrongly(folder: Path) -> Documents:
    """Read values of other types than their descriptions say, from the first on."""
    signals = [
        Scripted("number_called_text", [1.5, 2.5], dtype="string"),
        Scripted("text_called_number", ["a", "b"], dtype="number"),
        Scripted("text_called_integer", ["a", "b"], dtype="integer"),
        Scripted("float_called_integer", [1.5, 2.0], dtype="integer", dtype_numpy="<i8"),
        Scripted("array_called_number", [[1, 2], [3, 4]], dtype="number"),
        Scripted("number_called_array", [1, 2], dtype="array", shape=[3]),
        Scripted("number_called_i1", [1000, 2000], dtype="integer", dtype_numpy="|i1"),
        Scripted("integer_called_c8", [1, 2**60], dtype="integer", dtype_numpy="<c8"),
        Scripted("float_called_f4", [0.1, 0.2], dtype="number", dtype_numpy="<f4"),
    ]
    return play(bp.count(signals, num=2))


@shape()
def structures(folder: Path) -> Documents:
    """Read dictionaries, and lists of them, where a number was to be expected."""
    return count_values(
        [{"x": 1, "y": [1, 2]}, [{"a": None}, {"a": 2.5}], {}], "table", dtype="array", shape=[]
    )


@shape()
def described_richly(folder: Path) -> Documents:
    """Describe fields with units, precision, limits, choices, numpy types and keys of one's own."""
    limits = {"control": {"low": -10.0, "high": 10.0}, "display": {"low": None, "high": 5.0}}
    signals = [
        Scripted("energy", [7.112, 7.113], dtype="number", units="keV", precision=4),
        Scripted("theta", [0.5, 0.6], dtype="number", units="°", limits=limits),
        Scripted("old", [1, 2], lower_ctrl_limit=0, upper_ctrl_limit=0, units=None),
        Scripted("odd", [1, 2], dtype="integer", units="", precision=None, site={"PV": "a:b"}),
    ]
    return play(bp.count(signals, num=2))


@shape()
def described_by_numpy(folder: Path) -> Documents:
    """Describe a field with limits that are numpy's numbers, and one with those beyond 64 bits."""
    limits = {"control": {"low": np.float64(-10), "high": np.float64(10)}}
    endless = {"control": {"low": -(10**30), "high": 10**30}}
    signals = [
        Scripted("theta", [0.5, 0.6], dtype="number", limits=limits),
        Scripted("count", [1, 2], dtype="integer", limits=endless, precision=10**25),
    ]
    return play(bp.count(signals, num=2))
