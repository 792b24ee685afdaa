"""What a column is in a file of which all is here: a dataset that has its rows, and cannot grow.

Nothing has to be written anew then: it is stored as `finished.compact` stores what has grown.
"""

from __future__ import annotations

from h5py import h5d, h5t

from ...model.values import Array

__all__ = ["FixedRows"]

_MOST_BYTES = 1 << 16
"""Of rows that are promised and have not come."""


class FixedRows:
    """How many rows the dataset of a column has, and whether its text is ASCII.

    Parameters
    ----------
    promised
        How many will come, as the stop document says; 0 where it does not.
    """

    def __init__(self, promised: int) -> None:
        self._promised = promised
        self._needed = 0
        self._is_ascii = True
        self.room = 0
        """Rows of the dataset; 0 if it is one that grows, or is not there."""
        self.is_marked = False
        """Whether the dataset says that its text is ASCII: Octave reads no other text."""

    def expect(self, rows: int, new: Array | list[Array]) -> None:
        """Note for what the dataset is made: the rows that are there, and new ones."""
        self._needed = rows + len(new)
        self.look_at(new)
        if self.room:  # they came in more pieces than was known: the next ones may do so, too
            self._promised = max(self._promised, 2 * self.room)

    def look_at(self, new: Array | list[Array]) -> None:
        """Note whether rows that are written are ASCII, if they are text."""
        self._is_ascii = self._is_ascii and all(row.tobytes().isascii() for row in _texts(new))

    def expect_no_more(self, rows: int) -> None:
        """Note that these rows are all."""
        self._needed = self._promised = rows

    def take_room(self, row_bytes: int) -> int:
        """Return how many rows the dataset is to have, which is about to be made."""
        is_little = self._promised * row_bytes <= _MOST_BYTES
        self.room = max(self._needed, self._promised if is_little else 0)
        self.is_marked = self._is_ascii and self.room == self._needed
        return self.room

    def is_short_for(self, rows: int, new: Array | list[Array]) -> bool:
        """Tell whether new rows do not fit behind those that are there."""
        return 0 < self.room < rows + len(new)

    def is_final(self, rows: int, dataset: h5d.DatasetID) -> bool:
        """Tell whether the dataset has these rows only, and says of its text what can be said."""
        is_text = dataset.get_type().get_class() == h5t.STRING
        return rows == self.room and not (is_text and self._is_ascii and not self.is_marked)


def _texts(rows: Array | list[Array]) -> list[Array]:
    found = rows if isinstance(rows, list) else [rows]
    return [row for row in found if row.dtype.kind == "S"]
