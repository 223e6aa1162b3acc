"""The Python side of the bridge, run in the interpreter at its start, as module _glora_bridge.

Embeddings keep little of a Python exception (Jep: type and first argument), let ``sys.exit`` end
the JVM, hand Java collections over as proxies and lose the order of dicts. So every call from Java
enters through an ``entry`` made here: it catches everything, and what cannot cross as a scalar
crosses as nested lists whose first element tells what they are: LIST, DICT or FAILURE.

Java sends collections the other way as a *program*, one character for each thing on the way
through the arguments, and their scalars as a flat row of values; ``decode`` builds them anew.

A backend adds to this module what is its own, among it ``takers`` of tensors.

Must not import numpy or torch: variables such as OMP_NUM_THREADS are read when these load, and much
of what Java asks needs neither.
"""

from __future__ import annotations

import importlib
import io
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LIST, DICT, FAILURE = 0, 1, 2
ERROR, MEMORY, CANCELLED = 0, 1, 2

MAX_FRAMES = 500
MAX_ERRORS = 64
ENOMEM = 12

# The frames of the bridge, and of the import system, which Python leaves out itself.
OWN_FILES = ("<glora-bridge", importlib.__file__, "<frozen importlib")

_owner = threading.get_ident()


# What a backend adds to ``decode``: by step, a function that takes what it needs of the values.
takers: dict[str, Callable[[Iterator[Any]], Any]] = {}


class Interrupted(BaseException):
    """Raised in running code by an interruption; no ``except Exception`` keeps it."""


class JavaError(Exception):
    """Raised where a Java function that was called threw.

    Attributes:
        java_class: the exception's class in Java.
        number: under which Java keeps the exception itself.
    """

    def __init__(self, java_class: str, message: str, number: int) -> None:
        super().__init__(message)
        self.java_class = java_class
        self.number = number


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


def decode(program: str, values: Iterable[Any]) -> list[Any]:
    """Builds the arguments that Java described.

    ``v`` takes one value, ``b`` a string of Latin-1 that stands for bytes, ``f`` a Java function,
    ``t`` a tensor in memory, ``m`` one in a file; ``[`` and ``]``, ``{`` and ``}`` enclose lists
    and dicts, keys and items of a dict in turn.
    """
    value = iter(values)
    outer: list[list[Any]] = []
    here: list[Any] = []
    for step in program:
        if step == "v":
            here.append(next(value))
        elif step in takers:
            here.append(takers[step](value))
        elif step == "b":
            here.append(next(value).encode("latin-1"))
        elif step == "f":
            here.append(java_function(next(value)))
        elif step in "[{":
            outer.append(here)
            here = []
        else:
            done = here if step == "]" else dict(zip(here[::2], here[1::2], strict=True))
            here = outer.pop()
            here.append(done)
    return here


def java_function(java: Any) -> Callable[..., Any]:
    """Makes a Python function of a Java one, which takes encoded arguments.

    It answers with a program and its values, or with ``!``, a number, a class and a message for
    what it threw.
    """

    def call(*args: Any) -> Any:
        if threading.get_ident() != _owner:
            raise RuntimeError(
                "a Java function was called on a thread of Python's own, where it could only wait "
                "for the thread that called Python: call it on that one"
            )
        program, *values = java.call(encode(args, "the caller of a Java function", None))
        if program == "!":
            number, java_class, message = values
            raise JavaError(java_class, message, number)
        return decode(program, values)[0]

    return call


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
    """Tells all about an exception: [FAILURE, kind, descriptions], its own first."""
    try:
        return [FAILURE, kind_of(error), describe(error)]
    except MemoryError:
        return [FAILURE, MEMORY, [[type_name(type(error)), "", "", [], [], -1, -1, False, [], -1]]]


def describe(error: BaseException) -> list[list[Any]]:
    """Describes an exception and those around it, which refer to each other by their index.

    Each is [type, message, traceback, [file, function, line, …], notes, index of its cause or -1,
    index of its context or -1, whether that is shown, indices of a group's parts, number of the
    Java exception that it stands for or -1].
    """
    found: dict[int, int] = {id(error): 0}
    errors = [error]

    def index(other: BaseException | None) -> int:
        if other is None:
            return -1
        if id(other) not in found:
            if len(errors) == MAX_ERRORS:
                return -1
            found[id(other)] = len(errors)
            errors.append(other)
        return found[id(other)]

    described = []
    for one in errors:  # which grows on the way
        frames: list[Any] = []
        for frame, line in traceback.walk_tb(one.__traceback__):
            code = frame.f_code
            if not code.co_filename.startswith(OWN_FILES):
                frames += [text(code.co_filename), text(code.co_qualname), line or 0]
        parts = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        described.append(
            [
                type_name(type(one)),
                message_of(one),
                traceback_of(one),
                frames[-3 * MAX_FRAMES :],
                [text(str(note)) for note in getattr(one, "__notes__", None) or ()],
                index(one.__cause__),
                index(one.__context__),
                one.__cause__ is None and not one.__suppress_context__,
                [number for number in map(index, parts) if number >= 0],
                one.number if isinstance(one, JavaError) else -1,
            ]
        )
    return described


def message_of(error: BaseException) -> str:
    """Returns ``str(error)``, whatever that does."""
    try:
        return text(str(error))
    except Exception as broken:  # noqa: BLE001 - a user's __str__
        return f"<str() of it raised {type_name(type(broken))}>"


def traceback_of(error: BaseException) -> str:
    """Returns what Python would print of an exception, without the bridge's own frames."""
    printed = traceback.TracebackException.from_exception(error)
    left: list[traceback.TracebackException | None] = [printed]
    seen = set()
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack[:] = [f for f in one.stack if not f.filename.startswith(OWN_FILES)]
        left += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]
    return text("".join(printed.format()))


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


# Self-test ---------------------------------------------------------------------------------------


def spin() -> None:
    """Never ends."""
    while True:
        pass


def apply(function: Callable[..., Any], *args: Any) -> Any:
    """Calls what it is given."""
    return function(*args)
