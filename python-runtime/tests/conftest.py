"""Settings that hold for every test of the Python package."""

from __future__ import annotations

import os

# No test may reach for the hub: what is tested is made here or comes from the local cache.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from hypothesis import settings

# The same examples on every run and no deadline: a slow machine must not change a verdict.
settings.register_profile("glora", deadline=None, derandomize=True, database=None)
settings.load_profile("glora")
