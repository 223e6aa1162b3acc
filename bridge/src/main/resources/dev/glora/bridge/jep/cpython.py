"""What CPython with torch adds to the trampoline: tensors and interruptions; run in its module."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the module that this runs in
    from trampoline import CANCELLED, LIST, Interrupted, _owner, kind_of, takers

# Tensors -----------------------------------------------------------------------------------------

# The exporter of each tensor's memory that torch still holds. A torch storage keeps its exporter
# until the last view of it is gone, so this, and no torch object, tells whether memory is in use.
exporters: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

# Those of torch that were asked for, by name.
dtypes: dict[str, Any] = {}

# The exporters of pinned memory, which must not end before it is unpinned.
pinned: dict[int, Any] = {}


def tensor(value: Iterator[Any]) -> Any:
    """Makes a torch tensor on Java's memory from: id, buffer, dtype's name, rank, sizes."""
    import torch

    number, buffer = next(value), next(value)
    dtype, shape = dtype_and_shape(value)
    if 0 in shape:
        return torch.empty(shape, dtype=dtype)  # frombuffer takes no empty memory
    exporter = exporters.get(number)
    if exporter is None:
        exporter = memoryview(buffer)  # holds the buffer, and so Java's memory
        exporters[number] = exporter
    flat = torch.frombuffer(exporter, dtype=dtype)
    return flat if len(shape) == 1 else flat.view(shape)


def mapped(value: Iterator[Any]) -> Any:
    """Makes a torch tensor on a part of a file.

    From: id, path, offset, size, whether writes go to the file, dtype's name, rank, sizes. Not by
    torch.from_file, which tells nobody when its mapping ends.
    """
    import torch

    number, path, offset, size, shared = (next(value) for _ in range(5))
    dtype, shape = dtype_and_shape(value)
    start = offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    exporter = exporters.get(number)
    if exporter is None:
        access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        with open(path, "r+b" if shared else "rb") as file:
            length = offset - start + size
            exporter = mmap.mmap(file.fileno(), length, access=access, offset=start)
        exporters[number] = exporter
    flat = torch.frombuffer(
        exporter, dtype=dtype, offset=offset - start, count=size // dtype.itemsize
    )
    return flat.view(shape)


takers.update(t=tensor, m=mapped)


def dtype_and_shape(value: Iterator[Any]) -> tuple[Any, list[int]]:
    """Reads a dtype's name, a rank and the sizes."""
    name = next(value)
    dtype = dtypes.get(name)
    if dtype is None:
        import torch

        dtype = dtypes[name] = getattr(torch, name)
    return dtype, [next(value) for _ in range(next(value))]


def exported(*numbers: int) -> list[int]:
    """Unpins these tensors and returns those whose memory is in use, as an encoded list."""
    for number in numbers:
        pinned.pop(number, None)
    # Tracebacks and autograd graphs make cycles, mostly young ones; to look at all objects of a
    # process with torch takes a tenth of a second.
    for generation in range(3):
        if any(number in exporters for number in numbers):
            gc.collect(generation)
    return [LIST, *[number for number in numbers if number in exporters]]


def pin(numbers: list[int], tensors: list[Any]) -> int:
    """Registers the memory of tensors with CUDA until they are unpinned and out of use.

    Returns:
        How many were registered.
    """
    import torch

    if not torch.cuda.is_available():
        return 0
    count = 0
    for number, tensor in zip(numbers, tensors, strict=True):
        if number in pinned or tensor.numel() == 0:
            continue
        address, size = tensor.data_ptr(), tensor.numel() * tensor.element_size()
        status = int(torch.cuda.cudart().cudaHostRegister(address, size, 0))
        if status != 0:
            raise RuntimeError(
                f"CUDA registers no pinned memory of {size} bytes (error {status}): pin less, or "
                "raise the limit of locked memory (ulimit -l)"
            )
        pinned[number] = exporters[number]
        # At interpreter's exit the driver is gone before this would run.
        weakref.finalize(exporters[number], unpin, address).atexit = False
        count += 1
    return count


def unpin(address: int) -> None:
    """Takes a registration back, once nothing uses the memory any more."""
    import torch

    torch.cuda.cudart().cudaHostUnregister(address)


# Interruption ------------------------------------------------------------------------------------

_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = (ctypes.c_ulong, ctypes.py_object)
_raise_in.restype = ctypes.c_int


# Set while the owner thread hears of a lost interruption: one that struck then would be lost, too.
_hearing = False


def interrupt() -> bool:
    """Makes the owner thread raise Interrupted at its next bytecode; called on another thread.

    Returns:
        False if nothing was done since this is no moment for it.
    """
    if _hearing:
        return False
    _raise_in(_owner, Interrupted)
    return True


def drain() -> None:
    """Gives an Interrupted that came too late the time to strike here; Java ignores it."""
    for _ in range(100):
        pass


def hear_lost_interruptions(again: Callable[[], None]) -> None:
    """Keeps interruptions out of the output, which tells of what nobody has caught.

    One that strikes a finaliser or a callback ends nothing but that: Python ignores what these
    raise, and it is sent again. One that strikes while Jep describes an exception, which is an
    interruption itself, has nothing left to end.

    Args:
        again: sends another one.
    """
    tell_unraisable, tell_uncaught = sys.unraisablehook, sys.excepthook

    def unraisable(event: Any) -> None:
        global _hearing
        if kind_of(event.exc_value) != CANCELLED:
            tell_unraisable(event)
            return
        _hearing = True
        try:
            again()
        finally:
            _hearing = False  # and no other thread gets its turn before this has returned

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if kind_of(error) != CANCELLED:
            tell_uncaught(kind, error, trace)

    sys.unraisablehook, sys.excepthook = unraisable, uncaught


# Self-test ---------------------------------------------------------------------------------------


def copy(source: Any, target: Any) -> None:
    """Copies one tensor into another."""
    target.copy_(source)


def square_gradient(x: Any, gradient: Any) -> None:
    """Writes the gradient of the sum of squares."""
    leaf = x.detach().clone().requires_grad_()
    (leaf**2).sum().backward()
    gradient.copy_(leaf.grad)
