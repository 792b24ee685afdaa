"""Runs that a dead session left in its spool are written now, by `recover` or beside a session."""
