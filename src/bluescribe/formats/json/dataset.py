"""One stream as an xarray Dataset in its dictionary form: what ``Dataset.from_dict`` takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, BinaryIO

from ...assets.asset import Asset
from ...files.json_text import dumps, strict
from ...model.run import Field, Page, Stream
from ...model.values import Array
from .spool import Spool
from .variable import Variable

__all__ = ["StreamDataset", "unique"]

_TIME = {"units": "s", "long_name": "time of the event in epoch seconds"}
_SEQ_NUM = {"long_name": "number of the event"}
_COORDS = {"time": _TIME, "seq_num": _SEQ_NUM}


class StreamDataset:
    """The variables of one stream.

    Parameters
    ----------
    stream
        What is recorded.
    spool
        Where the values wait until the run has ended.
    """

    def __init__(self, stream: Stream, spool: Spool) -> None:
        self.stream = stream
        self._spool = spool
        self._coords = {name: Variable(spool) for name in _COORDS}
        self._values: dict[str, Variable] = {}
        self._stamps: dict[str, Variable] = {}
        self._external: dict[str, dict[str, Asset]] = {}
        self.rows = 0

    def append(self, page: Page) -> None:
        """Add a page's rows, all or none of them."""
        cells = list(self._cells(page))
        rows = [(v, v.text_of(values, self.rows), values) for v, values in cells]
        for variable, texts, values in rows:
            variable.pad(self.rows - variable.rows)
            variable.put(texts, values)
        self.rows += len(page)
        for variable in [*self._values.values(), *self._stamps.values()]:
            variable.pad(self.rows - variable.rows)

    def link(self, field: str, asset: Asset) -> None:
        """Note that a file holds values of a field."""
        self._external.setdefault(field, {})[asset.uid] = asset

    def text(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the dataset as JSON.

        Parameters
        ----------
        file
            The spool, flushed and open for reading.
        """
        names = self._names()
        dims = _Dims({*names.values(), *_COORDS})
        yield b'{\n"coords": {'
        yield from self._coords_text(file)
        yield b'\n},\n"attrs": ' + dumps(strict(self._attrs()))
        yield b',\n"data_vars": {'
        yield from _listed(
            (
                names[field],
                variable.text(file, dims.of(variable), self._attrs_of(field, names[field])),
            )
            for field, variable in self._values.items()
        )
        yield b'\n},\n"dims": ' + dumps({"time": self.rows, **dims.sizes})
        yield b',\n"timestamps": {"coords": {'
        yield from self._coords_text(file)
        yield b'\n},\n"data_vars": {'
        yield from _listed(
            (names[field], stamps.text(file, ["time"], {"units": "s"}))
            for field, stamps in self._stamps.items()
        )
        yield b"\n}}\n}"

    def _coords_text(self, file: BinaryIO) -> Iterator[bytes]:
        return _listed((n, v.text(file, ["time"], _COORDS[n])) for n, v in self._coords.items())

    def _cells(self, page: Page) -> Iterator[tuple[Variable, Sequence[Any] | Array]]:
        yield self._coords["time"], page.time
        yield self._coords["seq_num"], page.seq_num
        for name, values in page.data.items():
            yield self._values.setdefault(name, Variable(self._spool)), values
            yield self._stamps.setdefault(name, Variable(self._spool)), page.timestamps[name]

    def _names(self) -> dict[str, str]:
        """Return what each field's variable is called: as the field, unless a coordinate is."""
        names: dict[str, str] = {}
        for field in self._values:
            names[field] = unique(field, {*_COORDS, *names.values()})
        return names

    def _attrs(self) -> dict[str, Any]:
        attrs: dict[str, Any] = {"stream": self.stream.name}
        if self._external:
            attrs["external"] = {
                field: [_description(asset) for asset in assets.values()]
                for field, assets in self._external.items()
            }
        silent = [f for f in self.stream.fields if f not in self._values | self._external]
        return {**attrs, "without_values": silent} if silent else attrs

    def _attrs_of(self, field: str, name: str) -> dict[str, Any]:
        declared = self.stream.fields.get(field, Field(field))
        told = {k: v for k, v in declared.told().items() if k != "shape"}  # dims have it
        return told if field == name else {**told, "data_key": field}


class _Dims:
    """Names of dimensions, as databroker gives them: each axis of an array has its own."""

    def __init__(self, taken: Collection[str]) -> None:
        self._names = (name for n in count() if (name := f"dim_{n}") not in taken)
        self.sizes: dict[str, int] = {}

    def of(self, variable: Variable) -> list[str]:
        names = [next(self._names) for _ in variable.shape]
        self.sizes |= dict(zip(names, variable.shape, strict=True))
        return ["time", *names]


def unique(name: str, taken: Collection[str]) -> str:
    """Return `name`, or one like it that is not taken."""
    endings = ("", "_field", *(f"_field_{n}" for n in range(2, len(taken) + 3)))
    return next(free for ending in endings if (free := f"{name}{ending}") not in taken)


def _listed(variables: Iterator[tuple[str, Iterator[bytes]]]) -> Iterator[bytes]:
    separator = b"\n"
    for name, text in variables:
        yield separator + dumps(name) + b": "
        yield from text
        separator = b",\n"


def _description(asset: Asset) -> Mapping[str, Any]:
    return {
        "path": str(asset.path),
        "spec": asset.spec,
        "dataset": asset.dataset,
        "parameters": asset.parameters,
        "uid": asset.uid,
    }
