"""Writes `layer.md` from the results of `layer.py`: the numbers and which goals they reach.

python experiments/benchmarks/layer_report.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODELS = {"minilm": "MiniLM 32×40", "vit": "ViT-B/16 4×197", "smollm2": "SmolLM2-135M 2×128"}
CONTENDERS = {
    "frozen": "frozen body",
    "floor": "floor",
    "peft-lora": "PEFT LoRA r4",
    "supernet": "supernet r4",
    "supernet-248": "ranks 2, 4, 8",
    "published": "published layer",
    "peft-glora": "PEFT GLoRA r4",
    "full": "full",
}
# Contender beside which the supernet's step is put, and the most it may be for each model.
GOALS = {
    "peft-lora": ("beside PEFT LoRA r4", {"minilm": 0.90, "vit": 0.90, "smollm2": 0.90}),
    "peft-glora": ("beside PEFT GLoRA r4", {"minilm": 0.45, "vit": 0.45, "smollm2": 0.45}),
    "published": ("beside the published layer", {"minilm": 0.82, "vit": 0.68}),
    "frozen": ("beside a frozen body and a head", {"minilm": 2.4, "vit": 2.4, "smollm2": 2.4}),
}


def read(what: str, model: str) -> dict[str, Any] | None:
    """One result, None where it was not measured."""
    file = HERE / "results" / f"{what}-{model}.json"
    return json.loads(file.read_text("utf-8")) if file.is_file() else None


def verdict(value: float, at_most: float | None) -> str:
    """The value with its goal: a ratio of two medians is known to two places."""
    if at_most is None:
        return f"{value:.2f}"
    return (
        f"{value:.2f}, at most {at_most:g}: {'reached' if round(value, 2) <= at_most else 'missed'}"
    )


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def times(layers: dict[str, dict[str, Any]]) -> str:
    """Medians and quartiles of every contender, milliseconds."""
    lines = []
    for model, result in layers.items():
        seconds = result["training"]["seconds"]
        cells = [
            "{:.0f} ({:.0f} to {:.0f})".format(
                *(1e3 * seconds[name][key] for key in ("median_s", "q1_s", "q3_s"))
            )
            for name in CONTENDERS
        ]
        lines.append([MODELS[model], *cells])
    return table(["", *CONTENDERS.values()], lines)


def goals(layers: dict[str, dict[str, Any]]) -> str:
    """What was wanted and what was found."""
    lines = []
    for name, (title, most) in GOALS.items():
        found = {m: layers[m]["training"]["supernet_beside"][name] for m in layers}
        lines.append([title, *(verdict(found[m], most.get(m)) for m in layers)])
    memories = {model: read("memory", model) for model in layers}
    lines.append(
        [
            "peak memory beside PEFT LoRA r4",
            *(
                verdict(found["memory"]["beside_peft_lora"]["supernet"], 1.05) if found else "–"
                for found in memories.values()
            ),
        ]
    )
    merged = {m: layers[m]["inference"]["beside_plain"]["merged"] for m in layers}
    # A merged model is a plain model: what differs from 1 is the spread of the two medians.
    lines.append(
        ["merged model's forward beside the plain one", *(f"{merged[m]:.2f}" for m in merged)]
    )
    evaluation = layers["minilm"]["evaluation"]["beside_plain"]
    lines.append(
        [
            "a candidate on 200 examples beside the plain forward",
            f"merged into a scratch copy {verdict(evaluation['merged-scratch'], 1.05)}; "
            f"unmerged {evaluation['unmerged']:.2f}",
            *[""] * (len(layers) - 1),
        ]
    )
    return table(["supernet r4", *(MODELS[m] for m in layers)], lines)


def profile() -> str:
    """What each form costs on MiniLM."""
    result = read("profile", "minilm")
    assert result is not None
    lines = [
        [
            form,
            f"{1e3 * cost['forward_s']:.1f}",
            f"{1e3 * cost['backward_s']:.1f}",
            WHY.get(form, ""),
        ]
        for form, cost in result["profile"].items()
    ]
    return table(["form", "forward", "backward", ""], lines)


WHY = {
    "floor": "the body's own",
    "A scalar": "the weight scaled twice, a dot over dX",
    "A vector": "the weight scaled twice, a pass over the output and dY",
    "A LoRA": "the weight built twice, dYᵀX, three passes over it",
    "B scalar": "the sum of x, a pass over the output",
    "B vector": "the same",
    "B LoRA": "thin GEMMs",
    "C LoRA": "two products of W0 with a vector, the sum of dY over the tokens",
    "E vector": "the sum of dY over the tokens",
    "A vector, B LoRA": "B is in the scaled weight",
    "all LoRA and vectors": "B is in the built weight",
}


def main() -> None:
    """Reads the results and writes the page."""
    layers = {model: found for model in MODELS if (found := read("layer", model)) is not None}
    text = (HERE / "layer.template.md").read_text("utf-8")
    for name, part in (("times", times(layers)), ("goals", goals(layers)), ("profile", profile())):
        text = text.replace(f"{{{{{name}}}}}", part)
    (HERE / "layer.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
