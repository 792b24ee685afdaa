"""How arrays are compressed: from the name that users know to what h5py wants."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from ..errors import ConfigError

__all__ = ["Compression", "compression_options"]

Compression: TypeAlias = Literal["none", "gzip", "lz4", "zstd", "bitshuffle", "blosc"]
"""All but gzip need hdf5plugin, in the writer and in whatever reads."""

_GZIP_LEVEL = 1
"""Behind the shuffle filter, higher levels take some times longer for a few per cent."""


def compression_options(name: str) -> dict[str, Any]:
    """Return keyword arguments for h5py's `create_dataset`.

    Parameters
    ----------
    name
        One of `Compression`.

    Raises
    ------
    ConfigError
        There is no such compression, or the package that it needs is not installed.
    """
    if name not in get_args(Compression):
        raise ConfigError(
            f"no compression {name!r}; allowed are {', '.join(get_args(Compression))}"
        )
    if name == "none":
        return {}
    if name == "gzip":
        return {"compression": "gzip", "compression_opts": _GZIP_LEVEL, "shuffle": True}
    try:
        import hdf5plugin
    except ImportError as error:
        raise ConfigError(
            f'compression {name!r} needs hdf5plugin ({error}): pip install "bluescribe'
            '[compression]", or take gzip, which needs nothing'
        ) from error
    filters = {
        "lz4": lambda: {**hdf5plugin.LZ4(), "shuffle": True},
        "zstd": lambda: {**hdf5plugin.Zstd(), "shuffle": True},
        "bitshuffle": lambda: dict(hdf5plugin.Bitshuffle(cname="lz4")),
        "blosc": lambda: dict(hdf5plugin.Blosc(cname="lz4")),
    }
    return filters[name]()
