"""What a worker process costs: its start, its memory, and a trial in it beside one `inline`.

    python experiments/benchmarks/worker_costs.py     quickstart's model, data and search, shortened

Both runners take turns, each in folders of its own. Writes `results/worker_costs.json`:

- start: seconds from the worker's process to its first stage, with PyTorch imported there;
- memory: greatest proportional set size (a page that processes share counts in parts) of the worker
  and of the process that was called, looked at twice a second during the search;
- trial: seconds from one evaluation's commit to the next, median of a search, and seconds of the
  processor's time, all processes together, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROUNDS = 3
SETTINGS = (
    "methods.glora.supernet.training.steps=4",
    "methods.glora.supernet.sampling.largest_steps=4",
    "methods.glora.search.score_batches=1",
    "methods.glora.search.population=6",
    "methods.glora.search.generations=1",
    "methods.glora.search.mutations=3",
    "methods.glora.search.crossovers=3",
    "methods.glora.final=[inherit]",
    "methods.glora.primary=inherit",
    "runtime.threads=1",
)


def events(file: Path) -> list[tuple[int, str, str]]:
    """Time in milliseconds, stage and how far it is, of each whole line."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [(int(a), c, d) for a, _, c, d in (line.split(" ") for line in lines)]


def children(pid: int) -> list[int]:
    """The processes that one has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def memory_mib(pid: int) -> float:
    """Proportional set size."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (kib,) = re.findall(r"^Pss:\s+(\d+) kB", text, re.M)
    return int(kib) / 1024


def processor_s(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started_ms(pid: int) -> float:
    """When a process began, in milliseconds since 1970."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    (boot,) = re.findall(r"^btime (\d+)", Path("/proc/stat").read_text(), re.M)
    return 1000 * (int(boot) + ticks / os.sysconf("SC_CLK_TCK"))


def run(*runner: str) -> dict[str, float]:
    """Does the one run with a search, and watches."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events"
        command = [str(ROOT / "glora"), "run", str(ROOT / "experiments/quickstart.yaml"), *SETTINGS]
        # The other methods search nothing.
        only = "methods=[" + json.dumps(search_method()) + "]"
        command[3:3] = [only]
        with subprocess.Popen(
            [*command, "--runs", folder + "/runs", *runner],
            env={**os.environ, "GLORA_EVENTS": str(file)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            seen = watch(process, file)
            _, err = process.communicate()
        if process.returncode != 0:
            raise SystemExit(err)
        trials = [at for at, stage, done in events(file) if (stage, done) == ("store:trial", "1/1")]
        gaps = [(b - a) / 1000 for a, b in itertools.pairwise(trials)]
        return {**seen, "trial": statistics.median(gaps)}


def search_method() -> dict[str, Any]:
    """The method of the quickstart that has a search."""
    import yaml

    methods = yaml.safe_load((ROOT / "experiments/quickstart.yaml").read_text())["methods"]
    return next(method for method in methods if method["method"] == "glora")


def watch(process: subprocess.Popen[str], file: Path) -> dict[str, float]:
    """Looks at the processes until the command ends."""
    seen: dict[str, float] = {}
    computed: list[tuple[int, float]] = []
    while process.poll() is None:
        time.sleep(0.5)
        now = events(file)
        stages = {stage for _, stage, _ in now}
        try:
            workers = [pid for pid in children(process.pid) if "dev.glora" in name_of(pid)]
            if workers and "download" in stages and "start" not in seen:
                first = next(at for at, stage, _ in now if stage == "download")
                seen["start"] = (first - started_ms(workers[0])) / 1000
                seen["start_processor"] = processor_s(workers[0])
            if "store:trial" in stages:
                for what, pids in (("worker", workers), ("called", [process.pid])):
                    for pid in pids:
                        seen[what] = max(seen.get(what, 0), memory_mib(pid))
                done = sum(stage == "store:trial" for _, stage, _ in now) // 2
                if "final:inherit" not in stages:
                    both = sum(processor_s(pid) for pid in (process.pid, *workers))
                    computed.append((done, both))
        except OSError:
            continue  # It has ended meanwhile.
    (before, least), (after, most) = computed[0], computed[-1]
    return {**seen, "trial_processor": (most - least) / (after - before)}


def name_of(pid: int) -> str:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def main() -> None:
    """Lets both runners take turns and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE / "results/worker_costs.json")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    subprocess.run([ROOT / "glora", "version"], check=True, capture_output=True)
    runners = {"inline": (), "local, 1 worker": ("--workers", "1")}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in runners}
    loads: list[float] = []
    for _ in range(options.rounds):
        for name, words in runners.items():
            found[name].append(run(*words))
            loads.append(os.getloadavg()[1])

    def spread(name: str, what: str, digits: int) -> dict[str, float]:
        values = [each[what] for each in found[name]]
        return {
            "median": round(statistics.median(values), digits),
            "least": round(min(values), digits),
            "most": round(max(values), digits),
        }

    local = "local, 1 worker"
    shares = [a["trial"] / b["trial"] for a, b in zip(found[local], found["inline"], strict=True)]
    result = {
        "what": "quickstart's search with MiniLM on one thread",
        "rounds": options.rounds,
        "machine": f"{os.cpu_count()} CPU cores, {platform.system()} {platform.machine()}",
        "load_of_the_machine": [round(min(loads), 1), round(max(loads), 1)],
        "start_of_a_worker_s": spread(local, "start", 2),
        "start_of_a_worker_processor_s": spread(local, "start_processor", 2),
        "memory_of_a_worker_mib": spread(local, "worker", 0),
        "memory_of_its_coordinator_mib": spread(local, "called", 0),
        "memory_inline_mib": spread("inline", "called", 0),
        "trial_inline_s": spread("inline", "trial", 3),
        "trial_local_s": spread(local, "trial", 3),
        "trial_inline_processor_s": spread("inline", "trial_processor", 3),
        "trial_local_processor_s": spread(local, "trial_processor", 3),
        "trial_local_beside_inline": round(statistics.median(shares), 3),
    }
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
