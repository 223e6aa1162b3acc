"""Is searched GLoRA ahead of LoRA at equal cost and size? Reads runs, says win, tie or loss.

    .venv/bin/python experiments/offline/judge.py --runs runs --experiment confirm-text \
        --ours glora --theirs lora- [--json verdict.json]

Each task and seed gives a pair: our primary final, and that run of the baseline's grid (all methods
whose label begins with `--theirs`) that has the best val accuracy, ties by val loss. What the grid
cost is the sum over all its runs. The difference of a pair is, for each test example, 1 where only
we are right, −1 where only they are, else 0. Its mean is the difference in accuracy.

The interval is a bootstrap's, from the outermost level inwards (Davison & Hinkley 1997, 3.8): tasks
are drawn with replacement, in each the seeds, in each the test examples, which the seeds of a task
share. Ahead (behind) means that the 95 % interval lies above (below) zero.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from suite import ROOT, glora, task_name

DRAWS = 10_000
FORWARD_AND_BACKWARD = 3  # of a training row, in forwards of a row: backward costs two

Floats = npt.NDArray[np.float64]
Pairs = Mapping[str, Floats]
"""By task: differences [seeds, test examples]."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % bootstrap interval, in points of accuracy."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`win` above zero, `loss` below, else `tie`."""
        return "win" if self.low > 0 else "loss" if self.high < 0 else "tie"


def bootstrap(pairs: Pairs, draws: int = DRAWS, seed: int = 2306) -> Interval:
    """Returns the mean over tasks of the mean difference, with its interval.

    One task alone is not drawn anew: then the interval is over its seeds and examples.

    Raises:
        ValueError: there is nothing to compare.
    """
    if not pairs or any(d.ndim != 2 or d.size == 0 for d in pairs.values()):
        raise ValueError("no pair of runs to compare, expected [seeds, examples] for each task")
    random = np.random.default_rng(seed)
    tasks = list(pairs.values())
    means = np.empty(draws)
    for draw in range(draws):
        chosen = random.integers(len(tasks), size=len(tasks))
        total = 0.0
        for index in chosen:
            differences = tasks[index]
            seeds, examples = differences.shape
            rows = differences[random.integers(seeds, size=seeds)].mean(axis=0)
            # How often each example is drawn: the same as drawing its number, and faster.
            weights = random.multinomial(examples, np.full(examples, 1 / examples))
            total += float(weights @ rows) / examples
        means[draw] = 100 * total / len(tasks)
    low, high = np.percentile(means, [2.5, 97.5])
    mean = 100 * float(np.mean([d.mean() for d in tasks]))
    return Interval(mean, float(low), float(high))


@dataclass(frozen=True)
class Run:
    """What the judgement needs of a run record."""

    name: str
    task: str
    label: str
    seed: int
    status: str
    val: float = 0.0
    val_loss: float = 0.0
    test: float = 0.0
    folded: int = 0
    seconds: float = 0.0
    forwards: float = 0.0
    correct: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


def best(grid: Sequence[Run]) -> Run:
    """Returns the run of a grid that val chooses: by accuracy, then loss, then name."""
    return min(grid, key=lambda run: (-run.val, run.val_loss, run.name))


def forwards(resolved: Mapping[str, Any], rows_searched: float) -> float:
    """Returns what a run cost in forwards of one row, test and the check of the merge left out."""
    method = resolved["methods"][0]
    val = resolved["task"]["split"]["val"]

    def trained(block: Mapping[str, Any]) -> float:
        return float(block["steps"] * block["batch_size"] * FORWARD_AND_BACKWARD)

    if method["method"] == "head":
        return float(resolved["task"]["split"]["train"] + val)
    if method["method"] != "glora":
        return trained(method["training"]) + val
    if method.get("structure") is not None:
        return trained(method["retrain"]) + val
    supernet, search = method["supernet"]["training"], method["search"]
    cost = trained(supernet) + rows_searched
    if search["start"] == "taylor":
        cost += search["score_batches"] * supernet["batch_size"] * FORWARD_AND_BACKWARD
    # The cost of the primary final alone: the others are made beside it and not used.
    if method["primary"] != "inherit":
        cost += trained(method[method["primary"]])
    return cost + val


def seconds(timings: Mapping[str, float], primary: str) -> float:
    """Returns the seconds of the stages that lead to the primary final, test left out."""
    return sum(
        value
        for stage, value in timings.items()
        if stage in ("features", "train", "supernet", "score", "search", f"final:{primary}")
    )


def load(runs: Path, experiments: Sequence[str]) -> list[Run]:
    """Reads the records of all runs of these experiments, whatever became of them."""
    listed = glora(runs, "list")["runs"]
    return [read(runs, row) for row in listed if row["experiment"] in experiments]


def read(runs: Path, row: Mapping[str, Any]) -> Run:
    """Reads one run."""
    name, status = row["run"], row["status"]
    folder = runs / name
    if not (folder / "experiment.json").is_file():  # planned and never begun
        return Run(name, "", row["label"], row["seed"], status)
    resolved = json.loads((folder / "experiment.json").read_text())
    task = task_name(resolved)
    method = resolved["methods"][0]
    bare = Run(name, task, method["label"], resolved["seeds"][0], status)
    if status != "finished":
        return bare
    record = glora(runs, "show", name)
    primary = next(final for final in record["finals"] if final["primary"])
    searched = record.get("search") or {}
    return Run(
        name,
        task,
        bare.label,
        bare.seed,
        status,
        val=primary["metrics"]["val"]["accuracy"],
        val_loss=primary["metrics"]["val"]["loss"],
        test=primary["metrics"]["test"]["accuracy"],
        folded=primary["parameters"]["folded"],
        seconds=seconds(record["timings"], primary["mode"]),
        forwards=forwards(resolved, (searched.get("evaluation") or {}).get("rows", 0)),
        correct=correct(folder / primary["predictions"]["file"]),
    )


def correct(predictions: Path) -> npt.NDArray[np.bool_]:
    """Returns for each test example whether its prediction is its label."""
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    lines.sort(key=lambda line: line["row"])
    return np.array([line["label"] == line["prediction"] for line in lines])


def judge(runs: Sequence[Run], ours: str, theirs: str) -> dict[str, Any]:
    """Compares; returns the verdict over all tasks, of each task, and the pairs it rests on."""
    pairs: list[dict[str, Any]] = []
    differences: dict[str, list[Floats]] = {}
    for run in sorted(runs, key=lambda each: (each.task, each.seed)):
        if run.label != ours or run.status != "finished":
            continue
        grid = [
            other
            for other in runs
            if other.label.startswith(theirs)
            and (other.task, other.seed, other.status) == (run.task, run.seed, "finished")
        ]
        if not grid:
            continue
        chosen = best(grid)
        difference = run.correct.astype(float) - chosen.correct.astype(float)
        differences.setdefault(run.task, []).append(difference)
        pairs.append(
            {
                "task": run.task,
                "seed": run.seed,
                "ours": run.name,
                "theirs": chosen.name,
                "chosen": chosen.label,
                "test": [round(100 * run.test, 2), round(100 * chosen.test, 2)],
                "val": [round(100 * run.val, 2), round(100 * chosen.val, 2)],
                "folded": [run.folded, chosen.folded],
                "seconds": [
                    round(run.seconds, 1),
                    round(sum(r.seconds for r in grid), 1),
                ],
                "forwards": [round(run.forwards), round(sum(r.forwards for r in grid))],
            }
        )
    stacked = {task: np.stack(rows) for task, rows in differences.items()}
    tasks = {task: bootstrap({task: rows}) for task, rows in stacked.items()}
    return {
        "ours": ours,
        "theirs": theirs,
        "overall": _json(bootstrap(stacked)) if stacked else None,
        "tasks": {task: _json(interval) for task, interval in tasks.items()},
        "pairs": pairs,
        "left_out": [
            {"run": run.name, "status": run.status} for run in runs if run.status != "finished"
        ],
    }


def _json(interval: Interval) -> dict[str, Any]:
    numbers = {name: round(getattr(interval, name), 2) for name in ("mean", "low", "high")}
    return {**numbers, "verdict": interval.verdict}


def markdown(verdict: Mapping[str, Any]) -> str:
    """Returns the verdict as two tables."""
    lines = [
        "| task | difference in points | 95 % interval | verdict |",
        "| --- | ---: | ---: | --- |",
    ]
    rows = [*verdict["tasks"].items(), ("all tasks", verdict["overall"])]
    lines += [
        f"| {task} | {r['mean']:+.2f} | {r['low']:+.2f} to {r['high']:+.2f} | {r['verdict']} |"
        for task, r in rows
        if r
    ]
    lines += [
        "",
        "| task | seed | test ours | test theirs | chosen by val | folded | seconds | forwards |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for pair in verdict["pairs"]:
        both = [f"{pair[key][0]:,} / {pair[key][1]:,}" for key in ("folded", "seconds", "forwards")]
        lines.append(
            f"| {pair['task']} | {pair['seed']} | {pair['test'][0]} | {pair['test'][1]} | "
            f"{pair['chosen']} | {' | '.join(both)} |"
        )
    if verdict["left_out"]:
        left = ", ".join(f"{run['run']} ({run['status']})" for run in verdict["left_out"])
        lines += ["", f"Started and not finished: {left}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Reads the arguments, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, action="append", help="may be given several times")
    parser.add_argument("--experiment", action="append", required=True)
    parser.add_argument("--ours", default="glora")
    parser.add_argument("--theirs", default="lora-")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    verdict = judge(
        [
            run
            for folder in arguments.runs or [ROOT / "runs"]
            for run in load(folder, arguments.experiment)
        ],
        arguments.ours,
        arguments.theirs,
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(verdict, indent=1) + "\n")
    print(markdown(verdict), end="")


if __name__ == "__main__":
    main()
