"""What every peer calls: the same functions, whatever carries the call."""

from __future__ import annotations

import time
from typing import Any

bound: dict[int, Any] = {}


def nothing() -> None:
    """The cheapest call."""


def bind(number: int, tensor: Any) -> None:
    """Keeps a tensor for later calls."""
    bound[number] = tensor


def unbind(number: int) -> None:
    """Lets go of a tensor."""
    del bound[number]


def bind_own(number: int, size: int) -> None:
    """Makes a tensor of float32 zeros here, for peers that share no memory."""
    import torch

    bound[number] = torch.zeros(size)


def touch(number: int) -> None:
    """Works on a bound tensor."""
    bound[number].add_(1)


def take(tensor: Any) -> None:
    """Receives a tensor and drops it."""


def add_one(numbers: Any) -> Any:
    """Adds one to a NumPy array in place and returns it."""
    import torch

    torch.from_numpy(numbers).add_(1)
    return numbers


def touch_often(number: int, times: int) -> None:
    """The same work with no call across the bridge."""
    tensor = bound[number]
    for _ in range(times):
        tensor.add_(1)


def touch_timed(number: int, times: int) -> int:
    """The same by Python's own clock: the nanoseconds that the work took."""
    tensor = bound[number]
    begin = time.perf_counter_ns()
    for _ in range(times):
        tensor.add_(1)
    return time.perf_counter_ns() - begin


def endless() -> None:
    """Runs until it is stopped."""
    while True:
        pass
