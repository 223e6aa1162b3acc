"""AdaLoRA by PEFT: ranks are cut on the way by a budget over all sites (Zhang et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open

from glora.errors import ConfigurationError
from glora.methods.base import Counts
from glora.methods.peft_method import ADAPTER, PeftMethod, positive, whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

__all__ = ["AdaLoRAMethod"]

_FACTORS = ("lora_A", "lora_B", "lora_E")


class AdaLoRAMethod(PeftMethod):
    """W0 + alpha/initial_rank · B·diag(E)·A, with A and B pulled towards orthogonal rows.

    For the first tenth of the steps all sites have the initial rank; then the budget falls as a
    cubic to `rank` times the sites; for the last three tenths it is fixed. After each step PEFT's
    allocator zeroes the least important triplets.

    Settings: `rank`, the average at the end; `initial_rank`; `alpha`; `orthogonal_weight`; `steps`
    of the whole training; and those of `PeftMethod`.
    """

    name = "adalora"

    def _config(self, targets: list[str], settings: Mapping[str, Any]) -> Any:
        from peft import AdaLoraConfig

        rank = positive(settings, "rank", 4, "AdaLoRA's rank")
        initial = positive(settings, "initial_rank", 6, "AdaLoRA's initial rank")
        steps = int(settings.get("steps", 0))
        if initial <= rank:
            raise ConfigurationError(
                f"AdaLoRA's initial rank is {initial} and its rank at the end {rank}, expected "
                "more at the beginning than at the end."
            )
        if steps < 10:
            raise ConfigurationError(
                f"AdaLoRA has {steps} steps, expected at least 10 to cut ranks on the way: raise "
                "`training.steps`."
            )
        return AdaLoraConfig(
            target_r=rank,
            init_r=initial,
            lora_alpha=whole(float(settings.get("alpha", 8))),
            orth_reg_weight=float(settings.get("orthogonal_weight", 0.5)),
            tinit=steps // 10,
            tfinal=3 * steps // 10,
            deltaT=1,
            total_step=steps,
            target_modules=targets,
        )

    @property
    def _tuner(self) -> Any:
        return self._peft.base_model

    @property
    def _settings(self) -> Any:
        return self._peft.peft_config[ADAPTER]

    def _reset_layer(self, layer: Any) -> None:
        layer.reset_lora_parameters(ADAPTER)

    def reset_weights(self, seed: int) -> None:
        """Draws anew, and forgets what was cut."""
        super().reset_weights(seed)
        self._tuner.rankallocator.reset_ipt()
        self._settings.rank_pattern = None

    def penalty(self) -> Tensor:
        """Returns the mean distance of A·Aᵀ and Bᵀ·B from the identity, weighted."""
        distances = []
        for layer in self._layers.values():
            for factor in (layer.lora_A[ADAPTER], layer.lora_B[ADAPTER].T):
                identity = torch.eye(factor.shape[0], device=factor.device)
                distances.append(torch.linalg.matrix_norm(factor @ factor.T - identity))
        mean: Tensor = torch.stack(distances).mean()
        return mean * float(self._settings.orth_reg_weight)

    def after_step(self, step: int) -> None:
        """Has PEFT's allocator weigh the triplets and zero those over the budget."""
        self._tuner.update_and_allocate(step)

    def _kept(self) -> Tensor:
        """Returns which triplets are left: [sites, initial rank]."""
        pattern = self._settings.rank_pattern
        kept = torch.ones(len(self._layers), self._settings.init_r, dtype=torch.bool)
        for row, site in enumerate(self._layers):
            for name in (f"{site}.lora_E.{ADAPTER}", f"{site}.lora_E"):  # cut by PEFT when it saves
                if pattern and name in pattern:
                    kept[row] = torch.tensor(pattern[name], dtype=torch.bool)
        return kept

    def state(self) -> dict[str, Tensor]:
        """Returns the allocator's averages by parameter, and which triplets are left."""
        allocator = self._tuner.rankallocator
        tensors = {"kept": self._kept()}
        for name, parameter in self._factors().items():
            for kind in ("exp_avg_ipt", "exp_avg_unc"):
                known = getattr(allocator, kind).get(name)
                tensors[f"{kind}.{name}"] = torch.zeros_like(parameter) if known is None else known
        return tensors

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes what `state` returned."""
        allocator = self._tuner.rankallocator
        allocator.reset_ipt()
        for name, parameter in self._factors().items():
            allocator.ipt[name] = torch.zeros_like(parameter)
            for kind in ("exp_avg_ipt", "exp_avg_unc"):
                getattr(allocator, kind)[name] = tensors[f"{kind}.{name}"]
        kept = tensors["kept"]
        self._settings.rank_pattern = (
            None
            if bool(kept.all())
            else {
                f"{site}.lora_E.{ADAPTER}": row.tolist()
                for site, row in zip(self._layers, kept, strict=True)
            }
        )

    def _factors(self) -> dict[str, Tensor]:
        return {
            f"{site}.{factor}.{ADAPTER}": getattr(layer, factor)[ADAPTER].detach()
            for site, layer in self._layers.items()
            for factor in _FACTORS
        }

    def counts(self) -> Counts:
        """Counts the triplets that are left; folded, each diagonal entry goes into its row of A."""
        sizes = [layer.in_features + layer.out_features for layer in self._layers.values()]
        ranks = self._kept().sum(1).tolist()
        folded = sum(rank * size for rank, size in zip(ranks, sizes, strict=True))
        return Counts(stored=folded + sum(ranks), folded=folded)

    def _written(self, file: Path) -> int:
        with safe_open(file, framework="pt") as tensors:
            return sum(
                tensors.get_tensor(name).numel()
                for name in tensors.keys()  # noqa: SIM118
                if any(f".{factor}" in name for factor in _FACTORS)
            )
