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

__all__ = ["PRECISIONS", "configure", "describe", "require_precision", "resolve_device"]

# What `runtime.precision` can be.
PRECISIONS = ("float32", "bfloat16", "autocast")

_DEVICE = re.compile(r"auto|cpu|mps|cuda(?::(\d+))?")

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
    # cuBLAS is deterministic only with a workspace of fixed size, which it reads when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch = _torch()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    # Deterministic mode would also write NaN into every new tensor before it is used; no operator
    # here reads what it did not write, and the passes over memory cost time.
    torch.utils.deterministic.fill_uninitialized_memory = False


def describe(device: str = "cpu") -> dict[str, Any]:
    """Returns versions, kernels and threads of this process, and a digest of them.

    Args:
        device: as `resolve_device` takes it; `device` in the answer is the one that it means.

    Raises:
        ConfigurationError: no name of a device.
        EnvironmentNotUsable: torch cannot be imported, or the device is not there.
    """
    device = resolve_device(device)
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
    if device != "cpu":
        found["accelerator"] = _accelerator(torch, device)
    text = json.dumps(found, sort_keys=True)
    return {
        **found,
        "device": device,
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
    }


def _accelerator(torch: Any, device: str) -> dict[str, Any]:
    if device == "mps":
        return {"kind": "mps", "system": platform.mac_ver()[0]}
    return {
        "kind": "cuda",
        "name": torch.cuda.get_device_name(device),
        "capability": list(torch.cuda.get_device_capability(device)),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def resolve_device(name: str) -> str:
    """Returns the torch device that `runtime.device` means: `cpu`, `cuda:N` or `mps`.

    Args:
        name: of a device, or `auto` for the first of `cuda:0`, `mps` and `cpu` that is there.

    Raises:
        ConfigurationError: no name of a device.
        EnvironmentNotUsable: this machine, or this torch, has no such device.
    """
    match = _DEVICE.fullmatch(name)
    if not match:
        raise ConfigurationError(
            f"The runtime asks for the device {name!r}, expected auto, cpu, cuda:N or mps: set "
            "runtime.device."
        )
    if name == "cpu":
        return name
    torch = _torch()
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    metal = torch.backends.mps.is_available()
    if name == "auto":
        return "cuda:0" if found else "mps" if metal else "cpu"
    if name == "mps":
        if not metal:
            raise EnvironmentNotUsable(
                "The runtime asks for the device `mps`, which this torch does not find here: set "
                "runtime.device to auto or cpu, or install a torch for Apple's GPUs."
            )
        return name
    number = int(match[1] or 0)
    if number >= found:
        raise EnvironmentNotUsable(
            f"The runtime asks for the device `{name}` and this torch ({torch.__version__}) finds "
            f"{found} CUDA devices: set runtime.device to auto or cpu, or install a torch for CUDA "
            "and the driver that it needs."
        )
    return f"cuda:{number}"


def require_precision(precision: str, device: str) -> None:
    """Checks that models can be trained so.

    Args:
        precision: one of `PRECISIONS`.
        device: as `resolve_device` returns it.

    Raises:
        ConfigurationError: no precision.
        EnvironmentNotUsable: the device has no bfloat16.
    """
    if precision not in PRECISIONS:
        raise ConfigurationError(
            f"The runtime asks for the precision {precision!r}, expected one of "
            f"{', '.join(PRECISIONS)}: set runtime.precision."
        )
    if precision != "float32" and device.startswith("cuda"):
        torch = _torch()
        # Without "emulation", which computes in float32 and only rounds.
        with torch.cuda.device(device):
            able = torch.cuda.is_bf16_supported(including_emulation=False)
        if not able:
            raise EnvironmentNotUsable(
                f"The runtime asks for {precision} and {torch.cuda.get_device_name(device)} has no "
                "bfloat16 (it came with compute capability 8.0): set runtime.precision to float32."
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
