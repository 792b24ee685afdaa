"""The ``bluescribe`` command: each module is one verb with its options, `cli` lists them.

Beside the verbs are `selecting`, the options that choose runs, `progress`, and `output`, what all
of them show.

A verb checks what it was given, shows progress on anything that takes over a second, says what
went wrong in one line with its remedy, and ends with a status that a script can use.

Knows: everything.
"""
