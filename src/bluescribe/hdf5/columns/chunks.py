"""How large the chunks of datasets are: of columns that grow, and of copied frames.

No other module decides it, but for frames that are copied from chunks: they keep those.
"""

from __future__ import annotations

import numpy as np

__all__ = ["are_compressed", "frames_a_chunk", "rows_a_chunk"]

_COLUMN_BYTES = 1 << 18
"""The last chunk has its full size in the file, however few of its rows came."""
_MAX_ROWS = 2048
_MIN_COLUMN_BYTES = 512
"""Few rows were expected, but they may have been many: not a chunk for each then."""
_MIN_COMPRESSED = 4096
"""Bytes of a row. Compressed chunks hold one row: in SWMR mode, a chunk that is written again
with a row more leaves the room of the former one as a hole, at each flush.
"""

_FRAMES_BYTES = 1 << 16
"""Of a chunk of frames, which has at least one."""


def are_compressed(row_bytes: int) -> bool:
    """Tell whether rows of a column are large enough to be compressed, where compression is on."""
    return row_bytes >= _MIN_COMPRESSED


def rows_a_chunk(
    row_bytes: int,
    rows_expected: int,
    *,
    rows_at_once: int = 0,
    is_certain: bool = False,
    is_compressed: bool = False,
) -> int:
    """Return how many rows of a column are a chunk: all that are expected, within bounds.

    Parameters
    ----------
    row_bytes
        Bytes of a row.
    rows_expected
        How many rows will come, as far as one can know.
    rows_at_once
        Rows of a page as the producer sends them: a chunk for each is written in one piece.
    is_certain
        Whether there will not be many more.
    is_compressed
        Whether the chunks are compressed.
    """
    if is_compressed:
        return 1
    row_bytes = max(1, row_bytes)
    rows = rows_expected if is_certain else max(rows_expected, _MIN_COLUMN_BYTES // row_bytes)
    return max(1, min(max(min(rows, _MAX_ROWS), rows_at_once), _COLUMN_BYTES // row_bytes))


def frames_a_chunk(shape: tuple[int, ...], itemsize: int) -> int:
    """Return how many frames are a chunk, of frames that come without chunks of their own.

    Parameters
    ----------
    shape
        Of all frames: the first number counts them.
    itemsize
        Bytes of a pixel.
    """
    frame_bytes = itemsize * int(np.prod(shape[1:], dtype=np.int64))
    return max(1, min(shape[0], _FRAMES_BYTES // max(1, frame_bytes)))
