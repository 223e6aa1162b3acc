"""Models for images: ViT and DeiT as classifiers, what their pixels become, what is saved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from glora import drawn, java, models, storage
from glora.errors import ConfigurationError, SourceError

CONFIG = {
    **drawn.VIT_TINY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "image_size": 8,
}
LABELS = ("a", "b", "c")
PIXELS = models.PixelInput(8, 8, (0.5, 0.4, 0.3), (0.5, 0.25, 0.2))
PLAIN = """
import json, sys, numpy as np
from transformers import AutoImageProcessor, AutoModelForImageClassification
from PIL import Image
import torch
folder, picture, out = sys.argv[1:]
model = AutoModelForImageClassification.from_pretrained(folder).eval()
processor = AutoImageProcessor.from_pretrained(folder)
with torch.inference_mode():
    logits = model(**processor(Image.open(picture), return_tensors="pt")).logits
assert "glora" not in sys.modules
np.save(out, logits.numpy())
print(json.dumps(model.config.id2label))
"""


@pytest.fixture(params=["vit", "deit"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "body"
    path.mkdir()
    return drawn.write_vit(path, {**CONFIG, "model_type": kind}, seed=1, scale=1.0)


def pictures(rows: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (rows, 3, 8, 8), generator=generator, dtype=torch.uint8)


def columns() -> list[dict[str, object]]:
    pixels = PIXELS.to_json()
    return [
        {
            "name": "pixel_values",
            "dtype": "u8",
            "row_shape": [3, 8, 8],
            "sequence": False,
            "pixels": pixels,
        }
    ]


def session(folder: Path, method: str, **settings: object) -> tuple[dict[str, object], dict]:
    opened = java.open(
        {
            "method": method,
            "model_path": str(folder),
            "labels": list(LABELS),
            "columns": columns(),
            "settings": settings,
            "seed": 3,
        }
    )
    buffers = {
        "control": torch.zeros(8, dtype=torch.int64),
        "rates": torch.tensor([0.01, 0.0, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
        "labels": torch.zeros(4, dtype=torch.int64),
        "loss": torch.zeros(4, dtype=torch.float64),
        "logits": torch.zeros(4, len(LABELS)),
        "pixel_values": torch.zeros(4 * 3 * 64, dtype=torch.uint8),
    }
    if opened["sites"]:
        buffers["codes"] = torch.zeros(len(opened["sites"]), 5, dtype=torch.int8)
    java.bind(opened["session"], buffers)
    buffers["control"][:2] = torch.tensor([3, 0])
    buffers["labels"][:3] = torch.tensor([0, 1, 2])
    buffers["pixel_values"][: 3 * 3 * 64] = pictures().flatten()
    return opened, buffers


def test_sites_are_six_a_block_and_72_in_a_base_model(folder: Path, kind: str) -> None:
    model = models.load_classifier(folder, LABELS)
    sites = models.linear_sites(model)
    assert len(sites) == 6 * 2
    assert sites[:2] == [f"{kind}.layers.0.attention.{part}_proj" for part in "qk"]
    with torch.device("meta"):
        base = type(model)(type(model.config)())
    assert len(models.linear_sites(base)) == 72


def test_the_head_sees_the_class_token_and_dropout_follows_the_setting(folder: Path) -> None:
    model = models.load_classifier(folder, LABELS, dropout=0.0)
    models.init_head(model, 0)
    batch = {"pixel_values": PIXELS.normalised(pictures())}
    pooled = models.pooled_features(model, batch)
    assert pooled.shape == (3, 32)
    assert torch.equal(model.classifier(pooled), model(**batch).logits)
    assert not torch.equal(pooled[0], pooled[1])

    models.set_dropout(model, 0.4)
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.4}
    assert {m.attention_dropout for m in model.modules() if hasattr(m, "attention_dropout")} == {
        0.4
    }


def test_bytes_become_what_transformers_makes_of_them() -> None:
    from PIL import Image
    from transformers import ViTImageProcessor

    rows = pictures()
    said = ViTImageProcessor(**PIXELS.preprocessor())
    images = [Image.fromarray(row.permute(1, 2, 0).numpy()) for row in rows]
    expected = said(images, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(PIXELS.normalised(rows), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "method"), [("vit", "glora"), ("deit", "lora"), ("vit", "head")], indirect=["kind"]
)
def test_merged_model_loads_in_plain_transformers_without_glora(
    tmp_path: Path, folder: Path, method: str
) -> None:
    settings = {"ranks": [1, 2]} if method == "glora" else {}
    if method == "head":
        model = models.load_classifier(folder, LABELS)
        models.init_head(model, 0)
        with torch.inference_mode():
            before = model(pixel_values=PIXELS.normalised(pictures())).logits
        models.save_classifier(model, folder, tmp_path / "merged", PIXELS)
    else:
        opened, buffers = session(folder, method, **settings)
        if method == "glora":
            buffers["codes"][:] = torch.tensor([4, 4, 2, 2, 2], dtype=torch.int8)
        for _ in range(3):
            java.step(opened["session"])
        java.evaluate(opened["session"])
        before = buffers["logits"][:3].clone()
        java.merge(opened["session"])
        java.export_merged(opened["session"], str(tmp_path / "merged"))
        java.close(opened["session"])
    picture = tmp_path / "picture.png"
    from PIL import Image

    Image.fromarray(pictures()[0].permute(1, 2, 0).numpy()).save(picture)
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, tmp_path / "merged", picture, tmp_path / "logits.npy"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"0": "a", "1": "b", "2": "c"}
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy")[0], before[0], atol=2e-4)


def test_normalisation_comes_from_the_weights_or_by_name(folder: Path) -> None:
    assert models.pixel_input(folder) == models.PixelInput(8, 8, (0.5,) * 3, (0.5,) * 3)
    assert models.pixel_input(folder, "imagenet").mean == (0.485, 0.456, 0.406)
    said = json.loads((folder / models.PREPROCESSOR).read_text("utf-8"))
    (folder / models.PREPROCESSOR).write_text(json.dumps({**said, "do_normalize": False}))
    assert models.pixel_input(folder).std == (1.0, 1.0, 1.0)
    (folder / models.PREPROCESSOR).write_text(json.dumps({**said, "image_std": [0.5, 0.0, 0.5]}))
    with pytest.raises(SourceError, match="a number above 0"):
        models.pixel_input(folder)
    (folder / models.PREPROCESSOR).unlink()
    with pytest.raises(SourceError, match=r"set task\.normalisation to half"):
        models.pixel_input(folder)
    with pytest.raises(ConfigurationError, match="expected weights or one of half, imagenet"):
        models.pixel_input(folder, "vgg")


def test_drawn_body_is_a_source_of_a_model(tmp_path: Path) -> None:
    files = models.resolve_model("drawn:vit-tiny", cache=tmp_path)
    again = models.resolve_model("drawn:vit-tiny", cache=tmp_path / "other")
    assert files.digest == again.digest == storage.sha256_file(files.path / "model.safetensors")
    model = models.load_classifier(files.path, LABELS)
    assert 0.7e6 < sum(p.numel() for p in model.parameters()) < 0.9e6
    with pytest.raises(ConfigurationError, match="is no body"):
        models.resolve_model("drawn:sprites", cache=tmp_path)
    with pytest.raises(ConfigurationError, match="the nearest is drawn:vit-tiny"):
        models.resolve_model("drawn:vit-tin", cache=tmp_path)


def as_npz(model: nn.Module, heads: int) -> dict[str, np.ndarray]:
    """The arrays of a ViT in Google's names and shapes, written from the model's own modules."""
    body = model.vit
    hidden = body.config.hidden_size
    head = hidden // heads
    arrays = {
        "cls": body.embeddings.cls_token,
        "embedding/kernel": body.embeddings.patch_embeddings.projection.weight.permute(2, 3, 1, 0),
        "embedding/bias": body.embeddings.patch_embeddings.projection.bias,
        "Transformer/posembed_input/pos_embedding": body.embeddings.position_embeddings,
        "Transformer/encoder_norm/scale": body.layernorm.weight,
        "Transformer/encoder_norm/bias": body.layernorm.bias,
        "head/kernel": torch.zeros(hidden, 5),
    }
    for number, layer in enumerate(body.layers):
        block = f"Transformer/encoderblock_{number}"
        for norm, name in ((layer.layernorm_before, "0"), (layer.layernorm_after, "2")):
            arrays[f"{block}/LayerNorm_{name}/scale"] = norm.weight
            arrays[f"{block}/LayerNorm_{name}/bias"] = norm.bias
        attention = f"{block}/MultiHeadDotProductAttention_1"
        for name in ("query", "key", "value"):
            linear = getattr(layer.attention, f"{name[0]}_proj")
            arrays[f"{attention}/{name}/kernel"] = linear.weight.T.reshape(hidden, heads, head)
            arrays[f"{attention}/{name}/bias"] = linear.bias.reshape(heads, head)
        out = layer.attention.o_proj
        arrays[f"{attention}/out/kernel"] = out.weight.T.reshape(heads, head, hidden)
        arrays[f"{attention}/out/bias"] = out.bias
        for name, linear in (("Dense_0", layer.mlp.fc1), ("Dense_1", layer.mlp.fc2)):
            arrays[f"{block}/MlpBlock_3/{name}/kernel"] = linear.weight.T
            arrays[f"{block}/MlpBlock_3/{name}/bias"] = linear.bias
    return {name: tensor.detach().numpy() for name, tensor in arrays.items()}


def test_googles_weights_give_the_logits_of_the_model_they_were_written_from(
    tmp_path: Path,
) -> None:
    (tmp_path / "body").mkdir()
    model = models.load_classifier(drawn.write_vit(tmp_path / "body", CONFIG, 1, 1.0), LABELS)
    with torch.no_grad():
        for parameter in model.parameters():  # biases of zero would hide where they go
            parameter.add_(0.1 * torch.randn(parameter.shape))
    np.savez(tmp_path / "ViT-T_4.npz", **as_npz(model, CONFIG["num_attention_heads"]))

    files = models.resolve_model(f"local:{tmp_path / 'ViT-T_4.npz'}", cache=tmp_path / "cache")
    again = models.resolve_model(f"local:{tmp_path / 'ViT-T_4.npz'}", cache=tmp_path / "cache")
    read = models.load_classifier(files.path, LABELS)
    batch = {"pixel_values": PIXELS.normalised(pictures())}
    torch.testing.assert_close(
        models.pooled_features(read, batch), models.pooled_features(model, batch)
    )
    assert files.digest == again.digest
    assert models.pixel_input(files.path).std == (0.5, 0.5, 0.5)
    assert read.config.num_attention_heads == CONFIG["num_attention_heads"]

    content = (tmp_path / "ViT-T_4.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("cut", "other"):
        with pytest.raises(SourceError, match="holds no weights of a vision transformer"):
            models.resolve_model(f"local:{tmp_path / name}.npz", cache=tmp_path / "cache")
