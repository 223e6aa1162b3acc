"""Times a training step of the supernet beside its peers, and what adapting costs in inference.

    python experiments/benchmarks/layer.py minilm|vit|smollm2 [--rounds 20] [--threads 2]
    python experiments/benchmarks/layer.py minilm|vit|smollm2 --memory
    python experiments/benchmarks/layer.py minilm|vit|smollm2 --profile

All contenders stand in one process and take turns, in a new order every round; what is reported is
each one's median over the rounds with its quartiles, and ratios of medians. The structure is drawn
anew at every step. Memory is measured in one child process per contender, see `memory`.
The profile gives
every site one form alone. Results go to `results/layer-MODEL.json` (`memory-MODEL.json`,
`profile-MODEL.json`).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

MEMORY_CONTENDERS = ("peft-lora", "supernet", "supernet-248", "published", "peft-glora", "frozen")
MEMORY_STEPS = 8
# Codes A to E; 3 is LoRA of the one rank.
FORMS = {
    "floor": (0, 0, 0, 0, 0),
    "A scalar": (1, 0, 0, 0, 0),
    "A vector": (2, 0, 0, 0, 0),
    "A LoRA": (3, 0, 0, 0, 0),
    "B scalar": (0, 1, 0, 0, 0),
    "B vector": (0, 2, 0, 0, 0),
    "B LoRA": (0, 3, 0, 0, 0),
    "C LoRA": (0, 0, 3, 0, 0),
    "E vector": (0, 0, 0, 0, 2),
    "A vector, B LoRA": (2, 3, 0, 0, 0),
    "all LoRA and vectors": (3, 3, 3, 2, 2),
}
EXAMPLES, EVALUATION_BATCH = 200, 50


def interleaved(
    contenders: dict[str, Callable[[int], Any]], rounds: int, warm_up: int = 3
) -> dict[str, dict[str, float]]:
    """Seconds of every contender: median and quartiles over the rounds."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    order, shuffle = list(contenders), random.Random(0)
    for index in range(-warm_up, rounds):
        shuffle.shuffle(order)
        for name in order:
            start = time.perf_counter()
            contenders[name](index)
            if index >= 0:
                times[name].append(time.perf_counter() - start)
    summary = {}
    for name, seconds in times.items():
        low, median, high = statistics.quantiles(seconds, n=4)
        summary[name] = {"median_s": median, "q1_s": low, "q3_s": high, "rounds": len(seconds)}
    return summary


def ratios(summary: dict[str, dict[str, float]], reference: str) -> dict[str, float]:
    """Every median beside the reference's."""
    base = summary[reference]["median_s"]
    return {name: round(value["median_s"] / base, 4) for name, value in summary.items()}


def training(subject: Any, rounds: int) -> dict[str, Any]:
    """One step of every contender."""
    from contenders import CONTENDERS

    steps = {name: kind(subject).step for name, kind in CONTENDERS.items()}
    summary = interleaved(steps, rounds)
    return {
        "seconds": summary,
        "beside_peft_lora": ratios(summary, "peft-lora"),
        "beside_frozen": ratios(summary, "frozen"),
        "supernet_beside": {
            name: round(summary["supernet"]["median_s"] / value["median_s"], 4)
            for name, value in summary.items()
        },
    }


def inference(subject: Any, rounds: int) -> dict[str, Any]:
    """The merged model's forward beside the plain one's, on the training batch."""
    import torch
    from contenders import Supernet

    import glora

    merged = Supernet(subject)
    _fill(merged)
    merged.activate(merged.structure())
    glora.merge(merged.model)
    models = {"plain": subject.model.eval(), "merged": merged.model.eval()}

    def forward(model: Any) -> Callable[[int], Any]:
        @torch.inference_mode()
        def run(index: int) -> Any:
            return model(**subject.inputs).logits

        return run

    summary = interleaved({n: forward(m) for n, m in models.items()}, rounds)
    return {"seconds": summary, "beside_plain": ratios(summary, "plain")}


def evaluation(subject: Any, rounds: int) -> dict[str, Any]:
    """A candidate on 200 examples in batches of 50, unmerged and merged into a scratch copy."""
    import copy

    import torch
    from contenders import Supernet

    import glora

    supernet = Supernet(subject)
    _fill(supernet)
    supernet.model.eval()
    scratch = copy.deepcopy(subject.model).eval()
    plain = subject.model.eval()
    rows = next(iter(subject.inputs.values())).shape[0]
    pick = torch.arange(EXAMPLES) % rows
    batches = [
        {name: value[part] for name, value in subject.inputs.items()}
        for part in pick.split(EVALUATION_BATCH)
    ]
    targets = {name: scratch.get_submodule(name) for name in supernet.layers}
    for target in targets.values():
        if target.bias is None:
            target.bias = torch.nn.Parameter(torch.zeros(target.out_features), False)

    def run(model: Any) -> None:
        for batch in batches:
            model(**batch)

    @torch.inference_mode()
    def of_plain(index: int) -> None:
        run(plain)

    @torch.inference_mode()
    def unmerged(index: int) -> None:
        glora.set_structure(supernet.model, supernet.structure())
        run(supernet.model)

    @torch.no_grad()
    def merged(index: int) -> None:
        glora.set_structure(supernet.model, supernet.structure())
        for name, layer in supernet.layers.items():
            targets[name].weight.copy_(layer.effective_weight(layer.weight))
            bias = layer.effective_bias(layer.weight, layer.bias)
            if bias is not None:
                targets[name].bias.copy_(bias)
        with torch.inference_mode():
            run(scratch)

    ways = {"plain": of_plain, "unmerged": unmerged, "merged-scratch": merged}
    summary = interleaved(ways, rounds)
    return {
        "examples": EXAMPLES,
        "batch": EVALUATION_BATCH,
        "seconds": summary,
        "beside_plain": ratios(summary, "plain"),
    }


def profile(subject: Any, rounds: int) -> dict[str, Any]:
    """Seconds of forward and backward with one form at every site that has it."""
    import numpy as np
    from contenders import Supernet, want_input_gradients

    supernet = Supernet(subject)
    _fill(supernet)
    want_input_gradients(supernet.model)
    forward: dict[str, list[float]] = {name: [] for name in FORMS}
    backward: dict[str, list[float]] = {name: [] for name in FORMS}
    order, shuffle = list(FORMS), random.Random(0)
    for index in range(-2, rounds):
        shuffle.shuffle(order)
        for name in order:
            codes = [
                [code if code in allowed else 0 for code, allowed in zip(FORMS[name], site)]
                for site in supernet.choices
            ]
            supernet.activate(np.array(codes, dtype=np.int8))
            supernet.flat.zero_grad()
            start = time.perf_counter()
            loss = supernet.loss()
            middle = time.perf_counter()
            loss.backward()
            if index >= 0:
                forward[name].append(middle - start)
                backward[name].append(time.perf_counter() - middle)
    return {
        name: {
            "forward_s": statistics.median(forward[name]),
            "backward_s": statistics.median(backward[name]),
        }
        for name in FORMS
    }


def _fill(supernet: Any) -> None:
    """Small numbers instead of zeros, as after some training."""
    import torch

    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer in supernet.layers.values():
            for parameter in layer.support_parameters().values():
                parameter.copy_(0.01 * torch.randn(parameter.shape, generator=generator))


def memory_of_child(model: str, contender: str) -> None:
    """Prints the peak of resident memory over some steps, above that before the model was made."""
    from contenders import CONTENDERS, SUBJECTS

    trim = ctypes.CDLL(None).malloc_trim
    before = _resident("VmRSS")
    subject = SUBJECTS[model]()
    made = CONTENDERS[contender](subject)
    subject.model.to("meta")  # the contender has a copy of its own
    trim(0)
    loaded = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    for index in range(MEMORY_STEPS):
        made.step(index)
    print(json.dumps({"loaded": loaded - before, "peak": _resident("VmHWM") - before}))


def _resident(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(key)


def memory(model: str, threads: int) -> dict[str, Any]:
    """Peak resident memory of every contender, each in a process of its own (Linux)."""
    # Blocks from 64 KiB on are given back at once: resident memory follows what is alive.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    peaks = {}
    for contender in MEMORY_CONTENDERS:
        command = [sys.executable, __file__, model, "--child", contender, "--threads", str(threads)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        peaks[contender] = json.loads(done.stdout.strip().splitlines()[-1])
    base = peaks["peft-lora"]["peak"]
    return {
        "what": "resident bytes above the process before the model was made, over some steps",
        "steps": MEMORY_STEPS,
        "bytes": peaks,
        "beside_peft_lora": {n: round(value["peak"] / base, 4) for n, value in peaks.items()},
    }


def machine(threads: int) -> dict[str, Any]:
    """What the numbers belong to."""
    from importlib.metadata import version

    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main() -> None:
    """Runs what the arguments ask for and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=("minilm", "vit", "smollm2"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    if arguments.child:
        memory_of_child(arguments.model, arguments.child)
        return
    result: dict[str, Any] = {"model": arguments.model, "machine": machine(arguments.threads)}
    what = "memory" if arguments.memory else "profile" if arguments.profile else "layer"
    if arguments.memory:
        result["memory"] = memory(arguments.model, arguments.threads)
    else:
        from contenders import SUBJECTS

        subject = SUBJECTS[arguments.model]()
        result["subject"] = subject.description
        if arguments.profile:
            result["profile"] = profile(subject, arguments.rounds)
        else:
            result["training"] = training(subject, arguments.rounds)
            result["inference"] = inference(subject, arguments.rounds)
            if arguments.model == "minilm":
                result["evaluation"] = evaluation(subject, arguments.rounds)
    target = HERE / "results" / f"{what}-{arguments.model}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in result.items() if k != "machine"}, indent=1))


if __name__ == "__main__":
    main()
