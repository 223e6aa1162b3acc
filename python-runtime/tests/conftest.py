"""Settings that hold for every test of the Python package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# No test may reach for the hub: what is tested is made here or comes from the local cache.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import tiny
from hypothesis import settings

# The same examples on every run and no deadline: a slow machine must not change a verdict.
settings.register_profile("glora", deadline=None, derandomize=True, database=None)
settings.load_profile("glora")


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny BERT."""
    return tiny.write_model(tmp_path_factory.mktemp("body"))


@pytest.fixture
def closed() -> Iterator[None]:
    """Closes what a test has left open of `glora.java`."""
    yield
    from glora import java  # not for tests of what imports what

    for number in list(java._sessions):
        java.close(number)
