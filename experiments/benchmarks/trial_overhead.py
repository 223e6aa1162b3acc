"""What a trial of a trivial objective costs in glora and in Optuna, both with SQLite on one disk.

    python experiments/benchmarks/trial_overhead.py        needs a Python with optuna

The contenders take turns, each in a process of its own, timed within it: the starts are not
counted. Optuna with one parameter is the least that it can do; with the 72 choices of the same
space it stores what glora stores. Writes `results/trial_overhead.json`: milliseconds of a trial,
and glora's share of Optuna's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROUNDS = 3
GENERATIONS = 10  # of 50 trials

OPTUNA = """
import sys, time, optuna
from optuna.samplers import NSGAIISampler, RandomSampler
optuna.logging.disable_default_handler()
folder, choices, trials, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
def objective(trial):
    if choices == 1:
        return trial.suggest_float("x", 0, 1)
    sizes = [9 if i % 2 else 2 for i in range(choices)]
    return sum(trial.suggest_categorical(f"g{i}", list(range(n))) for i, n in enumerate(sizes))
sampler = NSGAIISampler(seed=0) if kind == "evolution" else RandomSampler(seed=0)
study = optuna.create_study(storage=f"sqlite:///{folder}/optuna.db", sampler=sampler)
begin = time.perf_counter()
study.optimize(objective, n_trials=trials)
print((time.perf_counter() - begin) / trials)
"""


def optuna(choices: int, trials: int, sampler: str) -> float:
    """Seconds of a trial in Optuna."""
    with tempfile.TemporaryDirectory() as folder:
        return run([sys.executable, "-c", OPTUNA, folder, str(choices), str(trials), sampler])


def glora(jars: str, leases: str) -> float:
    """Seconds of a trial in glora."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["java", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-cp", jars]
        return run([*command, str(HERE / "TrialOverhead.java"), folder, str(GENERATIONS), leases])


def run(command: list[str]) -> float:
    """The number that a contender prints last."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Lets the contenders take turns and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jars", help="class path (default: what ./glora made last)")
    parser.add_argument("--output", type=Path, default=HERE / "results/trial_overhead.json")
    options = parser.parse_args()
    jars = options.jars
    if jars is None:
        subprocess.run([ROOT / "glora", "version"], check=True, capture_output=True)
        jars = str(max((ROOT / ".build/jars").iterdir(), key=os.path.getmtime)) + "/*"
    contenders = {
        "glora": lambda: glora(jars, "false"),
        "glora, a lease for each trial": lambda: glora(jars, "true"),
        "optuna, 1 parameter, random": lambda: optuna(1, 100, "random"),
        "optuna, 1 parameter, evolution": lambda: optuna(1, 100, "evolution"),
        "optuna, 72 parameters, evolution": lambda: optuna(72, 30, "evolution"),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            times[name].append(1000 * contender())
    least = min(statistics.median(own) for name, own in times.items() if name.startswith("optuna"))
    share = statistics.median(times["glora"]) / least
    import optuna as package

    result = {
        "what": "milliseconds of a trial whose objective costs nothing, every trial on the disk",
        "rounds": ROUNDS,
        "machine": f"{os.cpu_count()} CPU cores, {platform.system()} {platform.machine()}",
        "optuna": package.__version__,
        "trials": {
            name: {
                "median_ms": round(statistics.median(own), 3),
                "least_ms": round(min(own), 3),
                "most_ms": round(max(own), 3),
            }
            for name, own in times.items()
        },
        "glora_beside_cheapest_optuna": round(share, 3),
        "goal": 0.333,
        "verdict": "met" if share <= 1 / 3 else "missed",
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
