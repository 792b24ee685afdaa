"""Kinds of external files: what documents call them, and which of their parameters are heeded.

What is said of an area detector's files is said by its handlers, of streams by bluesky's
consolidators. No other module knows a spec, a mimetype or a default of theirs. A kind that is added
here gets what reads one file of it in `image_files`.
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
    """Files of one kind, and what holds for them where the documents say nothing else."""

    name: str
    parameters: frozenset[str] = frozenset()
    """What is heeded beside that of every kind."""
    join: str = "concat"
    """How datums become one array."""
    template: str | None = None
    """Makes the names of files."""
    ending: str | None = None
    """What makes the path of the asset the name of a file, whatever the template says."""

    def ignored(self, parameters: Document) -> list[str]:
        """Return which parameters of a document are not heeded."""
        known = _OF_EVERY_KIND | self.parameters
        return [str(key) for key in parameters if key not in known]


_DATASET_KEYS = ("dataset", "path", "dataset_path", "key")
"""What the path of the dataset inside an HDF5 file is called."""

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
"""Of each spec or mimetype: one image or some in each file."""

KNOWN = (HDF5.name, *_SEQUENCES)
"""What can be read, for messages."""

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
    """Return the kind of files that a spec or mimetype names; None if nothing is known of it."""
    return HDF5 if dataset is not None else _SEQUENCES.get(spec)


def is_tiff(spec: str) -> bool:
    """Return whether files are TIFF, be it of a spec that nobody here knows."""
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
