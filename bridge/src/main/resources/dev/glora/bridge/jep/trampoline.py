"""The Python side of the bridge's jep backend, run in the interpreter at its start.

Jep keeps little of a Python exception (type and first argument), lets ``sys.exit`` end the JVM,
hands Java collections over as proxies and loses the order of dicts. So every call from Java enters
through an ``entry`` made here: it catches everything, and what cannot cross as a scalar crosses as
nested lists whose first element tells what they are: LIST, DICT or FAILURE.

Java sends collections the other way as a *program*, one character for each thing on the way
through the arguments, and their scalars as a flat row of values; ``decode`` builds them anew.

Must not import numpy or torch: variables such as OMP_NUM_THREADS are read when these load, and much
of what Java asks needs neither.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import io
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

LIST, DICT, FAILURE = 0, 1, 2
ERROR, MEMORY, CANCELLED = 0, 1, 2

MAX_FRAMES = 500
MAX_CAUSES = 32
ENOMEM = 12


class Interrupted(BaseException):
    """Raised in running code by ``interrupt``; no ``except Exception`` keeps it."""


# Calls -------------------------------------------------------------------------------------------


def resolve(module: str, name: str) -> Any:
    """Imports a function and returns its entry for scalar arguments, or a failure.

    The entry for encoded arguments is the attribute ``coded`` of what is returned.
    """
    try:
        target: Any = importlib.import_module(module)
        for part in name.split("."):
            target = getattr(target, part)
        if not callable(target):
            raise TypeError(f"{module}.{name} is {type_name(type(target))}, which cannot be called")
        return entry(target, f"{module}.{name}")
    except BaseException as error:  # noqa: BLE001 - nothing may reach Jep
        return failure(error)


def entry(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    """Wraps a function so that nothing is raised into Jep and every result can cross."""

    def plain(*args: Any) -> Any:
        try:
            result = function(*args)
            # The two results of hot functions; all else is left to encode.
            if result is None or type(result) is float:
                return result
            return encode(result, label, None)
        except BaseException as error:  # noqa: BLE001 - nothing may reach Jep
            return failure(error)

    def coded(program: str, *values: Any) -> Any:
        try:
            return encode(function(*decode(program, values)), label, None)
        except BaseException as error:  # noqa: BLE001 - nothing may reach Jep
            return failure(error)

    plain.coded = coded  # type: ignore[attr-defined]
    return plain


def decode(program: str, values: tuple[Any, ...]) -> list[Any]:
    """Builds the arguments that Java described.

    ``v`` takes one value, ``b`` a string of Latin-1 that stands for bytes, ``t`` a tensor; ``[``
    and ``]``, ``{`` and ``}`` enclose lists and dicts, keys and items of a dict in turn.
    """
    value = iter(values)
    outer: list[list[Any]] = []
    here: list[Any] = []
    for step in program:
        if step == "v":
            here.append(next(value))
        elif step == "t":
            here.append(tensor(value))
        elif step == "b":
            here.append(next(value).encode("latin-1"))
        elif step in "[{":
            outer.append(here)
            here = []
        else:
            done = here if step == "]" else dict(zip(here[::2], here[1::2], strict=True))
            here = outer.pop()
            here.append(done)
    return here


def encode(value: Any, label: str, path: tuple[Any, Any] | None) -> Any:
    """Makes a result crossable; ``path`` is (the enclosing path, key), for the message only."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        number = int(value)
        if not -(2**63) <= number < 2**63:
            raise TypeError(
                f"{label} returned the int {number}{place(path)}, "
                "which needs more than the 64 bits of a Java long: return it as a str"
            )
        return number
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, list | tuple):
        return [LIST, *[encode(item, label, (path, i)) for i, item in enumerate(value)]]
    if isinstance(value, dict):
        flat: list[Any] = [DICT]
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(
                    f"{label} returned a dict{place(path)} with a key of type "
                    f"{type_name(type(key))}: only str keys cross to Java"
                )
            flat.append(str(key))
            flat.append(encode(item, label, (path, key)))
        return flat
    raise TypeError(
        f"{label} returned {type_name(type(value))}{place(path)}, which cannot cross to Java: "
        "return None, bool, int, float, str, bytes, list, tuple or dict, and "
        "write tensors into those of Java"
    )


def place(path: tuple[Any, Any] | None) -> str:
    """Says where in a result something stands, as `` at ['a'][3]``."""
    keys = []
    while path is not None:
        path, key = path
        keys.append(f"[{key!r}]")
    return " at " + "".join(reversed(keys)) if keys else ""


# Failures ----------------------------------------------------------------------------------------


def failure(error: BaseException) -> list[Any]:
    """Tells all about an exception: [FAILURE, kind, description]."""
    try:
        return [FAILURE, kind_of(error), describe(error, set())]
    except MemoryError:
        return [FAILURE, MEMORY, [type_name(type(error)), "", "", [], [], None]]


def describe(error: BaseException, seen: set[int]) -> list[Any]:
    """Returns [type, message, traceback, [file, function, line, …], notes, cause or None]."""
    seen.add(id(error))
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001 - a user's __str__
        message = f"<str() of it raised {type_name(type(broken))}>"
    trace = own_frames_removed(error.__traceback__)
    frames: list[Any] = []
    for frame, line in traceback.walk_tb(trace):
        code = frame.f_code
        frames += [text(code.co_filename), text(code.co_qualname), line or 0]
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    follow = cause is not None and id(cause) not in seen and len(seen) < MAX_CAUSES
    return [
        type_name(type(error)),
        text(message),
        text("".join(traceback.format_exception(type(error), error, trace))),
        frames[-3 * MAX_FRAMES :],
        [text(str(note)) for note in getattr(error, "__notes__", None) or ()],
        describe(cause, seen) if cause is not None and follow else None,
    ]


def own_frames_removed(trace: Any) -> Any:
    """Skips the entry's frame and those of the import system, as Python itself does."""
    skipped = (__file__, importlib.__file__)
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file not in skipped and not file.startswith("<frozen importlib"):
            break
        trace = trace.tb_next
    return trace


def kind_of(error: BaseException) -> int:
    """Tells what began an error, seeing through ``raise … from …``.

    An interruption also counts where an error was only raised while handling it.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    explicit = True
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, Interrupted):
            return CANCELLED
        if explicit and out_of_memory(link):
            return MEMORY
        explicit = explicit and link.__cause__ is not None
        link = link.__cause__ or link.__context__
    return ERROR


def out_of_memory(error: BaseException) -> bool:
    """Tells whether this is one of the many shapes in which memory runs out."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == ENOMEM
    if any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    if not isinstance(error, RuntimeError):
        return False
    message = str(error).lower()
    return any(
        phrase in message
        for phrase in (
            "out of memory",
            "not enough memory",
            "can't allocate memory",
            "cannot allocate memory",
            "failed to allocate memory",
            "cudaerrormemoryallocation",
            "alloc_failed",
            "bad_alloc",
        )
    )


def type_name(kind: type) -> str:
    """Returns a type's name with its module, builtins without."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def text(value: str) -> str:
    """Replaces what is no character (lone surrogates, as in undecodable file names)."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


# Tensors -----------------------------------------------------------------------------------------

# The exporter of each tensor's memory that torch still holds. A torch storage keeps its exporter
# until the last view of it is gone, so this, and no torch object, tells whether memory is in use.
exporters: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def tensor(value: Iterator[Any]) -> Any:
    """Makes a torch tensor on Java's memory from: id, buffer, dtype's name, rank, sizes."""
    import torch

    number, buffer = next(value), next(value)
    dtype = getattr(torch, next(value))
    shape = [next(value) for _ in range(next(value))]
    if 0 in shape:
        return torch.empty(shape, dtype=dtype)  # frombuffer takes no empty memory
    exporter = exporters.get(number)
    if exporter is None:
        size = memoryview(buffer).nbytes
        exporter = (ctypes.c_char * size).from_buffer(
            buffer
        )  # holds the buffer, and so Java's memory
        exporters[number] = exporter
    return torch.frombuffer(exporter, dtype=dtype).view(shape)


def exported(*numbers: int) -> list[int]:
    """Returns those of these tensors whose memory is still in use, as an encoded list."""
    if any(number in exporters for number in numbers):
        gc.collect()  # tracebacks and autograd graphs make cycles
    return [LIST, *[number for number in numbers if number in exporters]]


# Interruption ------------------------------------------------------------------------------------

_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = (ctypes.c_ulong, ctypes.py_object)
_raise_in.restype = ctypes.c_int
_owner = threading.get_ident()


def interrupt() -> None:
    """Makes the owner thread raise Interrupted at its next bytecode; called on another thread."""
    _raise_in(_owner, Interrupted)


def drain() -> None:
    """Gives an Interrupted that came too late the time to strike here; Java ignores it."""
    for _ in range(100):
        pass


# Output ------------------------------------------------------------------------------------------


class Lines(io.TextIOBase):
    """A text stream that gives whole lines to Java.

    Of a line that is rewritten in place (progress bars), only the last state is kept.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, sink: Callable[[str], None]) -> None:
        self._sink = sink
        self._begun = ""
        self._lock = threading.RLock()

    def writable(self) -> bool:
        """Returns True."""
        return True

    def fileno(self) -> int:
        """Returns standard error, for child processes that are given this stream."""
        return 2

    def write(self, s: str) -> int:
        """Sends the lines that this text completes and returns its length."""
        with self._lock:
            *lines, self._begun = (self._begun + s).split("\n")
            self._begun = latest(self._begun)
            for line in lines:
                self._send(line)
        return len(s)

    def finish(self) -> None:
        """Sends a line that has no end yet."""
        with self._lock:
            line, self._begun = self._begun, ""
            if line:
                self._send(line)

    def _send(self, line: str) -> None:
        self._sink(text(latest(line).rstrip("\r")))


def latest(line: str) -> str:
    """Drops what a carriage return overwrites; one at the end overwrites nothing yet."""
    body = line.rstrip("\r")
    return line[body.rfind("\r") + 1 :]


def redirect(out: Callable[[str], None], err: Callable[[str], None]) -> None:
    """Sends ``sys.stdout`` and ``sys.stderr`` to Java."""
    sys.stdout = sys.__stdout__ = Lines(out)  # type: ignore[misc,assignment]
    sys.stderr = sys.__stderr__ = Lines(err)  # type: ignore[misc,assignment]


def finish_lines() -> None:
    """Sends lines that have no end yet, if the streams are still ours."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Lines):
            stream.finish()
