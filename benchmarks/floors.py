"""The least that the hardware and its libraries ask for: no format, no metadata, no safety."""

from __future__ import annotations

import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["EventCopies", "HdfBlocks", "JsonLines", "LogAndBlocks"]

_BLOCK_ROWS = 1000
_CHUNK_BYTES = 1 << 20


class JsonLines:
    """Append each document as a line with orjson: one unbuffered write a document.

    Parameters
    ----------
    directory
        Folder for the file.
    """

    def __init__(self, directory: Path) -> None:
        import orjson

        self._dumps = orjson.dumps
        self._option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
        self._fd = os.open(directory / "floor.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Write a line."""
        os.write(self._fd, self._dumps([name, doc], option=self._option))

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class HdfBlocks:
    """Append values and timestamps, two datasets a field, in blocks of 1000 rows with h5py.

    Parameters
    ----------
    directory
        Folder for the file.
    """

    def __init__(self, directory: Path) -> None:
        import h5py

        self._file = h5py.File(directory / "floor.h5", "w", libver="latest", locking=False)
        self._datasets: list[tuple[str, Any, Any]] = []
        self._waiting: list[dict[str, Any]] = []
        self._rows = 0

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Keep an event until the block is full; write a page at once."""
        if name == "event":
            self._waiting.append(doc)
            if len(self._waiting) == _BLOCK_ROWS:
                self._write_waiting()
        elif name == "event_page":
            self._write(doc["data"], doc["timestamps"], len(doc["seq_num"]))
        elif name == "descriptor":
            self._datasets = [
                (key, *self._create(key, declared)) for key, declared in doc["data_keys"].items()
            ]

    def close(self) -> None:
        """Write the last block and close the file."""
        self._write_waiting()
        self._file.close()

    def _create(self, key: str, declared: dict[str, Any]) -> tuple[Any, Any]:
        dtype, shape = np.dtype(declared["dtype_numpy"]), tuple(declared["shape"])
        row_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        rows = max(1, min(_BLOCK_ROWS, _CHUNK_BYTES // row_bytes))
        values = self._file.create_dataset(
            f"{key}/value", (0, *shape), dtype, maxshape=(None, *shape), chunks=(rows, *shape)
        )
        stamps = self._file.create_dataset(
            f"{key}/EPOCH", (0,), "<f8", maxshape=(None,), chunks=(_BLOCK_ROWS,)
        )
        return values, stamps

    def _write_waiting(self) -> None:
        rows, self._waiting = self._waiting, []
        if rows:
            keys = [key for key, _, _ in self._datasets]
            data = {key: [row["data"][key] for row in rows] for key in keys}
            stamps = {key: [row["timestamps"][key] for row in rows] for key in keys}
            self._write(data, stamps, len(rows))

    def _write(self, data: dict[str, Any], stamps: dict[str, Any], rows: int) -> None:
        start, self._rows = self._rows, self._rows + rows
        for key, value, stamp in self._datasets:
            value.resize(self._rows, axis=0)
            value[start:] = np.array(data[key], value.dtype)
            stamp.resize(self._rows, axis=0)
            stamp[start:] = np.array(stamps[key])


class LogAndBlocks(HdfBlocks):
    """The same with what nobody can do without who keeps what came when HDF5 fails.

    Each event is copied, as its producer may use its arrays again, and appended with a checksum to
    a log on the disk.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._log = os.open(directory / "floor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Copy an event, append it to the log, and keep it for its block."""
        if name == "event":
            arrays: dict[str, Any] = {key: np.array(v) for key, v in doc["data"].items()}
            doc = {**doc, "data": arrays}
            rest = pickle.dumps({**doc, "data": [*arrays]})
            parts = [memoryview(rest), *(memoryview(array) for array in arrays.values())]
            checksum = 0
            for part in parts:
                checksum = zlib.crc32(part, checksum)
            os.writev(self._log, [checksum.to_bytes(4, "little"), *parts])
        super().__call__(name, doc)

    def close(self) -> None:
        """Close both files."""
        super().close()
        os.close(self._log)


class EventCopies:
    """Copy each event and keep the copies: a producer may change its own, or use arrays again."""

    def __init__(self, _directory: Path) -> None:
        self._kept: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Copy an event's values, its arrays too, and its timestamps."""
        if name == "event":
            data = doc["data"].copy()
            for key, value in data.items():
                if type(value) is np.ndarray:
                    data[key] = value.copy()
            self._kept.append((data, doc["timestamps"].copy()))

    def close(self) -> None:
        """Let go of the copies."""
        self._kept.clear()
