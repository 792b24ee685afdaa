"""Where the datums of external data lie in their files: what documents may say of it, and mean.

Streams are read as bluesky's consolidators and tiled's adapters read them, resources as
area-detector-handlers does. All formats ask here; a parameter that is not known here is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .asset import Asset
from .images import ImagesError
from .kinds import HDF5, KNOWN, Kind
from .row_slices import Rows, cut, squeezed

__all__ = ["Datums", "is_whole_dataset"]


_JOINS = ("concat", "stack")


def is_whole_dataset(asset: Asset) -> bool:
    """Return whether the documents mean a dataset of one HDF5 file, as it is."""
    told = asset.parameters
    is_cut = told.get("slice") or told.get("squeeze")
    return asset.is_hdf5 and not (asset.is_sequence or is_cut) and _join(asset, HDF5) in _JOINS


@dataclass(frozen=True, slots=True)
class Datums:
    """How the datums of one field lie in an asset: a datum is all that one index has."""

    asset: Asset
    kind: Kind
    shape: tuple[int, ...]
    """Of one datum."""
    is_stacked: bool
    """Whether each datum is one row; otherwise its first dimension counts rows."""

    @classmethod
    def of(cls, asset: Asset) -> Datums:
        """Return what a document tells.

        Raises
        ------
        ImagesError
            It tells of files, or of a way to join datums, that nobody knows.
        """
        if asset.kind is None:
            raise ImagesError(
                f"{asset.path} is of spec {asset.spec!r}, of which nothing is known; known are "
                f"{', '.join(KNOWN)}"
            )
        join = _join(asset, asset.kind)
        if join not in _JOINS:
            raise ImagesError(
                f"{asset.place}: the join_method {join!r} is unknown; known are "
                f"{' and '.join(_JOINS)}"
            )
        shape = tuple(n or 1 for n in asset.shape)
        shape = _multiplied(shape, asset.number("multiplier"))
        return cls(asset, asset.kind, shape, join == "stack")

    @property
    def is_sequence(self) -> bool:
        """Whether each datum has files of its own."""
        return self.asset.is_sequence or not self.asset.is_hdf5

    def rows_each(self, rank: int) -> int:
        """Return how many rows each datum has.

        Parameters
        ----------
        rank
            Dimensions of all rows.
        """
        if frames := self.asset.number("frame_per_point"):
            return frames
        counts = self.asset.is_stream and not self.is_stacked and 0 < len(self.shape) == rank
        return self.shape[0] if counts else 1

    @property
    def rows_a_file(self) -> int:
        """How many rows each file of a sequence has."""
        return 1 if self.is_stacked else max(1, next(iter(self.asset.chunk_shape), 1))

    def files(self, start: int, stop: int | None) -> Iterator[int]:
        """Yield the numbers of the files that hold some datums.

        Raises
        ------
        ImagesError
            The documents do not tell which they are, or a file has more than a datum.
        """
        if stop is None:
            raise ImagesError(f"{self.asset.path}: the documents do not tell which files they are")
        rows = self.rows_a_file if self._is_one_file else self.rows_each(len(self.shape))
        each, rest = divmod(rows, self.rows_a_file)
        if rest:
            raise ImagesError(
                f"{self.asset.path}: files of {self.rows_a_file} frames (chunk_shape) do not make "
                f"up datums of {rows}"
            )
        yield from range(start * each, stop * each)

    def file(self, number: int) -> Asset:
        """Return the asset of one file of a sequence.

        Raises
        ------
        ImagesError
            The template is missing or makes no name.
        """
        return replace(self.asset, path=self.file_name(number))

    def file_name(self, number: int) -> Path:
        """Return the path of one file, as area-detector-handlers, ophyd and bluesky name it.

        Raises
        ------
        ImagesError
            The template is missing or makes no name.
        """
        path, parameters = self.asset.path, self.asset.parameters
        template = parameters.get("template", self.kind.template)
        if not isinstance(template, str):
            raise ImagesError(f"{path}: the documents give no template for names of files")
        stem = str(parameters.get("filename") or "")
        try:
            if self.kind.ending:
                return Path(str(path) + self.kind.ending.format(number))
            if "uri" in self.asset.doc:  # bluesky puts the name right behind it
                folder = f"{path}/" if str(self.asset.doc["uri"]).endswith("/") else str(path)
                return Path(folder + _named(template, stem, number))
            if "%" not in template:
                return path / template.format(number)
            texts = [f"{path}/", stem][: template.count("%s")]
            return Path(template % (*texts, number))
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise ImagesError(
                f"{path}: the template {template!r} makes no name of a file: {error}"
            ) from None

    def rows(self, lengths: Sequence[int]) -> Rows:
        """Return which elements of a dataset are rows.

        Parameters
        ----------
        lengths
            Shape of the dataset.

        Raises
        ------
        ImagesError
            The document wants another part of it than it has, or in a way that nobody knows.
        """
        key = self._cut(lengths)
        rank = len(self.shape) + 1 if self.is_stacked else max(1, len(self.shape))
        if self.asset.parameters.get("squeeze"):
            key = squeezed(key, rank)
        shown = {axis: len(each) for axis, each in enumerate(key) if isinstance(each, range)}
        first = next(iter(shown), None)
        if self.is_sequence and first is not None:
            is_counted = self.asset.is_stream and not self._is_one_file
            if len(shown) < rank or not (is_counted or shown[first] == self.rows_a_file):
                first = None
        return Rows(key, first)

    @property
    def _is_one_file(self) -> bool:
        """Whether a datum of a sequence is declared without the number of its frames."""
        chunk = len(self.asset.chunk_shape)
        is_frame = len(self.shape) <= 2 and chunk != len(self.shape)
        return not self.asset.number("frame_per_point") and (chunk > len(self.shape) or is_frame)

    def _cut(self, lengths: Sequence[int]) -> tuple[int | range, ...]:
        """Return what ``slice`` leaves of each dimension."""
        text = self.asset.parameters.get("slice") or ""
        try:
            return cut(lengths, text)
        except (TypeError, ValueError, IndexError) as error:
            raise ImagesError(
                f"{self.asset.place}: the slice {text!r} of a dataset of shape {tuple(lengths)} "
                f"is not understood: {error}"
            ) from None


def _multiplied(shape: tuple[int, ...], multiplier: int) -> tuple[int, ...]:
    """Return the shape of a datum with the number of its rows, as bluesky takes it."""
    if not multiplier or shape[:1] == (multiplier,):
        return shape
    return (multiplier, *(shape[1:] if shape[:1] == (1,) else shape))


def _join(asset: Asset, kind: Kind) -> object:
    """Return how datums become one array."""
    return asset.parameters.get("join_method", kind.join)


def _named(template: str, stem: str, number: int) -> str:
    """Return the name that a template of a stream makes.

    The folder, for which its first ``%s`` may stand, is in the URI already.
    """
    if "%" not in template:
        return template.replace("{:s}", stem, 1).format(number)
    texts = template.count("%s")
    name: str = template % (*[stem, *[""] * texts][:texts], number)
    return name
