"""The engine of all formats that are HDF5: files that are read while they grow, columns, images.

`runfile` is one run in one file, and `file` its life: plain, live (SWMR), plain; `preallocate`
takes space on the disk before HDF5 does, which does not survive a refused write. `table` has the
events of a stream as columns that grow together; `columns` has one dataset in the layout that its
values need, what it becomes row by row, how large its chunks are, and compresses them on several
cores. `images` shows the frames of
other files, by links and virtual datasets, or copies them. `finished` sees to files that nobody
writes any more: it changes them as copies, mends them after a crash. `parts` are the files of a run
that is too large for one, `handles` what of a file stays open. `objects`, `nodes`, `names`
and `tree` are what all of them make files of.

Knows: the contract. A format that is HDF5 says where its tree has what.
"""
