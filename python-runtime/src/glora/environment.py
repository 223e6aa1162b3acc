"""What a result depends on besides its inputs: threads, kernels and versions of this process.

Two processes whose fingerprints are equal compute the same bytes. MKL and oneDNN read their
settings from the environment when torch is imported, so whoever starts the process sets those;
what can be set afterwards is set here.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from importlib import metadata
from typing import Any

from glora.errors import ConfigurationError, EnvironmentNotUsable

__all__ = ["configure", "describe", "require_device"]

# Variables that change which kernel runs, and with it the last bits of a result.
_KERNEL_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_DEFAULT_FPMATH_MODE",
    "KMP_AFFINITY",
    "MKL_CBWR",
    "MKL_DYNAMIC",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_NUM_THREADS",
    "OMP_DYNAMIC",
    "OMP_NUM_THREADS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
)


def configure(threads: int, *, deterministic: bool = True) -> None:
    """Fixes what torch leaves open.

    Denormals are not flushed: torch sets that flag for the calling thread only, so a result would
    depend on which thread computed it.

    Args:
        threads: of torch's operators; the number decides how sums are cut, so it is part of the
            fingerprint.
        deterministic: refuse operators whose result changes from run to run.

    Raises:
        ConfigurationError: not a positive number of threads.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ConfigurationError(
            f"`threads` is {threads!r}, expected an integer from 1 on: set it to the number of "
            "cores to use."
        )
    torch = _torch()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    # Deterministic mode would also write NaN into every new tensor before it is used; no operator
    # here reads what it did not write, and the passes over memory cost time.
    torch.utils.deterministic.fill_uninitialized_memory = False


def describe() -> dict[str, Any]:
    """Returns versions, kernels and threads of this process, and a digest of them.

    Raises:
        EnvironmentNotUsable: torch cannot be imported.
    """
    torch = _torch()
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a subclass of str, which Java would not know
        "transformers": _version("transformers"),
        "peft": _version("peft"),
        "numpy": _version("numpy"),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "mkl": _library(torch, r"(?:Math Kernel Library|MKL) Version (\S+)"),
        "onednn": _library(torch, r"(?:MKL-DNN|oneDNN) v(\S+)"),
        "platform": f"{platform.system()}-{platform.machine()}",
        "cpu": _cpu_model(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "kernel_variables": {
            name: os.environ[name] for name in _KERNEL_VARIABLES if name in os.environ
        },
    }
    text = json.dumps(found, sort_keys=True)
    return {**found, "fingerprint": hashlib.sha256(text.encode()).hexdigest()}


def require_device(device: str, dtype: str) -> None:
    """Checks that models can be trained there.

    Raises:
        ConfigurationError: another device or type than this version trains on.
    """
    if device != "cpu" or dtype != "float32":
        raise ConfigurationError(
            f"The runtime asks for {dtype} on `{device}`, expected float32 on `cpu`, which is "
            "what this version trains on: set runtime.device and runtime.dtype accordingly."
        )


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"torch cannot be imported ({error}): install the packages of requirements.lock into "
            "this Python."
        ) from error
    return torch


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _library(torch: Any, pattern: str) -> str | None:
    match = re.search(pattern, torch.__config__.show())
    return match.group(1) if match else None


def _cpu_model() -> str:
    """MKL and oneDNN choose kernels by the processor, not only by its instruction set."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor()
    return platform.processor()
