"""Runs of long ago, and those of sessions that died.

`exporting` posts stored runs to the writers, and keeps an account of what is complete; `packing`
boxes runs with their external files. `recover` finishes what a crash left: `adoption` plays what
dead sessions have in their spools, `examined` finds files, and journals are played beside those
that were put aside. A file with neither is made readable as it is. `listing` tells which runs are
in which files.

Knows: `sources`, `config`, and everything below; no format by name.
"""
