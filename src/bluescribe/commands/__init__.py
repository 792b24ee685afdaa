"""The ``bluescribe`` command: `cli` declares the options, each module beside it is one verb.

A verb checks what it was given, shows progress on anything that takes over a second, says what
went wrong in one line with its remedy, and ends with a status that a script can use.

Knows: everything.
"""
