"""Settings of all tests."""

import os

from hypothesis import settings

# The same examples at each run in CI: what fails there fails again at home. Elsewhere new ones.
settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
