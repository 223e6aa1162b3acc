"""What the sandbox adds to the trampoline: refusals that Python code can catch; run in its module.

What GraalPy forbids by itself is forbidden without this as well. But some of it ends as an internal
error, which no ``except`` sees, or says that a module does not exist.
"""

from __future__ import annotations

import _posixsubprocess
import _thread
import os
import posix
import sys
import threading
from typing import Any, NoReturn

NATIVE = {
    *("_ctypes", "_sqlite3", "bitsandbytes", "jep", "numpy", "pandas", "peft", "pyarrow"),
    *("safetensors", "scipy", "sklearn", "tokenizers", "torch", "torchvision", "transformers"),
}


class NoNativeModules:
    """Says of what needs native code where it would run."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Refuses native modules and knows no others.

        Raises:
            ImportError: the module needs native code.
        """
        if name in NATIVE:
            raise ImportError(
                f'the module "{name}" needs native code, which the backend "graalpy" does not '
                'load: use the backend "jep", or do without it',
                name=name,
            )


def no_thread(*args: Any, **options: Any) -> NoReturn:
    """Refuses a thread."""
    raise RuntimeError("the sandbox has no threads: do the work in the call itself")


def no_process(*args: Any, **options: Any) -> NoReturn:
    """Refuses a process."""
    raise PermissionError("the sandbox starts no processes")


def exit_call(status: int = 0) -> NoReturn:
    """Ends the call as ``sys.exit`` does: there is no process to end."""
    raise SystemExit(status)


def no_signal(*args: Any, **options: Any) -> NoReturn:
    """Refuses a signal."""
    raise PermissionError("the sandbox has no signals")


def close_doors(folders: list[str]) -> None:
    """Replaces what would end as an internal error, and puts the module path in its place."""
    import signal

    sys.path[:0] = folders
    sys.meta_path.append(NoNativeModules)
    _thread.start_new_thread = _thread.start_new = no_thread
    threading._start_new_thread = no_thread  # type: ignore[attr-defined]
    os.system = posix.system = _posixsubprocess.fork_exec = no_process
    os._exit = posix._exit = exit_call
    for name in ("alarm", "setitimer", "raise_signal", "signal"):
        setattr(signal, name, no_signal)
    os.environ.pop("UNSAFE_PYO3_SKIP_VERSION_CHECK", None)


def version() -> str:
    """Returns the version of the language."""
    return ".".join(map(str, sys.version_info[:3]))
