"""External data: which files hold the frames of a run, where in them, and in which order.

`book` follows resource, datum and stream_* documents to an `asset`, a file or some, and to the
frames in it that events have. `kinds` has the kinds of files by their specs and mimetypes, `datums`
says where the rows of a datum lie in them, `row_slices` reads a slice that is written as text,
`path_map` says where this machine has the folders of an IOC. `frames` finds what reads them: the
`hdf5` of this room, or `image_files` for TIFF, JPEG and NPY; `waiting` waits for files that are
not there yet, `copying` copies images into a format's file when a run is over.

Knows: `model`.
"""
