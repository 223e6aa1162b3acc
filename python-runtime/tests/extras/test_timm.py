"""Models of timm: a fused projection is one site, a merged model is timm's; run by tools/extras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from glora import java, models
from glora.data import budget

try:
    import timm
except (ImportError, RuntimeError) as error:  # a torchvision of another torch raises the latter
    pytest.skip(f"timm cannot be imported ({error})", allow_module_level=True)

LABELS = ("a", "b", "c")
MODEL = "vit_tiny_patch16_224"
SIZE = {"img_size": 32, "embed_dim": 24, "depth": 2, "num_heads": 2, "patch_size": 8}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from safetensors.torch import save_file

    torch.manual_seed(1)
    model = timm.create_model(MODEL, num_classes=0, **SIZE)
    path = tmp_path / "body"
    path.mkdir()
    config = {
        "architecture": MODEL,
        "num_classes": 0,
        "num_features": 24,
        "model_args": SIZE,
        "pretrained_cfg": {
            "input_size": [3, 32, 32],
            "mean": [0.5, 0.4, 0.3],
            "std": [0.5, 0.25, 0.2],
            "interpolation": "bicubic",
        },
    }
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(model.state_dict(), path / "model.safetensors", metadata={"format": "pt"})
    return path


def test_fused_queries_keys_and_values_are_one_site(folder: Path) -> None:
    model = models.load_classifier(folder, LABELS)
    sites = models.linear_sites(model)
    assert len(sites) == 4 * 2
    assert sites[0] == "timm_model.blocks.0.attn.qkv"
    assert models.pixel_input(folder).mean == (0.5, 0.4, 0.3)
    sides = sum(sum(model.get_submodule(name).weight.shape) for name in sites)
    assert budget.lora_parameters(folder)["lora_parameters"] == budget.RANK * sides


def test_merged_model_of_timm_loads_in_plain_transformers(tmp_path: Path, folder: Path) -> None:
    pixels = models.pixel_input(folder)
    opened = java.open(
        {
            "method": "glora",
            "model_path": str(folder),
            "labels": list(LABELS),
            "columns": [
                {
                    "name": "pixel_values",
                    "dtype": "u8",
                    "row_shape": [3, 32, 32],
                    "sequence": False,
                    "pixels": pixels.to_json(),
                }
            ],
            "settings": {"ranks": [1, 2]},
            "seed": 3,
        }
    )
    assert len(opened["sites"]) == 8
    rows = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    buffers = {
        "codes": torch.tensor([[4, 4, 2, 2, 2]] * 8, dtype=torch.int8),
        "control": torch.tensor([2, 0, 0, 0, 0, 0, 0, 0]),
        "rates": torch.tensor([0.01, 0.0, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
        "labels": torch.tensor([0, 2]),
        "loss": torch.zeros(4, dtype=torch.float64),
        "logits": torch.zeros(2, 3),
        "pixel_values": rows.flatten(),
    }
    java.bind(opened["session"], buffers)
    for _ in range(3):
        java.step(opened["session"])
    java.evaluate(opened["session"])
    before = buffers["logits"].clone()
    java.merge(opened["session"])
    java.export_merged(opened["session"], str(tmp_path / "merged"))
    java.close(opened["session"])

    from transformers import AutoModelForImageClassification

    plain = AutoModelForImageClassification.from_pretrained(str(tmp_path / "merged")).eval()
    with torch.inference_mode():
        logits = plain(pixel_values=pixels.normalised(rows)).logits
    torch.testing.assert_close(logits, before, rtol=0, atol=2e-4)
    assert plain.config.id2label == {0: "a", 1: "b", 2: "c"}

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, row in enumerate(rows):
        Image.fromarray(row.permute(1, 2, 0).numpy()).save(pictures / f"{number}.png")
    paths = {"input": str(pictures), "output": str(tmp_path / "out.txt")}
    done = java.predict({"model_path": str(tmp_path / "merged"), **paths})
    said = [LABELS[index] for index in before.argmax(-1)]
    assert (tmp_path / "out.txt").read_text().split() == said
    assert done["counts"] == {label: said.count(label) for label in LABELS}
