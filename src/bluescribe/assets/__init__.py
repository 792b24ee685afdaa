"""External data: which files hold the frames of a run, where in them, and in which order.

`asset` follows resource, datum and stream_* documents to a file, a dataset and frames; `datums`
knows the kinds of files and their parameters, `row_slices` a slice that is written as text, and
`path_map` where this machine has the folders of an IOC.

Knows: `model`.
"""
