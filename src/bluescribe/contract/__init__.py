"""All that the author of a format imports: the run's file, its settings, its record."""
