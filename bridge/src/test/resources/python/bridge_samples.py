"""Functions for the bridge's contract tests; needs torch only where tensors are involved."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from typing import Any

kept: list[Any] = []
sites: dict[str, Any] = {}


def nothing() -> None:
    """Returns None, the cheapest call."""


def total(first: int, second: int) -> int:
    return first + second


def half(value: float) -> float:
    return value / 2


def echo(value: Any) -> Any:
    return value


def kinds(value: Any) -> Any:
    """Returns the same structure with each leaf replaced by its exact type."""
    if type(value) is dict:
        return {key: kinds(item) for key, item in value.items()}
    if type(value) is list:
        return [kinds(item) for item in value]
    return type(value).__name__


def results() -> dict[str, Any]:
    return {
        "z": 1,
        "a": (1, 2.5, "é\0😀", b"\x00\xff", None, True),
        "nested": [{"deep": [[], {}, -(2**63), 2**63 - 1, float("inf")]}],
    }


def result_of(expression: str) -> Any:
    return eval(expression)


def variable(name: str) -> str | None:
    return os.environ.get(name)


def loaded(module: str) -> bool:
    return module in sys.modules


def thread() -> int:
    return threading.get_ident()


def raise_chain() -> None:
    try:
        try:
            {}["missing"]
        except KeyError as inner:
            raise OSError(2, "No such file", "/x") from inner
    except OSError as outer:
        error = ValueError("outer", 7)
        error.add_note("first note")
        error.add_note("second note")
        raise error from outer


def raise_while_handling() -> None:
    try:
        raise KeyError("first")
    except KeyError:
        raise TypeError("second")  # noqa: B904


def raise_from_none() -> None:
    try:
        raise KeyError("first")
    except KeyError:
        raise TypeError("second") from None


def raise_group() -> None:
    try:
        raise OSError("below")
    except OSError as error:
        deep = ValueError("deep")
        deep.__cause__ = error
    raise ExceptionGroup("all", [KeyError("a"), ExceptionGroup("inner", [deep])])


def raise_circle() -> None:
    first, second = ValueError("first"), TypeError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raise_unprintable() -> None:
    raise Unprintable


def raise_undecodable() -> None:
    raise ValueError("bad \udcff name")


def exit_with(status: int) -> None:
    sys.exit(status)


def recurse(depth: int) -> int:
    return recurse(depth + 1)


def deep(depth: int) -> int:
    """Recurses through C code, which uses the thread's stack and not Python's own."""
    sys.setrecursionlimit(depth * 3)
    value: Any = []
    for _ in range(depth):
        value = [value]
    return len(repr(value))


def memory_error() -> None:
    raise MemoryError("host")


def memory_of_torch() -> None:
    import torch

    torch.empty(1 << 60, dtype=torch.uint8)


def memory_of_cuda() -> None:
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def memory_wrapped() -> None:
    try:
        memory_error()
    except MemoryError as error:
        raise RuntimeError("step 3 failed") from error


def spin_in_a_finaliser(tell: Any) -> None:
    """Ends by a second interruption only: Python ignores what a finaliser raises."""

    class Stubborn:
        def __del__(self) -> None:
            spin(tell)

    Stubborn()
    spin(lambda: None)


def spin_where_errors_are_described(tell: Any) -> None:
    """Is to be struck itself, in the bridge that describes this, and in Jep that does."""

    def spin_once(owner: Any, name: str) -> None:
        plain = vars(owner)[name]

        def spinning(*args: Any) -> None:
            setattr(owner, name, plain)
            spin(lambda: None)

        setattr(owner, name, spinning)

    spin_once(traceback, "extract_tb")
    spin_once(traceback.TracebackException, "from_exception")
    spin(tell)


def spin(begun: Any) -> None:
    """Runs until interrupted, as code that catches every Exception on its way."""
    begun()
    while True:
        try:
            total(1, 2)
        except Exception:
            kept.append("swallowed")


def spin_and_convert(begun: Any) -> None:
    begun()
    try:
        while True:
            pass
    finally:
        raise RuntimeError("while cleaning up")


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "awake"


def count(limit: int) -> int:
    done = 0
    for _ in range(limit):
        done += 1
    return done


def speak(text: str) -> None:
    print(text)
    print("warned: " + text, file=sys.stderr)
    other = threading.Thread(target=print, args=("from a thread",))
    other.start()
    other.join()
    print("10 %\r50 %\r100 %")
    print("no end yet", end="")


# Tensors -----------------------------------------------------------------------------------------


def describe(tensor: Any) -> list[Any]:
    return [str(tensor.dtype), list(tensor.shape), tensor.data_ptr(), tensor.is_contiguous()]


def values(tensor: Any) -> list[Any]:
    return tensor.flatten().tolist()


def write(tensor: Any, numbers: list[Any]) -> None:
    import torch

    tensor.copy_(torch.tensor(numbers, dtype=tensor.dtype).view(tensor.shape))


def keep(tensor: Any) -> None:
    kept.append(tensor.flatten()[1:2])


def keep_in_cycle(tensor: Any) -> None:
    cycle: list[Any] = [tensor]
    cycle.append(cycle)


def let_go() -> None:
    kept.clear()


def fail_with(tensor: Any) -> None:
    raise ValueError(tensor)


def bind(name: str, tensors: dict[str, Any]) -> None:
    sites[name] = tensors


def unbind(name: str) -> None:
    del sites[name]


def step(name: str) -> None:
    bound = sites[name]
    bound["y"].copy_(bound["x"] * 2 + bound["parts"][0])


def gradient(x: Any, result: Any) -> None:
    weight = x.clone().requires_grad_()
    (weight**2).sum().backward()
    result.copy_(weight.grad)


def shape_and_elements(tensor: Any, places: list[int]) -> list[Any]:
    flat = tensor.view(-1)
    return [list(tensor.shape), [flat[place].item() for place in places]]


def double_elements(tensor: Any, places: list[int]) -> None:
    flat = tensor.view(-1)
    for place in places:
        flat[place] *= 2


class CudaStandIn:
    """CUDA's runtime as far as pinning uses it: answers with a status and notes its calls."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.calls: list[list[Any]] = []

    def cudaHostRegister(self, address: int, size: int, flags: int) -> int:
        self.calls.append(["register", address, size])
        return self.status

    def cudaHostUnregister(self, address: int) -> int:
        self.calls.append(["unregister", address])
        return 0


def stand_in_for_cuda(status: int) -> None:
    import torch

    sites["cuda"] = (torch.cuda.is_available, torch.cuda.cudart, CudaStandIn(status))
    torch.cuda.is_available = lambda: True
    torch.cuda.cudart = lambda: sites["cuda"][2]


def cuda_calls() -> list[Any]:
    return sites["cuda"][2].calls


def end_of_stand_in() -> None:
    import torch

    torch.cuda.is_available, torch.cuda.cudart, _ = sites.pop("cuda")


def apply(function: Any, *args: Any) -> Any:
    return function(*args)


def apply_many(function: Any, times: int) -> int:
    return sum(function(i) for i in range(times))


def keep_function(function: Any) -> None:
    kept.append(function)


def call_kept(*args: Any) -> Any:
    return kept[-1](*args)


def apply_and_tell(function: Any) -> list[Any]:
    try:
        return ["returned", function()]
    except Exception as error:
        return [type(error).__name__, str(error), error.java_class]


def apply_on_a_thread(function: Any) -> str:
    said = []

    def run() -> None:
        try:
            said.append(f"returned {function()}")
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")

    other = threading.Thread(target=run)
    other.start()
    other.join()
    return said[0]


def factorial(n: int, function: Any) -> int:
    """Recursion through Java and back."""
    return 1 if n == 0 else n * function(n - 1)


def swallow_interruptions(flag: Any, times: int) -> str:
    """Goes on after the first interruptions, as careless code does."""
    flag[0] = 1
    for _ in range(times):
        try:
            while True:
                pass
        except BaseException:
            pass
    return "swallowed"


def bits_from_floats(floats: Any, bits: Any, dtype: str) -> None:
    import torch

    bits.copy_(floats.to(getattr(torch, dtype)).view(torch.int16))


def floats_from_bits(bits: Any, floats: Any, dtype: str) -> None:
    import torch

    floats.copy_(bits.view(getattr(torch, dtype)).to(torch.float32))


def break_copying() -> None:
    """Makes the bridge's self-test see memory that is not shared."""
    import torch

    sites["copy_"] = torch.Tensor.copy_
    torch.Tensor.copy_ = lambda self, other: self


def mend_copying() -> None:
    import torch

    torch.Tensor.copy_ = sites.pop("copy_")
