"""Configuration of the instrument."""
