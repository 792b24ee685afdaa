"""Data files. One call takes the place of a callback module for each format."""

from bluescribe import subscribe_writers


def init_data_files(RE, iconfig_path):
    """Write every run in the formats that configs/iconfig.yml switches on."""
    return subscribe_writers(RE, iconfig_path)
