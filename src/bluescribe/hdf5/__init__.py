"""The engine of all formats that are HDF5: files that are read while they grow, columns, images.

`runfile` is one run in one file, `table` a stream as columns that grow together, `column` one
dataset in the `layout` that its values need, `chunks` how large its chunks are, `compression` how
they are packed. `file` is the life of a file: plain, live (SWMR), plain; `preallocate` takes space
on the disk before HDF5 does, which does not survive a refused write. `links`, `virtual` and
`joined` show frames of other files, `frames` copies them. `mend` and `recovery` see to files after
a crash.

Knows: the contract. A format that is HDF5 says where its tree has what.
"""
