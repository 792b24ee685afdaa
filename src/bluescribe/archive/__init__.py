"""Runs of long ago: exported, packed, recovered from journals and from spools of dead sessions."""
