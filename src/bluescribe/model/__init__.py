"""What the documents of a run say; formats ask this room, and have no rule of their own.

`run` has `Run`, what was declared so far; `stream` its streams, their descriptors, and pages,
which are events as columns; `field` one column, as it was declared. `dimensions` tells
independent fields, detectors and the grid; `diffractometer` what hklpy says of a crystal.
`grammar` says what a document must have to be taken in, `writable` puts a text in the place of a
value that no format can write. `column_type` has the one rule of what the values of a field are
together, `values` makes one exact array of them, or says that there is none, `numbers` knows what a
number is, `declared` turns what came by way of JSON into what the descriptor says, `ranks` counts
dimensions, `image` knows images, `field_rows` which values only refer to a file, and `text_width`
tells the room of a text.

Knows: `files` (who is told of a run's files), and no format.
"""
