"""Kinds of external files: their specs and mimetypes, and which parameters are used.

The defaults are those of area detectors' handlers, and for streams those of bluesky's
consolidators. No other module knows a spec, a mimetype or such a default. A kind that is added here
needs a reader of one file in `image_files`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..model.run import Document

__all__ = ["HDF5", "KNOWN", "Kind", "dataset_of", "is_tiff", "kind_of"]


_OF_EVERY_KIND = {
    "chunk_shape",
    "filename",
    "frame_per_point",
    "join_chunks",  # of the chunks that a reader makes, not of the values
    "join_method",
    "multiplier",
    "template",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of files, with defaults for what the documents do not say."""

    name: str
    parameters: frozenset[str] = frozenset()
    """Parameters that are used, beside those of every kind."""
    join: str = "concat"
    """How datums become one array."""
    template: str | None = None
    """Default template for the names of files."""
    ending: str | None = None
    """Ending that makes a file's name of the asset's path; then the template is not used."""

    def ignored(self, parameters: Document) -> list[str]:
        """Return the parameters of a document that are not used."""
        known = _OF_EVERY_KIND | self.parameters
        return [str(key) for key in parameters if key not in known]


_DATASET_KEYS = ("dataset", "path", "dataset_path", "key")
"""Parameters that may hold the path of the dataset inside an HDF5 file."""

HDF5 = Kind(
    "HDF5",
    # swmr is found out when the file is opened
    frozenset({*_DATASET_KEYS, "slice", "squeeze", "swmr"}),
)
_TIFF = Kind("TIFF")
_JPEG = Kind("JPEG")
_NPY = Kind("NPY", join="stack", template="%s_%d.npy")

_SEQUENCES = {
    "AD_TIFF": _TIFF,
    "multipart/related;type=image/tiff": _TIFF,
    "AD_JPEG": _JPEG,
    "multipart/related;type=image/jpeg": _JPEG,
    "NPY_SEQ": replace(_NPY, ending="_{}.npy"),
    "multipart/related;type=application/x-npy": _NPY,
}
"""Kinds by spec or mimetype, with one image or some in each file."""

KNOWN = (HDF5.name, *_SEQUENCES)
"""Names of all that can be read, for messages."""

_HDF5_DATASETS = {
    "AD_HDF5": "/entry/data/data",
    "AD_HDF5_SINGLE": "/entry/data/data",
    "AD_HDF5_SWMR": "/entry/data/data",
    "AD_HDF5_SWMR_SLICE": "/entry/data/data",
    "AD_HDF5_SWMR_STREAM": "/entry/data/data",
    "XSP3": "/entry/instrument/detector/data",
    "XSP3_FLY": "/entry/instrument/detector/data",
}
"""Where the area-detector handlers of each spec find the images in an HDF5 file."""

_HDF5_MIMETYPES = {
    "application/x-hdf5",
    "application/x-hdf",
    "application/hdf5",
    "multipart/related;type=application/x-hdf5",
}


def kind_of(spec: str, dataset: str | None) -> Kind | None:
    """Return the kind of a spec or mimetype; None if it is not known."""
    return HDF5 if dataset is not None else _SEQUENCES.get(spec)


def is_tiff(spec: str) -> bool:
    """Return whether files are TIFF, also of a spec that is not known here."""
    return "tif" in spec.casefold()


def dataset_of(spec: str, parameters: Document, *, is_stream: bool) -> str | None:
    """Return the path of the dataset in an HDF5 file, from the file's root; None of other files.

    Parameters
    ----------
    spec
        Of a resource; of a stream_resource its mimetype.
    parameters
        What the document says.
    is_stream
        Whether it is a stream_resource with a mimetype: that tells whether it is HDF5.
    """
    if is_stream and spec not in _HDF5_MIMETYPES:
        return None
    told = (parameters.get(key) for key in _DATASET_KEYS)
    path = next((path for path in told if isinstance(path, str)), None)
    if path is not None:
        return "/" + path.strip("/")
    return None if is_stream else _HDF5_DATASETS.get(spec)
