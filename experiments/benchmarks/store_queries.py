"""How long the verbs that only ask take on a store of 10,000 runs with 1,000 trials each.

    python experiments/benchmarks/store_queries.py [--runs 10000] [--trials 1000] [--folder DIR]

The store is made by SQL from the runs of a small one (`orchestrator/src/test/resources/stores`) in
a temporary folder, some 6 GB; then each verb is called as a user calls it, `./glora VERB`, several
times, the verbs interleaved. Writes `results/store_queries.json`: seconds of each, start of Java
included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "orchestrator/src/test/resources/stores/sqlite-v2.db"
TABLES = ("record", "final", "event", "test_opening")
GOAL = 1.5
ROUNDS = 5


def make(file: Path, runs: int, trials: int) -> None:
    """Clones the six runs of the small store until there are `runs`, and gives each `trials`."""
    shutil.copy(SMALL, file)
    db = sqlite3.connect(file)
    db.executescript(
        "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -500000;"
    )
    (known,) = db.execute("select count(*) from run").fetchone()
    db.execute(
        "create temp table clone as select id, row_number() over (order by rowid) as place from run"
    )
    # The n-th clone of a run is its id with another seed and another key.
    name = "printf('demo-%s-s%d-%08x', label, n + 1, n * 8 + place)"
    numbers = (
        "with recursive number (n) as (select 1 union all select n + 1 from number where n < :n)"
    )
    each = {"n": -(-runs // known) - 1}
    db.execute(
        f"create temp table copy as {numbers} select run.id as source, {name} as id, n, place,"
        " label from number, run join clone on clone.id = run.id",
        each,
    )
    db.execute(
        "insert into run (id, key, campaign, label, method, seed, status, reason, resolved,"
        " created, started, changed) select copy.id, printf('%064x', n * 8 + place), campaign,"
        " run.label, method, n + 1, iif(n % 100 = 0, 'FAILED', status), '', resolved, created,"
        " started, changed from copy join run on run.id = copy.source"
    )
    for table in TABLES:
        columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
        kept = [column for column in columns if column not in ("id", "run")]
        db.execute(
            f"insert into {table} (run, {', '.join(kept)}) select copy.id,"
            f" {', '.join(f'{table}.{column}' for column in kept)}"
            f" from copy join {table} on {table}.run = copy.source order by copy.id"
        )
    db.execute("delete from trial")
    # 36 sites make 180 codes, 240 signs in Base64.
    db.execute(
        f"insert into trial {numbers} select run.id, (n - 1) / 50, (n - 1) % 50,"
        " printf('%016x%048x', run.rowid, n), printf('%0240d', n), 0.5 + n / 3000.0, 1.0 / n,"
        " 160000 + n, 160000 + n, 150000 + n, 'mutation' from run, number order by run.id, n",
        {"n": trials},
    )
    db.commit()
    db.execute("pragma journal_mode = wal")
    db.close()


def main() -> None:
    """Makes the store, calls the verbs, writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument(
        "--folder", type=Path, help="keeps the store there, or uses the one that is"
    )
    parser.add_argument(
        "--make-only", action="store_true", help="makes the store and measures nothing"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results/store_queries.json"
    )
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="glora-store-"))
    file = folder / "glora.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(file, options.runs, options.trials)
    if options.make_only:
        return
    with sqlite3.connect(file) as db:
        (run,) = db.execute(
            "select id from run where method = 'glora' order by rowid desc"
        ).fetchone()
        (other,) = db.execute("select id from run where method = 'lora' order by rowid").fetchone()
        (runs,) = db.execute("select count(*) from run").fetchone()
        (trials,) = db.execute("select count(*) from trial").fetchone()
    db.close()
    verbs = {
        "version (no store)": ["version"],
        "list": ["list"],
        "list --json": ["list", "--json"],
        "list --status failed": ["list", "--status", "failed"],
        "list --experiment": ["list", "--experiment", "demo", "--limit", "20", "--offset", "5000"],
        "show": ["show", run],
        "show --json": ["show", run, "--json"],
        "status": ["status"],
        "run --dry-run": [
            "run",
            str(ROOT / "experiments/quickstart.yaml"),
            "--dry-run",
            "seeds=[0,1,2]",
        ],
        "gc": ["gc"],
    }
    listed = subprocess.run(
        [ROOT / "glora", "help"], capture_output=True, text=True, check=True
    ).stdout
    if "\n  compare " in listed:
        verbs["compare"] = ["compare", run, other]
    seconds: dict[str, list[float]] = {name: [] for name in verbs}
    for _ in range(ROUNDS):
        for name, arguments in verbs.items():
            begin = time.perf_counter()
            done = subprocess.run(
                [ROOT / "glora", *arguments, "--runs", folder], capture_output=True, text=True
            )
            seconds[name].append(time.perf_counter() - begin)
            if done.returncode != 0:
                raise SystemExit(f"glora {name} ended with {done.returncode}: {done.stderr}")
    result = {
        "what": "seconds of a command on a large store, the start of Java included",
        "runs": runs,
        "trials": trials,
        "store_gib": round(file.stat().st_size / 2**30, 2),
        "rounds": ROUNDS,
        "machine": f"{os.cpu_count()} CPU cores, {platform.system()} {platform.machine()}",
        "goal_seconds": GOAL,
        "verbs": {
            name: {
                "median": round(statistics.median(times), 3),
                "least": round(min(times), 3),
                "most": round(max(times), 3),
                "goal": "met" if max(times) <= GOAL else "missed",
            }
            for name, times in seconds.items()
        },
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["verbs"], indent=2))
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
