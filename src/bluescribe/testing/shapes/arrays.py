"""Arrays that lie in the events themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plans as bp
import numpy as np
from ophyd.sim import SynSignal

from .devices import Scripted, gauss, motor
from .engine import play
from .registry import Documents, shape
from .values import count_values


def _spectra(points: int, channels: int, dtype: str = "int64") -> list[Any]:
    """Make spectra that differ from point to point."""
    return [(np.arange(channels) * (i + 1)).astype(dtype) for i in range(points)]


@shape()
def mca(folder: Path) -> Documents:
    """Read a spectrum of 64 channels at each point of a scan."""
    m1 = motor()
    return play(bp.scan([gauss(m1), Scripted("mca", _spectra(4, 64))], m1, -1, 1, 4))


@shape()
def two_mcas(folder: Path) -> Documents:
    """Read two spectra of different lengths and types."""
    mcas = [Scripted("mca1", _spectra(3, 32)), Scripted("mca2", _spectra(3, 8, "float32"))]
    return play(bp.count(mcas, num=3))


@shape()
def lists(folder: Path) -> Documents:
    """Read arrays that are plain lists of integers, floats, truth values and mixtures."""
    signals = [
        Scripted("integers", [[1, 2, 3], [4, 5, 2**53 + 1]]),
        Scripted("floats", [[0.1, 0.2], [float("nan"), float("-inf")]]),
        Scripted("bools", [[True, False], [False, True]]),
        Scripted("mixed", [[1, 2.5, True], [2**60, 0.5, False]]),
        Scripted("patchy", [[1, None, 3], [None, None, None]]),
        Scripted("motley", [[1, "a", None], ["b", 2.5, [3]]]),
    ]
    return play(bp.count(signals, num=2))


@shape()
def images(folder: Path) -> Documents:
    """Read an image of unsigned 16-bit integers at each point."""
    frames = [np.arange(20 * 30, dtype="uint16").reshape(20, 30) + i for i in range(3)]
    return count_values(frames, "image")


@shape()
def image_lists(folder: Path) -> Documents:
    """Read images as lists of lists, whose second dimension ophyd does not see."""
    return count_values([[[1, 2, 3], [4, 5, 6 + i]] for i in range(3)], "image")


@shape()
def volumes(folder: Path) -> Documents:
    """Read arrays of three dimensions."""
    return count_values([np.full((2, 3, 4), i / 3) for i in range(3)], "volume")


@shape()
def ragged(folder: Path) -> Documents:
    """Read one-dimensional arrays whose length changes."""
    return count_values([[1, 2, 3], [4, 5], [], [6, 7, 8, 9]], "trace")


@shape()
def ragged_unknown(folder: Path) -> Documents:
    """Read arrays of changing length whose description says None for it."""
    traces = [np.linspace(0, 1, n) for n in (3, 5, 1)]
    return count_values(traces, "trace", dtype="array", dtype_numpy="<f8", shape=[None])


@shape()
def ragged_images(folder: Path) -> Documents:
    """Read images whose size changes from point to point."""
    return count_values([np.ones((2, 3)), np.ones((4, 3)), np.ones((2, 5))], "image")


@shape()
def ragged_inside(folder: Path) -> Documents:
    """Read lists whose rows have different lengths: no array has that shape."""
    return count_values([[[1, 2], [3]], [[4], [5, 6, 7]], [[], [8]]], "rows")


@shape()
def rank_changing(folder: Path) -> Documents:
    """Read arrays whose number of dimensions changes."""
    return count_values([np.ones(4), np.ones((2, 2)), np.float64(1.5), np.ones((1, 1, 1))], "array")


@shape()
def dtype_changing(folder: Path) -> Documents:
    """Read arrays whose type widens from integers to floats to complex numbers and texts."""
    return count_values([np.arange(3), np.ones(3) / 3, np.ones(3) * 1j, np.array(list("abc"))], "a")


@shape()
def real_turning_complex(folder: Path) -> Documents:
    """Read arrays and numbers that are real at first, and complex then."""
    signals = [
        Scripted("spectrum", [np.ones(3) / 3, np.ones(3) * 1j, np.arange(3.0)]),
        Scripted("impedance", [0.5, 1 + 2j, 1.5], dtype="number"),
        Scripted("list", [[0.5, 1j], [1j, 2j], [0.5, 0.25]], dtype="array", shape=[2]),
    ]
    return play(bp.count(signals, num=3))


@shape()
def empty_arrays(folder: Path) -> Documents:
    """Read arrays without elements, of one and of two dimensions."""
    signals = [
        Scripted("none_ever", [[], [], []]),
        Scripted("none_at_first", [[], [1.5], [2.5, 3.5]]),
        Scripted("no_columns", [np.zeros((3, 0))] * 3),
    ]
    return play(bp.count(signals, num=3))


@shape()
def one_element_arrays(folder: Path) -> Documents:
    """Read arrays of a single element, and zero-dimensional ones, which are no scalars."""
    signals = [
        Scripted("single", [[1.5], [2.5]]),
        Scripted("zero_d", [np.array(3), np.array(4)], dtype="array", shape=[]),
    ]
    return play(bp.count(signals, num=2))


@shape()
def text_arrays(folder: Path) -> Documents:
    """Read arrays of texts, as lists and as numpy arrays, of changing widths and lengths."""
    signals = [
        Scripted("labels", [["a", "b"], ['größer, "µ"', ""], ["=1", "x\ny"]]),
        Scripted("names", [np.array(["a", "bb"]), np.array(["ccc", "Ω"]), np.array(["", "d"])]),
        Scripted("ragged_names", [["a"], ["b", "c"], []]),
    ]
    return play(bp.count(signals, num=3))


@shape()
def array_layouts(folder: Path) -> Documents:
    """Read arrays that are big-endian, Fortran-ordered, strided, read-only, bool and float16."""
    base = np.arange(24, dtype="<i4").reshape(4, 6)
    frozen = base.copy()
    frozen.flags.writeable = False
    layouts = {
        "big_endian": base.astype(">i4"),
        "fortran": np.asfortranarray(base),
        "strided": base[::2, ::-3],
        "read_only": frozen,
        "bools": base % 2 == 0,
        "float16": base.astype("float16"),
        "complex": base * (1 + 2j),
        "bytes": np.array([b"ab", b"c"]),
        "times": np.array(["2026-01-02T03:04:05", "NaT"], dtype="datetime64[s]"),
        "records": np.array([(1, 2.5)], dtype=[("x", "i4"), ("y", "f8")]),
    }
    return play(bp.count([Scripted(name, [value]) for name, value in layouts.items()], num=2))


@shape()
def wide_unsigned_arrays(folder: Path) -> Documents:
    """Read arrays at the ends of uint64 and int64."""
    signals = [
        Scripted("unsigned", [np.array([0, 2**64 - 1], dtype="uint64")]),
        Scripted("signed", [np.array([-(2**63), 2**63 - 1])]),
        Scripted("listed", [[0, 2**64 - 1], [-1, 2**63 - 1]]),
        Scripted("beyond", [[1, 2**64], [-(2**65), 3]]),
    ]
    return play(bp.count(signals, num=2))


@shape()
def one_buffer_reused(folder: Path) -> Documents:
    """Fill the same array again at each point: a document that is kept and not copied changes."""
    buffer = np.zeros(8)

    def fill() -> Any:
        buffer[:] += 1
        return buffer

    return play(bp.count([SynSignal(func=fill, name="trace")], num=4))
