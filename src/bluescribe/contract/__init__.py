"""All that the author of a format imports.

`runfile` has `RunFile`, one run in one format: implement it. `settings` has `WriterSettings`: add
your own. `plugin` has `FormatPlugin`, the record of a format: everything that the rest of
bluescribe asks of a format it asks of that record. `report` has `RunReport`, what became of a
run; `post_run` the work that remains when a file is complete; `recovery` what a format knows of
files that a crash cut short. `hooks` and `attributes` refuse what nobody would ever call or look
at.

Knows: `assets`, `model`, `files`.
"""
