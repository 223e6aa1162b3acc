from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_models import fill_with_noise, tiny_bert, tokens
from torch import Tensor, nn

import glora
from glora.errors import AdapterError, ConfigurationError
from glora.structure import SearchSpace

SPACE = SearchSpace((1, 2))
HEAD = ("classifier.weight", "classifier.bias")
NAMES = ("one", "two", "three")


def saved(folder: Path, targets: str, seed: int) -> Tensor:
    """Writes an adapter with a head of its own; returns the logits of a model that has it."""
    model = tiny_bert()
    sites = glora.inject(model, SPACE, targets=targets)
    glora.set_structure(model, SPACE.largest(sites))
    fill_with_noise(model, 0.1 * (seed + 1))
    with torch.no_grad():
        model.classifier.weight.add_(seed)
    glora.save_adapter(model, folder, {n: model.get_parameter(n) for n in HEAD})
    return logits(model)


def logits(model: nn.Module) -> Tensor:
    with torch.no_grad():
        result: Tensor = model(**tokens()).logits
    return result


@pytest.fixture
def expected(tmp_path: Path) -> dict[str | None, Tensor]:
    """The logits of the body alone and of three adapters at different sites, saved by name."""
    targets = dict(zip(NAMES, ("all-linear", "query", "intermediate"), strict=True))
    outputs: dict[str | None, Tensor] = {
        name: saved(tmp_path / name, target, seed)
        for seed, (name, target) in enumerate(targets.items())
    }
    outputs[None] = logits(tiny_bert())
    distinct = {tuple(output.flatten().tolist()) for output in outputs.values()}
    assert len(distinct) == 4
    return outputs


def test_adapters_are_loaded_switched_saved_and_removed(
    tmp_path: Path, expected: dict[str | None, Tensor]
) -> None:
    model = tiny_bert()
    modules, state = dict(model.named_modules()), copy.deepcopy(model.state_dict())
    adapters = glora.Adapters(model)
    for name in NAMES:
        adapters.load(name, tmp_path / name)
        assert torch.equal(logits(model), expected[None])
    assert (adapters.names, adapters.active) == (list(NAMES), None)
    for name in ("two", "one", None, "three", "three", "two", None):
        adapters.activate(name)
        assert adapters.active == name
        assert torch.equal(logits(model), expected[name])
    assert all(dict(model.named_modules())[n] is m for n, m in modules.items())
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())

    adapters.activate("one")
    for name in NAMES:
        adapters.save(name, tmp_path / "again" / name)
        for file in ("adapter.json", "adapter.safetensors"):
            again = (tmp_path / "again" / name / file).read_bytes()
            assert again == (tmp_path / name / file).read_bytes()
    adapters.remove("three")
    assert torch.equal(logits(model), expected["one"])
    adapters.remove("one")
    assert (adapters.names, adapters.active) == (["two"], None)
    assert torch.equal(logits(model), expected[None])
    adapters.load("three", tmp_path / "three")
    adapters.activate("three")
    assert torch.equal(logits(model), expected["three"])


def test_a_new_adapter_is_trained_while_another_one_keeps_its_numbers(
    tmp_path: Path, expected: dict[str | None, Tensor]
) -> None:
    model = tiny_bert()
    adapters = glora.Adapters(model)
    adapters.load("two", tmp_path / "two")
    adapters.activate("two")
    # Made while another adapter stands in the model, with the body's head and not that one's.
    adapters.add("new", SPACE, targets=["all-linear"], exclude="pooler", head=HEAD)
    adapters.activate("new")
    assert torch.equal(logits(model), expected[None])
    sites = adapters.structure("new").sites
    glora.set_structure(model, {site: {"B": "lora-2", "E": "vector"} for site in sites})
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.05)
    losses = []
    for _ in range(6):
        loss = nn.functional.cross_entropy(model(**tokens()).logits, torch.tensor([0, 1, 0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    new = logits(model)
    adapters.activate("two")
    assert torch.equal(logits(model), expected["two"])
    adapters.activate(None)
    assert torch.equal(logits(model), expected[None])
    adapters.activate("new")
    assert torch.equal(logits(model), new)
    adapters.save("new", tmp_path / "new")
    body = tiny_bert()
    glora.load_adapter(body, tmp_path / "new")
    assert torch.equal(logits(body), new)


def test_an_adapter_that_is_folded_while_active_stays_folded(
    tmp_path: Path, expected: dict[str | None, Tensor]
) -> None:
    model = tiny_bert()
    adapters = glora.Adapters(model)
    adapters.load("one", tmp_path / "one")
    adapters.activate("one")
    report = glora.fold(model)
    adapters.activate(None)
    assert adapters.save("one", tmp_path / "folded").entries == report.after.stored
    adapters.activate("one")
    torch.testing.assert_close(logits(model), expected["one"], rtol=1e-4, atol=1e-5)


def in_threads(count: int, work: Callable[[], None], meanwhile: Callable[[], None]) -> None:
    """Runs `work` over and over in threads until `meanwhile` has ended in this one."""
    stop, failures = threading.Event(), []

    def loop() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=loop) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


def test_inference_is_not_touched_by_loading_adding_saving_and_removing_others(
    tmp_path: Path, expected: dict[str | None, Tensor]
) -> None:
    model = tiny_bert()
    adapters = glora.Adapters(model)
    adapters.load("one", tmp_path / "one")
    adapters.activate("one")
    outputs = []

    def meanwhile() -> None:
        for index in range(12):
            adapters.load("two", tmp_path / "two")
            adapters.add(f"new {index}", SPACE, head=HEAD)
            adapters.save("two", tmp_path / "copy")
            adapters.remove("two")

    in_threads(3, lambda: outputs.append(logits(model)), meanwhile)
    assert len(outputs) > 3
    assert all(torch.equal(output, expected["one"]) for output in outputs)


def test_an_output_is_one_adapters_whole_while_they_are_switched(
    tmp_path: Path, expected: dict[str | None, Tensor]
) -> None:
    model = tiny_bert()
    adapters = glora.Adapters(model)
    for name in NAMES:
        adapters.load(name, tmp_path / name)
    outputs = []

    def held() -> None:
        with adapters.hold() as name:
            pair = logits(model), logits(model)
        assert all(torch.equal(output, expected[name]) for output in pair)

    def work() -> None:
        outputs.append(logits(model))
        held()

    deadline = time.monotonic() + 60  # only where a thread has failed or hangs

    def meanwhile() -> None:
        for name in (*NAMES, None) * 15:
            adapters.activate(name)
            enough = len(outputs) + 2
            while len(outputs) < enough and time.monotonic() < deadline:
                time.sleep(0.001)

    in_threads(3, work, meanwhile)
    known = dict.fromkeys(expected, 0)
    for output in outputs:
        names = [name for name, wanted in expected.items() if torch.equal(output, wanted)]
        assert len(names) == 1
        known[names[0]] += 1
    assert min(known.values()) > 0


def test_a_forward_that_fails_does_not_keep_a_switch_waiting(
    tmp_path: Path, expected: dict[str | None, Tensor]
) -> None:
    model = tiny_bert()
    adapters = glora.Adapters(model)
    adapters.load("one", tmp_path / "one")
    with pytest.raises(IndexError):
        model(input_ids=torch.tensor([[10**6]]))
    adapters.activate("one")
    assert torch.equal(logits(model), expected["one"])
    # A copy is a model of its own: its forwards wait for nobody.
    twin = copy.deepcopy(model)
    with adapters.hold():
        assert torch.equal(logits(twin), expected["one"])
        with pytest.raises(ConfigurationError, match="from inside a forward or a hold"):
            adapters.activate(None)
    adapters.activate(None)
    assert torch.equal(logits(twin), expected["one"])


@pytest.mark.usefixtures("expected")
def test_what_does_not_fit_is_refused_with_a_sentence(tmp_path: Path) -> None:
    model = tiny_bert()
    adapters = glora.Adapters(model)
    adapters.load("one", tmp_path / "one")
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: adapters.load("one", tmp_path / "two"), "already"),
        (lambda: adapters.add("one", SPACE), "already"),
        (lambda: adapters.activate("onne"), "did you mean 'one'"),
        (lambda: adapters.remove("two"), "there are \\['one'\\]"),
        (lambda: adapters.add("new", SPACE, head=["clasifier.bias"]), "did you mean"),
        (lambda: adapters.add("new", SPACE, targets="qery"), "did you mean 'query'"),
    ]
    for call, said in refusals:
        with pytest.raises(ConfigurationError, match=said):
            call()
    with pytest.raises(AdapterError, match="holds no whole adapter"):
        adapters.load("new", tmp_path / "nothing")
    assert adapters.names == ["one"]
    adapters.activate("one")
    glora.merge(model)
    with pytest.raises(ConfigurationError, match="merged"):
        adapters.activate(None)
    with pytest.raises(ConfigurationError, match="injected or merged already"):
        glora.Adapters(model)
    glora.unmerge(model)
    glora.eject(model)
    with pytest.raises(ConfigurationError, match="holds 0 GLoRA layers"):
        adapters.activate(None)
