"""Lets a test see where torch has the buffers that are bound to a session."""

from __future__ import annotations

import dataclasses
from typing import Any

from glora import java


def addresses(session: int) -> dict[str, int]:
    """Returns the address of every bound buffer's first element, by name."""
    buffers = java._sessions[session]._buffers
    found: dict[str, Any] = {
        field.name: getattr(buffers, field.name) for field in dataclasses.fields(buffers)
    }
    columns = found.pop("data")
    del found["columns"]
    return {name: tensor.data_ptr() for name, tensor in {**found, **columns}.items()}
