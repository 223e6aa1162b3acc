"""Writes what the benchmarks showed: a JSON with every median and a table with the goals.

Arguments: the folder of the raw results, the folder that gets ``bridge.md`` and
``results/bridge.json``.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALLS = "on the interpreter's thread"
PEERS = {
    "glora": "glora",
    "jep": "bare Jep",
    "py4j": "Py4J",
    "pipe": "process with pipes",
    "jpype": "JPype",
}


@dataclass(frozen=True)
class Row:
    """One goal: what was measured, its value, the most it may be."""

    what: str
    value: float
    unit: str
    at_most: float
    detail: str

    @property
    def verdict(self) -> str:
        """Reached or missed."""
        return "reached" if self.value <= self.at_most else "missed"


@dataclass(frozen=True)
class Turns:
    """What took turns in one process.

    Attributes:
        share: milliseconds of the three parts of sharing, together, in the whole and alone.
        cancel: milliseconds from a cancel to the next call's answer, by backend.
        starts: milliseconds a training step, by contender, for each start of the processes.
    """

    share: dict[str, list[float]]
    cancel: dict[str, list[float]]
    starts: list[dict[str, list[float]]]

    @classmethod
    def read(cls, raw: Path) -> Turns:
        """Reads the raw results."""
        return cls(
            json.loads((raw / "share.json").read_text()),
            json.loads((raw / "cancel.json").read_text()),
            [json.loads(file.read_text())["step_ms"] for file in sorted(raw.glob("steps-*.json"))],
        )

    def share_ratio(self, suffix: str) -> float:
        """The whole beside the sum of the parts, by the names of the parts' ends."""
        parts = [self.share[part + suffix] for part in ("fill", "add", "sum")]
        sums = [sum(values) for values in zip(*parts, strict=True)]
        return statistics.median(a / b for a, b in zip(self.share["whole"], sums, strict=True))

    def share_text(self, suffix: str) -> str:
        """The medians of the parts."""
        medians = [statistics.median(self.share[p + suffix]) for p in ("fill", "add", "sum")]
        return ", ".join(f"{value:.3g} ms" for value in medians)

    def step_ratios(self, one: str, other: str) -> list[float]:
        """The median ratio of each start."""
        return [
            statistics.median(a / b for a, b in zip(start[one], start[other], strict=True))
            for start in self.starts
        ]


class Rounds:
    """The medians of all rounds, by benchmark and parameters."""

    def __init__(self, folder: Path) -> None:
        self.medians: dict[str, list[float]] = {}
        self.jvm = ""
        for number, file in enumerate(sorted(folder.glob("round-*.json")), 1):
            for run in json.loads(file.read_text()):
                name = run["benchmark"].removeprefix("dev.glora.bridge.benchmarks.")
                params = [value for _, value in sorted(run.get("params", {}).items())]
                key = " ".join([name.replace("Benchmarks", ""), *params])
                self._add(key, run["primaryMetric"]["scorePercentiles"]["50.0"])
                self.jvm = f"{run['vmName']} {run['vmVersion']}"
            jpype = folder / f"jpype-{file.stem.removeprefix('round-')}.json"
            for key, samples in json.loads(jpype.read_text()).items():
                self._add(f"jpype {key}", statistics.median(samples))
            self.count = number

    def _add(self, key: str, value: float) -> None:
        self.medians.setdefault(key, []).append(value)

    def of(self, key: str) -> float:
        """The median over the rounds."""
        return statistics.median(self.medians[key])

    def ratio(self, key: str, *parts: str) -> float:
        """The median over the rounds of one over the sum of others."""
        sums = [sum(values) for values in zip(*(self.medians[p] for p in parts), strict=True)]
        pairs = zip(self.medians[key], sums, strict=True)
        return statistics.median(a / b for a, b in pairs)

    def text(self, key: str, unit: str) -> str:
        """Median and range, as ``5.1 µs (4.9 to 5.3)``."""
        values = self.medians[key]
        return f"{self.of(key):.3g} {unit} ({min(values):.3g} to {max(values):.3g})"


def rows(rounds: Rounds, turns: Turns) -> list[Row]:
    """Compares everything with its goal."""
    found = []
    for name, what in (
        ("touch", "a bound tensor of 256 elements gets one added"),
        ("nothing", "the function does nothing"),
    ):
        key = f"Call.{name}"
        found.append(
            Row(
                f"a call {CALLS}: {what}",
                rounds.ratio(f"{key} glora", f"{key} jep"),
                "× bare Jep",
                1.5,
                f"{rounds.text(f'{key} glora', 'µs')}; bare Jep {rounds.text(f'{key} jep', 'µs')}",
            )
        )
    for idle, at_most in (("0", 20), ("2", 80)):
        state = "busy" if idle == "0" else f"after {idle} ms of idling"
        key = f"RoundTrip.call {idle} glora"
        found.append(
            Row(
                f"a call from another thread, there and back, {state}",
                rounds.of(key),
                "µs",
                at_most,
                rounds.text(key, "µs"),
            )
        )
    small, large = "HandOver.fresh 1", "HandOver.fresh 1048576"
    for key, size in ((small, "1 KiB"), (large, "1 GiB")):
        found.append(
            Row(
                f"handing a tensor of {size} over",
                rounds.of(key),
                "µs",
                20,
                rounds.text(key, "µs"),
            )
        )
    found.append(
        Row("1 GiB beside 1 KiB", rounds.ratio(large, small), "×", 1.1, "the same time within 10 %")
    )
    parts = [f"Part.{part}" for part in ("fill", "add", "sum")]
    what = "Java fills 64 MiB, torch adds one, Java sums"
    found.append(
        Row(
            f"{what}: beside the three parts, each repeated alone",
            rounds.ratio("Share.share glora", *parts),
            "×",
            1.1,
            f"{rounds.text('Share.share glora', 'ms')}; the parts "
            + ", ".join(f"{rounds.of(part):.3g} ms" for part in parts),
        )
    )
    found.append(
        Row(
            "the same beside the three parts, each by its own clock within the whole",
            turns.share_ratio(""),
            "×",
            1.1,
            f"{statistics.median(turns.share['whole']):.3g} ms; the parts {turns.share_text('')}; "
            f"alone in the same process {turns.share_text('_alone')}",
        )
    )
    for backend, values in turns.cancel.items():
        found.append(
            Row(
                f"from a cancel of endless Python code to the next call's answer, `{backend}`",
                max(values),
                "ms",
                200,
                f"greatest of {len(values)}; median {statistics.median(values):.3g} ms",
            )
        )
    for one, other, what, at_most in (
        ("jep", "plain", "a training step driven from Java beside plain Python", 1.01),
        ("jep", "looped", "the same beside a loop in the embedded interpreter", 1.01),
        ("worker", "jep", "a training step through `worker` beside `jep`", 1.02),
    ):
        ratios = turns.step_ratios(one, other)
        millis = [
            statistics.median(sum((s[name] for s in turns.starts), [])) for name in (one, other)
        ]
        found.append(
            Row(
                what,
                statistics.median(ratios),
                "×",
                at_most,
                f"{millis[0]:.1f} and {millis[1]:.1f} ms; by start of the processes "
                + ", ".join(f"{ratio:.4f}" for ratio in ratios),
            )
        )
    return found


def peers(rounds: Rounds) -> list[list[str]]:
    """What a user would pick instead: the lines of the second table."""
    lines = []
    for peer, title in PEERS.items():
        if peer == "jpype":
            keys = ("touch_us", "touch_from_another_thread_us", None, "share_ms")
            found = [f"jpype {key}" if key else None for key in keys]
        else:
            found = [
                f"Call.touch {peer}",
                f"RoundTrip.call 0 {peer}",
                f"RoundTrip.call 2 {peer}",
                "Py4jShare.share" if peer == "py4j" else f"Share.share {peer}",
            ]
        units = ("µs", "µs", "µs", "ms")
        lines.append(
            [
                title,
                *(
                    rounds.text(key, unit) if key in rounds.medians else "–"
                    for key, unit in zip(found, units, strict=True)
                ),
            ]
        )
    return lines


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def main() -> None:
    """Reads, compares, writes."""
    raw, output = Path(sys.argv[1]), Path(sys.argv[2])
    rounds = Rounds(raw)
    turns = Turns.read(raw)
    goals = rows(rounds, turns)
    machine = {
        "cpus": len(cpus := cpu_models()),
        "cpu": cpus[0] if cpus else platform.processor(),
        "jvm": rounds.jvm,
        "python": platform.python_version(),
        "rounds": rounds.count,
    }
    document: dict[str, Any] = {
        "version": 1,
        "machine": machine,
        "goals": [
            {**vars(row), "verdict": row.verdict, "value": round(row.value, 4)} for row in goals
        ],
        "medians_by_round": rounds.medians,
        "turns": vars(turns),
    }
    (output / "results").mkdir(parents=True, exist_ok=True)
    (output / "results" / "bridge.json").write_text(
        json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    )
    text = TEXT.format(
        **machine,
        goals=table(
            ["", "found", "at most", "", "medians (range over rounds)"],
            [
                [
                    row.what,
                    f"{row.value:.{4 if row.unit == '×' else 3}g} {row.unit}",
                    f"{row.at_most:g} {row.unit}",
                    row.verdict,
                    row.detail,
                ]
                for row in goals
            ],
        ),
        peers=table(
            [
                "",
                f"a call {CALLS}",
                "from another thread, busy",
                "after 2 ms of idling",
                "64 MiB filled, one added, summed",
            ],
            peers(rounds),
        ),
    )
    (output / "bridge.md").write_text(text)


def cpu_models() -> list[str]:
    """The processors' names, as Linux tells them."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return [line.split(":")[1].strip() for line in lines if line.startswith("model name")]


TEXT = """\
# What the bridge costs

Made by `tools/bridge_benchmarks`, which wrote the numbers in `results/bridge.json` as well. {cpus} × {cpu}, {jvm},
Python {python}; {rounds} rounds, in each of which every benchmark ran in a process of its own, peers one after the
other. All calls add one to a tensor of 256 elements that Python holds, unless the line says otherwise.

{goals}

A training step is one of MiniLM (all weights, AdamW, 32 rows of 40 tokens). Java fills the batch and reads the loss
each step; plain Python is a process of its own that does the same. All take turns of three steps, 30 turns after each
start of the processes: two processes that do the same differ by one or two per cent from start to start, so the median
over the starts is what counts, and the loop in the same interpreter is the row without that share.

Sharing 64 MiB: a part that is repeated finds its memory in the state in which it left it; one that follows another part
finds lines that the other has just written, and the sum pays most for that. That is the memory's price, not the
bridge's: within the whole the parts add up to the whole, and no bridge that copies nothing can be below them. Tried
against it, none of which changed the ratio: one thread of torch instead of two (1.14 in turns, add 3.2 ms), transparent
huge pages (1.18), Java's parts on another thread (1.17).

## Beside what one would pick instead

{peers}

Bare Jep copies by `NDArray` and is called through an executor's one thread. A pipe carries binary frames, Py4J base64
text. With JPype, Python is the host: its second column is a call from a thread that Java started, on which Python
then runs; there is no hand-over between threads. JPype shares memory as we do. Filling, adding and summing run as one
task on the interpreter's thread.
"""

if __name__ == "__main__":
    main()
