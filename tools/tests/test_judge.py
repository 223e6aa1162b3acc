"""The judgement's statistics against cases whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def drawn(seed: int, better: float, worse: float, shape: tuple[int, int]) -> np.ndarray:
    """Differences that are 1 with probability `better` and −1 with `worse`."""
    uniform = np.random.default_rng(seed).random(shape)
    return np.where(uniform < better, 1.0, np.where(uniform > 1 - worse, -1.0, 0.0))


def test_equal_predictions_tie_and_constant_differences_have_no_width(judge: ModuleType) -> None:
    zero = judge.bootstrap({"a": np.zeros((2, 50)), "b": np.zeros((3, 40))}, draws=200)
    assert (zero.mean, zero.low, zero.high, zero.verdict) == (0, 0, 0, "tie")
    one = judge.bootstrap({"a": np.ones((2, 50))}, draws=200)
    assert [one.low, one.high] == pytest.approx([100, 100])
    assert one.verdict == "win"
    assert judge.bootstrap({"a": -np.ones((1, 50))}, draws=200).verdict == "loss"


def test_interval_of_one_task_and_seed_is_the_normal_one(judge: ModuleType) -> None:
    differences = drawn(3, 0.10, 0.06, (1, 4000))
    error = 100 * differences.std() / np.sqrt(4000)
    interval = judge.bootstrap({"a": differences}, draws=4000)
    assert interval.mean == pytest.approx(100 * differences.mean())
    assert interval.low == pytest.approx(interval.mean - 1.96 * error, abs=0.1 * error)
    assert interval.high == pytest.approx(interval.mean + 1.96 * error, abs=0.1 * error)


def test_interval_covers_the_truth_as_often_as_it_says(judge: ModuleType) -> None:
    covered = 0
    for seed in range(200):
        interval = judge.bootstrap({"a": drawn(seed, 0.2, 0.1, (1, 300))}, draws=300, seed=seed)
        covered += interval.low <= 10 <= interval.high
    assert 180 <= covered <= 198  # 95 % of 200 is 190, its deviation 3


def test_tasks_that_disagree_tie_however_many_examples_they_have(judge: ModuleType) -> None:
    ahead, behind = drawn(0, 0.3, 0.0, (2, 20_000)), drawn(1, 0.0, 0.28, (2, 20_000))
    assert judge.bootstrap({"a": ahead}, draws=300).verdict == "win"
    assert judge.bootstrap({"b": behind}, draws=300).verdict == "loss"
    both = judge.bootstrap({"a": ahead, "b": behind}, draws=300)
    assert both.verdict == "tie"
    assert both.low < -20
    assert both.high > 20


def test_seeds_that_disagree_widen_the_interval(judge: ModuleType) -> None:
    same = np.tile(drawn(5, 0.15, 0.1, (1, 2000)), (4, 1))
    shifted = same + np.array([[0.2], [-0.2], [0.2], [-0.2]])
    narrow, wide = (judge.bootstrap({"a": d}, draws=1000) for d in (same, shifted))
    assert narrow.mean == pytest.approx(wide.mean)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_nothing_to_compare_is_refused(judge: ModuleType) -> None:
    with pytest.raises(ValueError, match="no pair"):
        judge.bootstrap({})


def a_run(judge: ModuleType, label: str, seed: int, **values: Any) -> Any:
    defaults = {"task": "t", "status": "finished", "seconds": 10.0, "forwards": 100.0}
    correct = values.pop("correct", [True, False, True, True])
    return judge.Run(
        f"{label}-{seed}",
        label=label,
        seed=seed,
        correct=np.array(correct),
        **{**defaults, **values},
    )


def test_val_chooses_from_the_grid_and_every_run_of_it_costs(judge: ModuleType) -> None:
    runs = [
        a_run(judge, "glora", 0, seconds=30.0, correct=[True] * 4),
        a_run(judge, "lora-1", 0, val=0.8, val_loss=0.5, test=0.9),
        a_run(
            judge, "lora-2", 0, val=0.8, val_loss=0.4, test=0.1, correct=[False, True, True, True]
        ),
        a_run(judge, "lora-3", 0, status="failed"),
        a_run(judge, "lora-2", 1, val=0.9),  # no partner with this seed
    ]
    verdict = judge.judge(runs, "glora", "lora-")
    (pair,) = verdict["pairs"]
    assert (pair["theirs"], pair["seconds"], pair["forwards"]) == ("lora-2-0", [30, 20], [100, 200])
    assert verdict["overall"]["mean"] == 25
    assert verdict["left_out"] == [{"run": "lora-3-0", "status": "failed"}]
    text = judge.markdown(verdict)
    assert "| t | 0 |" in text
    assert "Started and not finished: lora-3-0 (failed)." in text


def test_cost_counts_every_stage_that_leads_to_the_primary_final(judge: ModuleType) -> None:
    loop = {"steps": 10, "batch_size": 4}
    resolved: dict[str, Any] = {"task": {"split": {"train": 80, "val": 20}}}
    resolved["methods"] = [{"method": "lora", "training": loop}]
    assert judge.forwards(resolved, 0) == 10 * 4 * 3 + 20
    glora: dict[str, Any] = {
        "method": "glora",
        "supernet": {"training": loop},
        "search": {"start": "taylor", "score_batches": 5},
        "primary": "finetune",
        "finetune": {"steps": 2, "batch_size": 4},
    }
    resolved["methods"] = [glora]
    assert judge.forwards(resolved, 300) == 120 + 300 + 5 * 4 * 3 + 2 * 4 * 3 + 20
    timings = {"supernet": 4.0, "score": 1.0, "final:finetune": 2.0, "final:retrain": 9.0}
    assert judge.seconds({**timings, "test:finetune": 3.0, "prepare": 5.0}, "finetune") == 7


def test_predictions_are_read_in_the_order_of_their_rows(judge: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    rows = [
        {"row": 1, "label": "a", "prediction": "b"},
        {"row": 0, "label": "a", "prediction": "a"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert judge.correct(file).tolist() == [True, False]
