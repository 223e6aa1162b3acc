"""What a search's structures are worth: are they the same over seeds, and does it rank them right?

    .venv/bin/python experiments/offline/structures.py stability --experiment confirm-image
    .venv/bin/python experiments/offline/structures.py ranks --experiment offline-ranks [--count 20]

`stability` compares the structures that one method found on one task with several seeds: the share
of genes (a tensor's form at a site) that two of them have in common, and beside it what the same
structures share once the sites of one are dealt out anew by lot: what chance would give.

`ranks` takes evaluated structures of a finished search, spread evenly from its best to its worst by
val loss, trains each anew from the pre-trained body (`./glora run`, so it goes on where it was
stopped), and says how far the inherited val numbers, which the search chose by, rank the retrained
ones: Spearman's correlation, with a 95 % interval by a bootstrap over the structures.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import itertools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from glora import Structure
from scipy.stats import spearmanr
from suite import ROOT, glora, task_name

DRAWS = 2_000

Genes = npt.NDArray[np.int8]


def agreement(
    structures: Sequence[Genes], draws: int = DRAWS, seed: int = 2306
) -> dict[str, float]:
    """Returns the mean share of equal genes over all pairs, and the same by lot.

    Args:
        structures: codes [sites, 5] each, at least two. Genes that are the same in all structures
            at all sites (forms that the space does not offer) are not counted.
        draws: how often the sites are dealt out.
        seed: of the lots.

    Raises:
        ValueError: fewer than two structures, or none of whose genes differ.
    """
    if len(structures) < 2:
        raise ValueError(f"{len(structures)} structures, expected at least two: run more seeds")
    stacked = np.stack(structures)
    free = [t for t in range(stacked.shape[2]) if len(np.unique(stacked[:, :, t])) > 1]
    if not free:
        raise ValueError("every structure has one form of each tensor at all sites")
    stacked = stacked[:, :, free]
    pairs = list(itertools.combinations(range(len(stacked)), 2))
    random = np.random.default_rng(seed)

    def share(shuffled: bool) -> float:
        order = random.permutation(stacked.shape[1]) if shuffled else slice(None)
        return float(np.mean([(stacked[a] == stacked[b][order]).mean() for a, b in pairs]))

    lots = np.array([share(shuffled=True) for _ in range(draws)])
    return {
        "structures": len(structures),
        "equal_genes": round(share(shuffled=False), 4),
        "by_lot": round(float(lots.mean()), 4),
        "by_lot_97.5": round(float(np.percentile(lots, 97.5)), 4),
    }


def spread(count: int, total: int) -> list[int]:
    """Returns `count` places from 0 to total - 1, as even as whole numbers are."""
    return sorted({round(x) for x in np.linspace(0, total - 1, min(count, total))})


def correlation(x: Sequence[float], y: Sequence[float], seed: int = 2306) -> dict[str, float]:
    """Returns Spearman's correlation and its 95 % bootstrap interval."""
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    random = np.random.default_rng(seed)
    drawn: list[float] = []
    while len(drawn) < DRAWS:
        rows = random.integers(len(a), size=len(a))
        if np.ptp(a[rows]) > 0 and np.ptp(b[rows]) > 0:
            drawn.append(spearmanr(a[rows], b[rows]).statistic)
    low, high = np.percentile(drawn, [2.5, 97.5])
    values = {"spearman": spearmanr(a, b).statistic, "low": low, "high": high}
    return {name: round(float(value), 3) for name, value in values.items()}


def finished(runs: Path, experiment: str) -> list[dict[str, Any]]:
    """Returns the finished GLoRA runs of an experiment."""
    rows = glora(runs, "list")["runs"]
    return [
        row
        for row in rows
        if (row["experiment"], row["status"]) == (experiment, "finished")
        and (runs / row["run"] / "structure.json").is_file()
    ]


def stability(runs: Path, experiment: str) -> list[dict[str, Any]]:
    """Compares the structures of each task and method over the seeds."""
    groups: dict[tuple[str, str], list[Genes]] = {}
    for row in finished(runs, experiment):
        structure = Structure.from_json((runs / row["run"] / "structure.json").read_bytes())
        name = task_name(json.loads((runs / row["run"] / "experiment.json").read_text()))
        groups.setdefault((name, row["label"]), []).append(structure.codes)
    return [
        {"task": task, "method": label, **agreement(found)}
        for (task, label), found in sorted(groups.items())
        if len(found) > 1
    ]


def trials(runs: Path, run: str) -> list[tuple[str, float, float]]:
    """Returns codes, val accuracy and val loss of a search's structures, the best loss first."""
    with closing(sqlite3.connect(f"file:{runs / 'glora.db'}?mode=ro", uri=True)) as store:
        query = "select codes, accuracy, loss from trial where run = ? order by loss, codes"
        return list(store.execute(query, (run,)))


def retrained(
    experiment: Path, template: Structure, chosen: Sequence[str], folder: Path
) -> Mapping[str, Any]:
    """Returns an experiment that trains these structures anew, and writes their files."""
    methods = []
    for index, coded in enumerate(chosen):
        genes = np.frombuffer(base64.b64decode(coded), dtype=np.int8).reshape(-1, 5)
        file = folder / f"structure-{index:02}.json"
        structure = dataclasses.replace(template, codes=genes)
        file.write_text(structure.to_json(), encoding="utf-8")
        methods.append(
            {
                "method": "glora",
                "label": f"structure-{index:02}",
                "structure": {"file": file.name},
                "training": {"steps": 100},
            }
        )
    return {
        "version": 1,
        "extends": str(experiment),
        "name": f"{experiment.stem}-retrained",
        "methods": methods,
    }


def ranks(runs: Path, experiment: Path, count: int) -> dict[str, Any]:
    """Trains structures of a search anew and correlates."""
    name = yaml.safe_load(experiment.read_text())["name"]
    found = finished(runs, name)
    if len(found) != 1:
        sys.exit(f"{name} has {len(found)} finished searches, expected one: run {experiment}.")
    searched = found[0]["run"]
    evaluated = trials(runs, searched)
    chosen = [evaluated[place] for place in spread(count, len(evaluated))]
    template = Structure.from_json((runs / searched / "structure.json").read_bytes())
    folder = runs / f"{name}-retrained"
    folder.mkdir(exist_ok=True)
    plan = retrained(experiment.resolve(), template, [row[0] for row in chosen], folder)
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(dict(plan), sort_keys=False), encoding="utf-8")
    command = [str(ROOT / "glora"), "run", str(file), "--runs", str(runs)]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"{file} did not run to its end; the same command goes on.")
    rows = {row["label"]: row["run"] for row in finished(runs, plan["name"])}
    pairs = []
    for index, (_, accuracy, loss) in enumerate(chosen):
        metrics = glora(runs, "show", rows[f"structure-{index:02}"])["metrics"]
        own = {"inherited": {"accuracy": accuracy, "loss": loss}, "retrained": metrics}
        pairs.append({"run": rows[f"structure-{index:02}"], **own})
    by_loss = [-pair["inherited"]["loss"] for pair in pairs]
    by_accuracy = [pair["inherited"]["accuracy"] for pair in pairs]
    test = [pair["retrained"]["test"]["accuracy"] for pair in pairs]
    return {
        "search": searched,
        "structures": len(pairs),
        "inherited_loss_with_test": correlation(by_loss, test),
        "inherited_accuracy_with_test": correlation(by_accuracy, test),
        "pairs": pairs,
    }


def main() -> None:
    """Reads the arguments, prints the answer as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("stability", "ranks"))
    parser.add_argument("--experiment", required=True, help="its name, for ranks its file")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    runs = arguments.runs.resolve()
    answer: Any = (
        stability(runs, arguments.experiment)
        if arguments.what == "stability"
        else ranks(runs, Path(arguments.experiment), arguments.count)
    )
    text = json.dumps(answer, indent=1) + "\n"
    if arguments.output:
        arguments.output.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
