"""The one training step of all methods, over memory that someone else owns.

The caller (Java, or a test) owns the loop and the buffers. It writes the codes of a structure,
the rows of a batch and the rates into the buffers and calls `step`; loss and logits appear in the
buffers. Nothing random is carried from step to step: what a step does follows from the weights,
the optimiser's state and what the buffers hold, so a run that was stopped and loaded again goes
on bit for bit as if it had not been (on one environment fingerprint, see `environment`).
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from glora import storage
from glora.buffers import Buffers
from glora.candidates import Candidates
from glora.checkpoint import load_tensors, save_tensors, storage_errors
from glora.errors import ConfigurationError, DivergedError, StorageError
from glora.losses import Target
from glora.optimizer import FlatAdamW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from glora import candidates
    from glora.buffers import Column, Plan
    from glora.methods.base import Method

__all__ = ["AdapterExport", "Trainer"]

_METHOD = "method."  # before the names of the method's own tensors in a saved state


@dataclass(frozen=True)
class AdapterExport:
    """What `Trainer.export_adapter` wrote.

    Attributes:
        file: name of the file that holds the adapter's tensors.
        entries: entries of the adapter in it, the head not counted.
        files: names of all files, sorted.
    """

    file: str
    entries: int
    files: tuple[str, ...]


class Trainer:
    """Trains, evaluates and saves one method.

    Args:
        method: model and trainable entries.
        columns: of the batches.
        classes: width of the logits.
        target: what a row's label is; a class when omitted.
        device: where the method's model is.
        autocast: whether the model's matrix products are computed in bfloat16.
        accumulate: micro-batches that a batch to train on is cut into.
        micro_batch: rows that are computed at once, at most, in training and evaluation; 0 for as
            many as are bound.

    Raises:
        ConfigurationError: no positive number of micro-batches, or a negative one of rows.
    """

    def __init__(
        self,
        method: Method,
        columns: Sequence[Column],
        classes: int,
        target: Target | None = None,
        *,
        device: str = "cpu",
        autocast: bool = False,
        accumulate: int = 1,
        micro_batch: int = 0,
    ) -> None:
        if accumulate < 1 or micro_batch < 0:
            raise ConfigurationError(
                f"A batch is to be cut into {accumulate} micro-batches of at most {micro_batch} "
                "rows, expected at least 1 and 0: set training.accumulate."
            )
        self.method = method
        self._target = target or Target()
        self._device = device
        self._autocast = autocast
        self._accumulate = accumulate
        self._micro_batch = micro_batch
        self.optimizer = FlatAdamW(method.entries())
        self._columns = tuple(columns)
        self._classes = classes
        self._buffers: Buffers | None = None
        self._codes: bytes | None = None
        self._candidates: Candidates | None = None
        self._merged = False
        # False while an update is half done: an exception there (a cancel, no memory) leaves
        # weights that belong to no step, and these must not be saved.
        self._whole = True

    def bind(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes the buffers for all further calls; see `Buffers` for names and types.

        Raises:
            ConfigurationError: a buffer is missing, unknown, or of another type or size.
        """
        self._buffers = Buffers.check(
            tensors, self._columns, len(self.method.sites), self._classes, self._target
        )

    def step(self) -> None:
        """Trains on the bound batch: `loss[0]` = mean loss, `loss[1]` = gradient norm, `logits`.

        Raises:
            DivergedError: loss or gradient is not finite; the weights are as before the step.
            ConfigurationError: nothing is bound, or the method was merged.
        """
        buffers = self._ready("step")
        plan = buffers.plan()
        norm = self._backward(buffers, plan)
        loss = float(buffers.loss[0])
        if not math.isfinite(loss) or not math.isfinite(norm):
            what = f"loss {loss}" if not math.isfinite(loss) else f"gradient norm {norm}"
            raise DivergedError(
                f"Training diverged at step {plan.step} ({what}; the weights are those before it): "
                "lower the learning rate, raise `warmup_steps` or set `clip_norm`."
            )
        rates = buffers.rates.tolist()
        buffers.loss[1] = norm
        if 0 < rates[3] < norm:
            self.optimizer.scale_gradients(rates[3] / (norm + 1e-6))
        self._whole = False
        multipliers = {**self.method.multipliers(), "head": rates[2]}
        self.optimizer.step(rates[0], rates[1], multipliers)
        self.method.after_step(plan.step)
        self._whole = True

    def evaluate(self) -> None:
        """Runs the bound batch forward: `loss[0]` = sum of the losses, `logits`.

        Raises:
            ConfigurationError: nothing is bound.
        """
        buffers = self._bound()
        plan = buffers.plan()
        self._set_structure(buffers)
        self._mode(training=False)
        with torch.inference_mode():
            batch = buffers.batch(plan)
            for rows in self._cut(plan.rows, 1):
                buffers.logits[rows].copy_(self._evaluated(self._part(batch, rows)))
            outputs, labels = buffers.logits[: plan.rows], buffers.labels[: plan.rows]
            # A merged head gives the label's own unit by itself.
            standard = self._target.standard(outputs) if self._merged else outputs
            losses = self._target.losses(standard, labels)
            if not self._merged:
                outputs.copy_(self._target.natural(outputs))
            buffers.loss[0] = losses.sum(dtype=torch.float64)

    def _evaluated(self, batch: Mapping[str, Tensor]) -> Tensor:
        if self._candidates is None:
            return self._forward(batch)
        return self._candidates.forward(lambda: self._forward(batch), batch)

    def _forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        if not self._autocast:
            return self.method.forward(batch)
        with torch.autocast(self._device.split(":")[0], torch.bfloat16):
            return self.method.forward(batch)

    def _part(self, batch: Mapping[str, Tensor], rows: slice) -> dict[str, Tensor]:
        """Returns views on some rows of a batch, or copies on the model's device."""
        return {name: column[rows].to(self._device) for name, column in batch.items()}

    def _cut(self, rows: int, accumulate: int) -> list[slice]:
        """Cuts a batch into micro-batches of sizes that differ by one row at most."""
        least = -(-rows // self._micro_batch) if self._micro_batch else 1
        pieces = min(max(accumulate, least), rows)
        borders = [rows * piece // pieces for piece in range(pieces + 1)]
        return [slice(*border) for border in pairwise(borders)]

    def open_candidates(
        self,
        structures: Sequence[bytes],
        tokens: int,
        cache_bytes: int,
        *,
        merge: bool | None = None,
    ) -> candidates.Plan:
        """Makes `evaluate` fast for these structures, until a weight changes or they are closed.

        Args:
            structures: the codes that will be bound, five bytes per site.
            tokens: of the whole evaluation of one, padding included.
            cache_bytes: greatest memory for what several of them share.
            merge: `True` or `False` to merge every site or none; by its shape when omitted.

        Returns:
            The order in which most is shared, and what is.

        Raises:
            ConfigurationError: the method has no sites or was merged, or a structure's length is
                not five codes per site.
        """
        self._unmerged("open_candidates")
        sites = len(self.method.sites)
        wrong = [len(codes) for codes in structures if len(codes) != 5 * sites]
        if wrong or not sites:
            raise ConfigurationError(
                f"A candidate of the method `{self.method.name}` has {wrong[0] if wrong else 0} "
                f"codes, expected {5 * sites}, five for each of at least one site: pass structures "
                "of this session's sites."
            )
        self.close_candidates()
        self._mode(training=False)
        self._candidates = Candidates(
            self.method.model, structures, tokens, cache_bytes, merge=merge
        )
        self._codes = None
        return self._candidates.plan

    def close_candidates(self) -> None:
        """Evaluates as before `open_candidates`; does nothing where it was not called."""
        if self._candidates is not None:
            self._candidates.close()
            self._candidates = None

    def score(self, scores: Tensor) -> None:
        """Adds |⟨θ, g⟩| of each slice on the bound batch to `scores`; no weight changes.

        First-order (Taylor) estimate of what the loss loses with the slice. Column k of A and B is
        the rank-one product k: ⟨Xd[:, k], ∂Xd[:, k]⟩ equals its effect, as the product is linear
        in Xd. C, D and E are scored whole, in column 0.

        Args:
            scores: float64 [sites, 5, ranks].

        Raises:
            ConfigurationError: another type or shape, or a method without sites.
        """
        buffers = self._ready("score")
        self._check_scores(scores)
        self._backward(buffers, buffers.plan())
        optimizer = self.optimizer
        # On the CPU: not every device has float64.
        product = optimizer.weights.cpu().double().mul_(optimizer.gradients.cpu())
        self.method.add_scores(scores, lambda name: optimizer.view(product, name))

    def sort_ranks(self, scores: Tensor) -> None:
        """Sorts the rank columns of A and B at each site, and `scores` with them, best first.

        A smaller rank is the leading slice of the largest one, but training orders the columns by
        nothing: sorted, the leading r columns are the r best. The sum of the rank-one products,
        and so the function of the largest structure, stays what it was but for rounding. The
        optimiser's state, which belongs to the old order, is forgotten.

        Args:
            scores: float64 [sites, 5, ranks] from `score`, changed in place.

        Raises:
            ConfigurationError: another type or shape, or a method without ranks.
        """
        self._unmerged("sort_ranks")
        self.close_candidates()
        self._check_scores(scores)
        self.method.sort_ranks(scores)
        self.optimizer.reset()

    def _check_scores(self, scores: Tensor) -> None:
        shape = (len(self.method.sites), 5, max(self.method.ranks, default=0))
        if scores.dtype != torch.float64 or tuple(scores.shape) != shape:
            raise ConfigurationError(
                f"`scores` is {scores.dtype} {list(scores.shape)}, expected torch.float64 "
                f"{list(shape)}: allocate sites x 5 tensors x the largest rank."
            )

    def save_state(self, path: Path) -> None:
        """Writes weights and optimiser state, whole or not at all.

        Raises:
            StorageError: it cannot be written, or an exception cut an update in two.
        """
        if not self._whole:
            raise StorageError(
                f"The state was not saved to {path}: the last step was broken off inside its "
                "update; load the state saved before."
            )
        own = {f"{_METHOD}{name}": tensor for name, tensor in self.method.state().items()}
        save_tensors(path, {**self.optimizer.state(), **own}, self._header())

    def load_state(self, path: Path) -> None:
        """Copies a saved state into the existing memory.

        Raises:
            StorageError: the file is missing or damaged.
            ConfigurationError: it was saved by another method, model or setting.
        """
        self._unmerged("state_load")
        self.close_candidates()
        tensors = load_tensors(path, self._header())
        self.optimizer.load_state(tensors)
        self.method.load_state(
            {n.removeprefix(_METHOD): t for n, t in tensors.items() if n.startswith(_METHOD)}
        )
        self._whole = True

    def reset(self, *, weights: bool, optimizer: bool, seed: int) -> None:
        """Draws fresh weights by `seed`, forgets the optimiser's state, or both."""
        self._unmerged("reset")
        self.close_candidates()
        if weights:
            self.method.reset_weights(seed)
            self._whole = True
        if optimizer:
            self.optimizer.reset()

    def export_adapter(self, folder: Path) -> AdapterExport:
        """Writes adapter and head under the bound structure into `folder`.

        Raises:
            StorageError: it cannot be written.
        """
        self._unmerged("export_adapter")
        if self.method.sites:
            self._set_structure(self._bound())
        with (
            storage_errors(folder),
            self._folded_head(),
            storage.new_folder(folder) as temporary,
        ):
            file, entries = self.method.export_adapter(temporary)
            files = tuple(sorted(p.name for p in temporary.iterdir()))
        return AdapterExport(file, entries, files)

    def merge(self) -> dict[str, float]:
        """Folds the bound structure into the body, in place and for good.

        Returns:
            At least `max_abs_weight_change`.
        """
        self._unmerged("merge")
        self.close_candidates()
        if self.method.sites:
            self._set_structure(self._bound())
        self._mode(training=False)
        report = self.method.merge()
        with torch.no_grad():
            self._target.fold(self._head())
        self.method.finish()
        self._merged = True
        return report

    def export_merged(self, folder: Path) -> None:
        """Writes the merged model as an ordinary model folder.

        Raises:
            ConfigurationError: the method is not merged.
            StorageError: it cannot be written.
        """
        if not self._merged:
            raise ConfigurationError(
                "The model is not merged, so there is nothing to export: call `merge` first."
            )
        with storage_errors(folder):
            self.method.export_merged(folder)

    def _backward(self, buffers: Buffers, plan: Plan) -> float:
        """Forward and backward over the bound batch; returns the norm of the gradient.

        A micro-batch's loss is weighted by its share of the rows or tokens, so that the gradients
        add up to those of the whole batch's mean.
        """
        self.close_candidates()
        self._set_structure(buffers)
        self._mode(training=True)
        torch.manual_seed(plan.seed)
        self.optimizer.zero_grad()
        buffers.loss[0] = 0
        batch = buffers.batch(plan)  # pixels are made into numbers here, so once
        whole = self._target.weight(batch)
        for rows in self._cut(plan.rows, self._accumulate):
            part = self._part(batch, rows)
            outputs = self._forward(part).float()
            loss = self._target.loss(outputs, buffers.labels[rows].to(self._device))
            share = self._target.weight(part) / whole
            if share != 1:
                loss = loss * share
            buffers.loss[0] += loss.detach().cpu()
            buffers.logits[rows].copy_(self._target.natural(outputs.detach()))
            penalty = self.method.penalty() if rows.start == 0 else None
            (loss if penalty is None else loss + penalty).backward()
        return self.optimizer.gradient_norm()

    def _head(self) -> dict[str, Tensor]:
        """The head's own memory: `weight` and `bias`."""
        return {
            entry.name.removeprefix("head."): entry.parameter.detach()
            for entry in self.method.entries()
            if entry.group == "head"
        }

    @contextlib.contextmanager
    def _folded_head(self) -> Iterator[None]:
        """The head as those need it who read an adapter: in the label's own unit."""
        head = self._head()
        trained = {name: tensor.clone() for name, tensor in head.items()}
        with torch.no_grad():
            self._target.fold(head)
            try:
                yield
            finally:
                for name, tensor in trained.items():
                    head[name].copy_(tensor)

    def _set_structure(self, buffers: Buffers) -> None:
        """Hands codes that changed since the last call to layers and optimiser."""
        if buffers.codes is None or self._merged:
            return
        # A view on the caller's memory: an unchanged structure costs a comparison of 180 bytes.
        array = buffers.codes.numpy()
        codes = array.tobytes()
        if codes != self._codes:
            self._codes = None  # stays so when a code is refused
            self.optimizer.activate(self.method.set_codes(array.copy()))
            if self._candidates is not None:
                self._candidates.choose(codes)
            self._codes = codes

    def _mode(self, *, training: bool) -> None:
        # `train()` walks over all modules; most calls find the mode they want.
        if self.method.model.training != training:
            self.method.model.train(training)

    def _bound(self) -> Buffers:
        if self._buffers is None:
            raise ConfigurationError("No buffers are bound to this session: call `bind` first.")
        return self._buffers

    def _ready(self, what: str) -> Buffers:
        self._unmerged(what)
        return self._bound()

    def _unmerged(self, what: str) -> None:
        if self._merged:
            raise ConfigurationError(
                f"`{what}` was called after `merge`, when there is no adapter left: open a new "
                "session and load a state."
            )

    def _header(self) -> dict[str, Any]:
        return {"method": self.method.name, "entries": self.optimizer.table()}
