"""One writer: from the documents of a session to the files of its runs, in one format.

`writer` has `Writer`, which a RunEngine calls: it takes a snapshot, puts it into the spool, and
returns. On the lane's thread, `router` finds the run of a document, `opening` makes its file, and
`recording` keeps one run on its way into it: events become pages, what the disk refuses is tried
again. `post_run`
does what remains when a file is complete, and `status` says how all of it goes. `process` has the
router of a format that opens HDF5 in a process of its own.

Knows: `spool`, `contract`, and what is below; no format, for a writer is told its own.
"""
