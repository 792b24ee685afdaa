"""The engine of all formats that are HDF5: files that are read while they grow, columns, images.

`runfile` is one run in one file, `table` a stream as columns that grow together, `column` one
dataset in the `layout` that its values need. `file` is the life of a file: plain, live (SWMR),
plain; `room` takes space on the disk before HDF5 does, which does not survive a refused write.
`images` and its neighbours show or copy frames of other files. `mend` and `recovery` see to files
after a crash.

Knows: the contract. A format that is HDF5 says where its tree has what.
"""
