"""The frames of other files: linked, shown as virtual datasets, or copied."""
