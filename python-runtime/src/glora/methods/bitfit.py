"""BitFit: the biases of the body, and the head (Ben Zaken et al. 2022)."""

from __future__ import annotations

from glora.methods.full import FullMethod

__all__ = ["BitFitMethod"]


class BitFitMethod(FullMethod):
    """All biases, those of the norms too. Settings: `dropout`."""

    name = "bitfit"

    def _trains(self, name: str) -> bool:
        return name.rpartition(".")[2] == "bias"
