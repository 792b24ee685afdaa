"""Columns of measured values: datasets that grow, in the layout that their values need."""
