from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_models import fill_with_noise, tiny_bert, tokens
from torch import nn

import glora
from glora.errors import AdapterError, ConfigurationError, StorageError
from glora.forms import TENSORS
from glora.structure import SearchSpace, Structure

SPACE = SearchSpace((1, 2, 4))


def random_structure(sites: list[glora.Site], seed: int = 0) -> Structure:
    random = np.random.default_rng(seed)
    codes = [[random.choice(SPACE.codes(t, site)) for t in TENSORS] for site in sites]
    return SPACE.structure([s.name for s in sites], np.array(codes, dtype=np.int8))


def adapted(seed: int = 0) -> tuple[nn.Module, list[glora.Site], Structure]:
    model = tiny_bert()
    sites = glora.inject(model, SPACE)
    fill_with_noise(model)
    structure = random_structure(sites, seed)
    glora.set_structure(model, structure)
    return model, sites, structure


def test_a_loaded_adapter_computes_bit_for_bit_the_same(tmp_path: Path) -> None:
    model, _, structure = adapted()
    expected = model(**tokens()).logits
    glora.save_adapter(model, tmp_path / "new" / "folder")
    body = tiny_bert()
    random_state = torch.random.get_rng_state()
    assert glora.load_adapter(body, tmp_path / "new" / "folder") == structure
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert torch.equal(body(**tokens()).logits, expected)
    assert glora.current_structure(body) == structure


def test_a_loaded_adapter_replaces_the_leading_part_of_a_supernet(tmp_path: Path) -> None:
    model, _, structure = adapted()
    expected = model(**tokens()).logits
    glora.save_adapter(model, tmp_path)
    other = tiny_bert()
    glora.inject(other, SPACE)
    glora.load_adapter(other, tmp_path)
    assert glora.current_structure(other) == structure
    assert torch.equal(other(**tokens()).logits, expected)


@pytest.mark.parametrize("seed", range(4))
def test_the_file_holds_exactly_the_counted_entries(tmp_path: Path, seed: int) -> None:
    model, sites, structure = adapted(seed)
    saved = glora.save_adapter(model, tmp_path)
    tensors = load_file(tmp_path / "adapter.safetensors")
    count = glora.count_parameters(structure, sites)
    assert sum(t.numel() for t in tensors.values()) == saved.entries == count
    layers = glora.glora_layers(model)
    for site, layer in layers.items():
        for name, slices in layer.active_slices().items():
            assert torch.equal(tensors[f"{site}.{name}"], layer.support_parameters()[name][slices])
    assert json.loads((tmp_path / "adapter.json").read_text())["entries"] == count


def test_every_form_of_a_site_is_counted_saved_and_loaded(tmp_path: Path) -> None:
    space = SearchSpace((2,))
    model = nn.Sequential(nn.Linear(3, 2))
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    sites = glora.inject(model, space)
    fill_with_noise(model)
    x = torch.randn(4, 3)
    for index in range(0, 432, 11):
        choices = [space.codes(t) for t in TENSORS]
        codes = [list(row) for row in np.stack(np.meshgrid(*choices), -1).reshape(-1, 5)][index]
        glora.set_structure(model, [codes])
        saved = glora.save_adapter(model, tmp_path)
        assert saved.entries == glora.count_parameters(glora.current_structure(model), sites)
        body = nn.Sequential(nn.Linear(3, 2))
        body.load_state_dict(weights)
        glora.load_adapter(body, tmp_path)
        assert torch.equal(body(x), model(x))


def test_equal_adapters_give_equal_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        model, _, _ = adapted()
        digests.add(glora.save_adapter(model, tmp_path / name).digest)
    body = tiny_bert()
    glora.load_adapter(body, tmp_path / "one")
    digests.add(glora.save_adapter(body, tmp_path / "three").digest)
    assert len(digests) == 1
    for file in ("adapter.json", "adapter.safetensors"):
        contents = {(tmp_path / name / file).read_bytes() for name in ("one", "two", "three")}
        assert len(contents) == 1
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == [
        "adapter.json",
        "adapter.safetensors",
    ]


def test_a_head_travels_with_the_adapter(tmp_path: Path) -> None:
    model, sites, structure = adapted()
    with torch.no_grad():
        model.classifier.weight.fill_(0.25)
    expected = model(**tokens()).logits
    head = {f"classifier.{n}": p for n, p in model.classifier.named_parameters()}
    saved = glora.save_adapter(model, tmp_path, head=head)
    assert saved.entries == glora.count_parameters(structure, sites)
    assert "head.classifier.weight" in load_file(tmp_path / "adapter.safetensors")
    body = tiny_bert()
    glora.load_adapter(body, tmp_path)
    assert torch.equal(body(**tokens()).logits, expected)
    with pytest.raises(ConfigurationError, match=r"did you mean 'classifier\.weight'"):
        glora.save_adapter(model, tmp_path, head={"clasifier.weight": torch.zeros(1)})
    with pytest.raises(ConfigurationError, match=r"has shape \[2\] and the model's \[3\]"):
        glora.load_adapter(tiny_bert(num_labels=3), tmp_path)


def test_another_body_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    model, _, _ = adapted()
    glora.save_adapter(model, tmp_path)
    other = tiny_bert(seed=1)
    with pytest.raises(AdapterError, match="another body: the pre-trained weights"):
        glora.load_adapter(other, tmp_path)
    assert not glora.glora_layers(other)
    with pytest.raises(AdapterError, match="another body: it adapts"):
        glora.load_adapter(nn.Sequential(nn.Linear(2, 2)), tmp_path)
    with pytest.raises(AdapterError, match="another body"):
        glora.load_adapter(tiny_bert().double(), tmp_path)


def test_a_merged_model_neither_saves_nor_loads(tmp_path: Path) -> None:
    model, _, _ = adapted()
    glora.save_adapter(model, tmp_path)
    glora.merge(model)
    with pytest.raises(ConfigurationError, match="unmerge"):
        glora.save_adapter(model, tmp_path)
    with pytest.raises(ConfigurationError, match="unmerge"):
        glora.load_adapter(model, tmp_path)


def test_a_supernet_at_other_sites_is_refused(tmp_path: Path) -> None:
    model, _, _ = adapted()
    glora.save_adapter(model, tmp_path)
    other = tiny_bert()
    glora.inject(other, SPACE, targets="query")
    with pytest.raises(ConfigurationError, match="differ"):
        glora.load_adapter(other, tmp_path)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("adapter.safetensors", lambda b: b[:-1], "damaged or cut"),
        ("adapter.safetensors", lambda b: b"", "damaged or cut"),
        ("adapter.safetensors", lambda b: b[:-1] + bytes([b[-1] ^ 1]), "damaged or cut"),
        ("adapter.safetensors", None, "holds no whole adapter"),
        ("adapter.json", None, "holds no whole adapter"),
        ("adapter.json", lambda b: b[: len(b) // 2], "is damaged"),
        ("adapter.json", lambda b: b"\xff\x00", "is damaged"),
        ("adapter.json", lambda b: b"[]", "is damaged"),
        ("adapter.json", lambda b: b.replace(b'"version": 1', b'"version": 9', 1), "version 9"),
        ("adapter.json", lambda b: b.replace(b'"none"', b'"vector"', 1), "is damaged"),
        ("adapter.json", lambda b: b.replace(b'"head"', b'"tail"', 1), "is damaged"),
    ],
)
def test_a_damaged_adapter_is_refused_with_a_sentence(
    tmp_path: Path, file: str, change: object, said: str
) -> None:
    model, _, _ = adapted()
    glora.save_adapter(model, tmp_path)
    path = tmp_path / file
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    body = tiny_bert()
    with pytest.raises(AdapterError) as caught:
        glora.load_adapter(body, tmp_path)
    assert said in str(caught.value)
    assert not glora.glora_layers(body)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    model, _, _ = adapted()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        glora.save_adapter(model, tmp_path / "file" / "adapter")


def test_a_save_that_fails_leaves_no_adapter_that_mixes_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _, _ = adapted()
    glora.save_adapter(model, tmp_path)
    glora.set_structure(
        model, random_structure([x.site for x in glora.glora_layers(model).values()], 7)
    )
    written = []

    def full_disk(path: Path, content: bytes) -> None:
        written.append(path.name)
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(glora.save_adapter.__globals__, "write_file", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        glora.save_adapter(model, tmp_path)
    assert written == ["adapter.safetensors"]
    with pytest.raises(AdapterError, match="holds no whole adapter"):
        glora.load_adapter(tiny_bert(), tmp_path)


# An adapter written by version 1, kept to be read by every later version.
FIXTURE = Path(__file__).parent / "fixtures" / "adapter-v1"


def fixture_body() -> nn.Sequential:
    body = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        for index, parameter in enumerate(body.parameters()):
            parameter.copy_(torch.arange(parameter.numel()).view_as(parameter) / 4 - index)
    return body


def test_an_adapter_of_version_1_is_read() -> None:
    body = fixture_body()
    glora.load_adapter(body, FIXTURE)
    output = body(torch.tensor([[1.0, 2.0, -1.0]]))
    expected = json.loads((FIXTURE / "output.json").read_text())
    torch.testing.assert_close(output, torch.tensor(expected))


def test_an_adapter_with_tensors_of_genes_that_are_known_as_dead_now_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setitem(glora.inject.__globals__, "dead_tensors", lambda *_: frozenset())
        model, sites, structure = adapted(3)
        glora.save_adapter(model, tmp_path)
        keys = [s.name for s in sites if s.name.endswith("key")]
        assert any(structure.forms(key)[t] != "none" for key in keys for t in "CDE")
        expected = model(**tokens()).logits
    body = tiny_bert()
    assert glora.load_adapter(body, tmp_path) == structure
    torch.testing.assert_close(body(**tokens()).logits, expected)
    assert not any(glora.glora_layers(body)[key].codes[4] for key in keys)
