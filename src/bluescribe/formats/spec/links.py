"""The external files of one scan, as comments name them."""

from __future__ import annotations

from collections.abc import Iterator

from ...assets.asset import Asset
from ...model.run import Stream
from .lines import comment, literal

__all__ = ["Links"]

_MOST = 100
"""External files that are remembered for the header of a scan that has no rows yet."""


class Links:
    """Which external file holds the values of which field."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str, str], None] = {}
        """Stream, field and place of each, in their order."""
        self._latest: dict[tuple[str, str], str] = {}
        """Uid of the asset that came last, by stream and field."""

    def knows(self, stream: Stream, field: str, asset: Asset) -> bool:
        """Tell whether a file is the one that was named last for a field."""
        return self._latest.get((stream.name, field)) == asset.uid

    @property
    def is_full(self) -> bool:
        """Whether the header has no room for more."""
        return len(self._links) >= _MOST

    def add(self, stream: Stream, field: str, asset: Asset) -> None:
        """Take in the file that holds a field's values from now on."""
        if not self.is_full:
            self._links[stream.name, field, asset.place] = None
        self._latest[stream.name, field] = asset.uid

    def comments(self, main: Stream | None) -> Iterator[bytes]:
        """Yield what the header says; the rows are the events of `main`."""
        for link in self._links:
            yield comment(self.words(*link, main=main))

    def words(self, stream: str, field: str, place: str, *, main: Stream | None) -> str:
        """Say where the values of an external field are."""
        is_main = main is not None and main.name == stream
        where = "" if is_main else f" of stream {literal(stream)}"
        return f"{literal(field)}{where} is in {literal(place)}"

    def nameless(self, main: Stream | None) -> Iterator[bytes]:
        """Yield what is said of external fields of which no document named a file."""
        for name, field in main.fields.items() if main is not None else ():
            if field.external and main and (main.name, name) not in self._latest:
                yield comment(f"no document names the file of {literal(name)}")
