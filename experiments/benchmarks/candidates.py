"""What evaluating a candidate costs beside the plain model's forward, and where merging pays.

    python experiments/benchmarks/candidates.py [--rounds 20] [--threads 2] [--output FILE]

Writes candidates.json beside itself. All contenders run interleaved in one process; a ratio is the
median over rounds of (contender / plain) in the same round. The model has MiniLM's shape (6 blocks,
hidden 384) with drawn weights: times do not depend on their values.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel

from glora import SearchSpace
from glora.candidates import MERGE_RATIO, Candidates
from glora.inject import glora_layers, inject, set_structure
from glora.layer import GLoRALinear

SPACE = SearchSpace((2, 4, 8))
ROWS, CHUNK, LENGTH = 200, 50, 40
SHAPES = ((384, 384), (384, 1536), (1536, 384), (768, 768), (768, 3072))
TOKENS = (100, 200, 400, 800, 1600, 3200, 8000)


def draw(generator: np.random.Generator, sites: list) -> np.ndarray:
    """A structure whose genes are uniform."""
    return np.array(
        [[generator.choice(SPACE.codes(t, site)) for t in "ABCDE"] for site in sites], dtype=np.int8
    )


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float]) -> dict[str, float]:
    low, middle, high = np.percentile(values, (25, 50, 75))
    return {"median": round(middle, 4), "q25": round(low, 4), "q75": round(high, 4)}


def evaluate_site(
    model: nn.ModuleDict, codes: np.ndarray, batches: list[torch.Tensor], merge: bool
) -> float:
    """Seconds for one structure of one site over all batches, choosing it included."""
    layer = model["site"]
    tokens = sum(len(batch) for batch in batches)
    candidates = Candidates(model, [codes.tobytes()], tokens, 0, merge=merge)
    layer.set_codes(codes[0])

    def work() -> None:
        candidates.choose(codes.tobytes())
        for batch in batches:
            layer(batch)

    taken = seconds(work)
    candidates.close()
    return taken


def crossover(rounds: int) -> list[dict]:
    """For each shape and number of tokens, merged over unmerged on drawn structures."""
    generator = np.random.default_rng(0)
    table = []
    for inputs, outputs in SHAPES:
        layer = GLoRALinear(nn.Linear(inputs, outputs), SPACE).eval()
        model = nn.ModuleDict({"site": layer})
        for parameter in layer.support_parameters().values():
            nn.init.normal_(parameter, std=0.01)
        for tokens in TOKENS:
            batches = [torch.randn(min(2000, tokens - i), inputs) for i in range(0, tokens, 2000)]
            ratios = []
            for _ in range(rounds):
                codes = draw(generator, [layer.site])
                merged = evaluate_site(model, codes, batches, True)
                ratios.append(merged / evaluate_site(model, codes, batches, False))
            table.append(
                {
                    "in": inputs,
                    "out": outputs,
                    "tokens": tokens,
                    "tokens_times_width_per_weight": round(
                        tokens * (inputs + outputs) / (inputs * outputs), 2
                    ),
                    "merged_over_unmerged": spread(ratios),
                }
            )
    return table


def pays_from(table: list[dict]) -> dict[str, float | None]:
    """For each shape the tokens times width per weight from which merging is never slower."""
    found: dict[str, float | None] = {}
    for inputs, outputs in SHAPES:
        rows = [row for row in table if (row["in"], row["out"]) == (inputs, outputs)]
        least = None
        for row in reversed(rows):
            if row["merged_over_unmerged"]["median"] > 1:
                break
            least = row["tokens_times_width_per_weight"]
        found[f"{inputs}x{outputs}"] = least
    return found


def evaluation(rounds: int) -> dict:
    """A candidate's evaluation of 200 rows, of drawn structures, beside the plain model's."""
    generator = np.random.default_rng(1)
    config = BertConfig(
        num_hidden_layers=6, hidden_size=384, intermediate_size=1536, num_attention_heads=12
    )
    torch.manual_seed(0)
    plain = BertModel(config).eval()
    model = BertModel(config).eval()
    sites = inject(model, SPACE, "all-linear", ("pooler",))
    for layer in glora_layers(model).values():
        for parameter in layer.support_parameters().values():
            nn.init.normal_(parameter, std=0.01)
    batches = [
        {
            "input_ids": torch.randint(0, config.vocab_size, (CHUNK, LENGTH)),
            "attention_mask": torch.ones(CHUNK, LENGTH, dtype=torch.int64),
        }
        for _ in range(ROWS // CHUNK)
    ]

    def run(which: nn.Module, candidates: Candidates | None = None) -> None:
        for batch in batches:
            if candidates is None:
                which(**batch)
            else:
                candidates.forward(lambda batch=batch: which(**batch).last_hidden_state, batch)

    def unshared(merge: bool) -> float:
        codes = draw(generator, sites)
        candidates = Candidates(model, [codes.tobytes()], ROWS * LENGTH, 0, merge=merge)

        def work() -> None:
            set_structure(model, codes)
            candidates.choose(codes.tobytes())
            run(model, candidates)

        taken = seconds(work)
        candidates.close()
        return taken

    def generation(cache: int) -> tuple[float, Candidates]:
        """Six mutants of one site of one parent, as regularised evolution asks for them."""
        parent = draw(np.random.default_rng(7), sites)
        drawn = np.random.default_rng(8)
        mutants = []
        for _ in range(6):
            child = parent.copy()
            site = int(drawn.integers(len(sites)))
            child[site] = draw(drawn, [sites[site]])[0]
            mutants.append(child)
        candidates = Candidates(model, [m.tobytes() for m in mutants], ROWS * LENGTH, cache)

        def work() -> None:
            for index in candidates.plan.order:
                set_structure(model, mutants[index])
                candidates.choose(mutants[index].tobytes())
                run(model, candidates)

        taken = seconds(work)
        candidates.close()
        return taken, candidates

    ratios: dict[str, list[float]] = {"merged": [], "unmerged": []}
    plains = []
    with torch.inference_mode():
        run(plain)
        unshared(True)
        for _ in range(rounds):
            base = seconds(lambda: run(plain))
            plains.append(base)
            ratios["merged"].append(unshared(True) / base)
            ratios["unmerged"].append(unshared(False) / base)
        saved = []
        for _ in range(max(2, rounds // 6)):
            alone, _ = generation(0)
            shared, candidates = generation(1 << 30)
            saved.append(shared / alone)
    return {
        "plain_seconds": spread(plains),
        "over_plain": {name: spread(values) for name, values in ratios.items()},
        "goal": 1.05,
        "met": statistics.median(ratios["merged"]) <= 1.05,
        "sharing": {
            "what": "six mutants of one parent at one site each, shared over not shared",
            "blocks": candidates.plan.blocks,
            "blocks_not_computed": candidates.plan.shared,
            "ratio": spread(saved),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with torch.inference_mode():
        table = crossover(arguments.rounds)
    result = {
        "what": __doc__.split("\n")[0],
        "machine": f"{platform.machine()}, {arguments.threads} threads, torch {torch.__version__}",
        "rounds": arguments.rounds,
        "merge_ratio": MERGE_RATIO,
        "merging_pays_from": pays_from(table),
        "evaluation": evaluation(arguments.rounds),
        "crossover": table,
    }
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["evaluation"], indent=2))


if __name__ == "__main__":
    main()
