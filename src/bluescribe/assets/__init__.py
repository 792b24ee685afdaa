"""External data of a run: which files hold it, where in them, and in which order."""
