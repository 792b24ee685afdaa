"""Our writers under the names, and with the ways, of other packages: one import changes.

`apstools` has its `NXWriter`, `NXWriterAPS` and SPEC callbacks. Each of them holds a writer of
ours; what its attributes and overrides say when a run starts is a setting of that run, so files are
written and finished as those of every other writer are. What nobody would look at is refused.
The package whose names these are need not be installed.

Knows: `formats`, the `Writer` of `recording`, `contract`; not how runs are recorded. Nobody knows
this room: it is for instruments.
"""
