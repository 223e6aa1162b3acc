"""What these libraries need before anything imports them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import torch

# Kept for the life of the process: with it the declarations below would go.
_declared: list[torch.library.Library] = []


def _declare_operators(package: Path) -> None:
    """Declares torchvision's operators, which timm never calls.

    The package index has torchvision for CUDA alone. Beside a torch without CUDA its library is
    not loaded, and its import ends at operators that nobody has declared.
    """
    described = (package / "_meta_registrations.py").read_text(encoding="utf-8")
    library = torch.library.Library("torchvision", "DEF")
    for name in set(re.findall(r'register_(?:meta\("|fake\("torchvision::)(\w+)"', described)):
        library.define(f"{name}(Tensor unused) -> Tensor")
    _declared.append(library)


_found = importlib.util.find_spec("torchvision")
if _found is not None and _found.origin is not None and torch.version.cuda is None:
    _declare_operators(Path(_found.origin).parent)
