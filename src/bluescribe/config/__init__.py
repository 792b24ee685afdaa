"""iconfig.yml -> frozen, validated settings; all mistakes are told at once, before any beam.

`iconfig` reads the file and remembers on which line each key stands. `blocks` tells which keys
are ours, and which were meant to be. `config` makes settings of them, by the model that each
format and each delivery has, and a `configuration`, what is switched on; `session` has the settings
of the session as a whole.

Knows: formats and deliveries by their registries, never by name.
"""
