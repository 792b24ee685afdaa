"""What the documents of a run say; formats ask this room, and have no rule of their own.

`run` has `Run`, what was declared so far; `stream` its streams, their descriptors, and pages,
which are events as columns; `field` one column, as it was declared. `dimensions` tells
independent fields, detectors and the grid; `diffractometer` what hklpy says of a crystal.
`grammar` says what a document must have to be taken in, `writable` puts a text in the place of a
value that no format can write. `values` makes one exact array of a column, or says that there is
none.

Knows: `files` (who is told of a run's files), and no format.
"""
