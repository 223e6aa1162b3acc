"""Many adapters on one body, of which one is active or none.

    adapters = glora.Adapters(model)
    adapters.load("movies", "runs/movies/adapter")
    adapters.add("tweets", space, head=("classifier.weight", "classifier.bias"))
    adapters.activate("movies")

The active adapter's layers stand in the model, so all that works on an injected model works on it:
`set_structure`, training, `fold`. The others are held beside it, on the same frozen weights. A new
one is read and built there too, so inference goes on undisturbed. A switch waits for the forwards
that are under way and holds new ones back: no output is computed by two adapters.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glora.adapter import SavedAdapter, check_head, fill, read_adapter, write_adapter
from glora.errors import ConfigurationError
from glora.forms import near
from glora.inject import glora_layers, new_layer, structure_of
from glora.layer import GLoRALinear
from glora.merge import is_merged
from glora.structure import SearchSpace, Structure
from glora.targets import ALL_LINEAR, find_targets, replace_modules

__all__ = ["Adapters"]


@dataclass
class _Held:
    """One adapter: its layers by site, and its own versions of parameters outside the sites."""

    layers: dict[str, GLoRALinear]
    head: dict[str, nn.Parameter]


class Adapters:
    """The adapters of one model.

    Args:
        model: plain; all its parameters are frozen. It must be called as a whole (`model(…)`) for
            a switch to wait for it; a part of it that is called alone is not seen.

    Raises:
        ConfigurationError: the model holds GLoRA layers already, or is merged.
    """

    def __init__(self, model: nn.Module) -> None:
        if glora_layers(model) or is_merged(model):
            raise ConfigurationError(
                "The model is injected or merged already; call glora.unmerge and glora.eject, so "
                "that it is plain, before it takes several adapters."
            )
        model.requires_grad_(False)
        self.model = model
        self._held: dict[str, _Held] = {}
        self._active: str | None = None
        self._own_head: dict[str, nn.Parameter] = {}
        self._change = threading.RLock()
        self._gate = _Gate()
        model.register_forward_pre_hook(self._gate.enter, prepend=True)
        model.register_forward_hook(self._gate.leave, always_call=True)

    @property
    def names(self) -> list[str]:
        """The adapters' names, in the order they came."""
        return list(self._held)

    @property
    def active(self) -> str | None:
        """The name of the adapter that the model computes with, or None."""
        return self._active

    def add(
        self,
        name: str,
        space: SearchSpace,
        targets: str | Sequence[str] = ALL_LINEAR,
        exclude: str | Sequence[str] = ("head",),
        *,
        head: Sequence[str] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        """Makes an adapter whose forms are all `none`; `activate` it to choose and train it.

        Args:
            name: new among the adapters.
            space: as of `inject`, like the next two and the generator.
            targets: as of `inject`.
            exclude: as of `inject`.
            generator: as of `inject`.
            head: names of further parameters that it has versions of its own of, which start as
                the body's and can be trained.

        Raises:
            ConfigurationError: as of `inject`, or a name that is taken or unknown.
        """
        with self._change:
            self._check_new(name)
            known = dict(self.model.named_parameters())
            known |= self._own_head
            for parameter in head:
                check_head(self.model, parameter, None)
            layers = {
                site: new_layer(self.model, site, space, generator)
                for site in find_targets(self.model, targets, exclude)
            }
            versions = {n: nn.Parameter(known[n].detach().clone()) for n in head}
            self._held[name] = _Held(layers, versions)

    def load(self, name: str, folder: str | Path) -> Structure:
        """Reads what `save_adapter` or `save` wrote, beside the model; returns its structure.

        Raises:
            ConfigurationError: a name that is taken.
            AdapterError: as of `load_adapter`.
        """
        self._check_new(name)
        read = read_adapter(self.model, folder)
        space = read.structure.smallest_space()
        # Every drawn number is overwritten: the caller's random state is not touched.
        layers = {
            site: new_layer(self.model, site, space, torch.Generator())
            for site in read.structure.sites
        }
        fill(layers, read.structure, read.tensors)
        known = dict(self.model.named_parameters())
        head = {n: nn.Parameter(t.to(known[n]), requires_grad=False) for n, t in read.head.items()}
        with self._change:
            self._check_new(name)
            self._held[name] = _Held(layers, head)
        return read.structure

    def save(self, name: str, folder: str | Path) -> SavedAdapter:
        """Writes one adapter, active or not, as `save_adapter` does."""
        with self._change:
            held = self._known(name)
            layers = self._layers_in_model() if name == self._active else held.layers
            return write_adapter(layers, folder, held.head)

    def structure(self, name: str) -> Structure:
        """The structure that one adapter has now."""
        with self._change:
            held = self._known(name)
            return structure_of(self._layers_in_model() if name == self._active else held.layers)

    def activate(self, name: str | None) -> None:
        """Puts one adapter into the model in place of the active one; None leaves the body alone.

        Waits until no forward is under way.

        Raises:
            ConfigurationError: no adapter of the name; the model is merged; the active adapter's
                layers were taken out by other means; or the call comes from inside a forward.
        """
        with self._change:
            new = None if name is None else self._known(name)
            if is_merged(self.model):
                raise ConfigurationError(
                    "The model is merged; call glora.unmerge(model) before switching adapters."
                )
            present = self._layers_in_model()
            with self._gate.closed():
                self._take_out(present)
                if new is not None:
                    self._put_in(new)
                self._active = name

    def remove(self, name: str) -> None:
        """Drops an adapter; the active one is taken out of the model first."""
        with self._change:
            self._known(name)
            if name == self._active:
                self.activate(None)
            del self._held[name]

    @contextmanager
    def hold(self) -> Iterator[str | None]:
        """Keeps the active adapter, whose name it gives, for a block of several forwards.

        A generation is many forwards: without this, a switch could come between two tokens.
        """
        self._gate.enter()
        try:
            yield self._active
        finally:
            self._gate.leave()

    def _take_out(self, present: dict[str, GLoRALinear]) -> None:
        if self._active is None:
            return
        held = self._held[self._active]
        held.layers = present
        replace_modules(self.model, [(layer, layer.base) for layer in present.values()])
        held.head = {n: _exchange(self.model, n, own) for n, own in self._own_head.items()}
        self._own_head = {}

    def _put_in(self, held: _Held) -> None:
        pairs = []
        for site, layer in held.layers.items():
            base = self.model.get_submodule(site)
            # The model may have moved since the adapter was made.
            pairs.append((base, layer.to(layer.weight.device).train(base.training)))
        replace_modules(self.model, pairs)
        self._own_head = {n: _exchange(self.model, n, own) for n, own in held.head.items()}

    def _layers_in_model(self) -> dict[str, GLoRALinear]:
        present = glora_layers(self.model)
        if bool(present) != (self._active is not None):
            raise ConfigurationError(
                f"The model holds {len(present)} GLoRA layers while the active adapter is "
                f"{self._active!r}; inject, eject and merge it through one Adapters alone."
            )
        return present

    def _check_new(self, name: str) -> None:
        if name in self._held:
            raise ConfigurationError(
                f"There is an adapter {name!r} already; choose another name or remove it first."
            )

    def _known(self, name: str) -> _Held:
        if name not in self._held:
            raise ConfigurationError(
                f"There is no adapter {name!r}{near(name, self._held)}; there are {self.names}."
            )
        return self._held[name]


def _exchange(model: nn.Module, name: str, new: nn.Parameter) -> nn.Parameter:
    """Puts a parameter into the model under a name and returns the one that was there."""
    path, _, attribute = name.rpartition(".")
    module = model.get_submodule(path)
    old = module._parameters[attribute]
    assert old is not None  # check_head refuses other names
    # In place of a new parameter where the model has moved: an optimiser may hold this one.
    new.data = new.data.to(old.device)
    module._parameters[attribute] = new
    return old


class _Gate:
    """Forwards pass it together; who closes it is alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._closed = False
        self._depth = threading.local()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Gate:
        return _Gate()

    def __reduce__(self) -> tuple[type[_Gate], tuple[()]]:
        return _Gate, ()

    def enter(self, *_: Any) -> None:
        depth = getattr(self._depth, "value", 0)
        if not depth:
            with self._condition:
                self._condition.wait_for(lambda: not self._closed)
                self._inside += 1
        self._depth.value = depth + 1

    def leave(self, *_: Any) -> None:
        depth = getattr(self._depth, "value", 0)
        if depth == 1:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()
        # A hook before ours may have failed, and then this one is called without the other.
        self._depth.value = max(depth - 1, 0)

    @contextmanager
    def closed(self) -> Iterator[None]:
        if getattr(self._depth, "value", 0):
            raise ConfigurationError(
                "An adapter cannot be switched from inside a forward or a hold of the same "
                "thread; switch it before or after."
            )
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)
            self._closed = True
            self._condition.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._condition:
                self._closed = False
                self._condition.notify_all()
