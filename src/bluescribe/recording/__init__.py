"""One writer: from the documents of a session to the files of its runs."""
