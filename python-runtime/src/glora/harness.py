"""The Language Model Evaluation Harness (Gao et al.) on a merged model, as `glora[lm-eval]`.

A merged language model is a plain folder of transformers, which the harness loads by itself: what
is here calls it without the network and takes the numbers out of its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glora.errors import ConfigurationError, EnvironmentNotUsable

__all__ = ["run_tasks"]


def run_tasks(
    model_path: str | Path,
    tasks: Sequence[str],
    *,
    include: str | Path | None = None,
    shots: int | None = None,
    limit: int | None = None,
    batch_size: int = 8,
    device: str = "cpu",
    dtype: str = "float32",
) -> dict[str, dict[str, float]]:
    """Run tasks of the harness.

    Args:
        model_path: a causal language model's folder.
        tasks: their names.
        include: a folder with task files of one's own.
        shots: examples before each question; the task's own number when omitted.
        limit: at most so many questions of each task.
        batch_size: rows at once.
        device: a torch device.
        dtype: of the weights.

    Returns:
        Task to metric to value; a metric's name is the harness's, without its filter.

    Raises:
        EnvironmentNotUsable: the harness is not installed.
        ConfigurationError: a task is not known.
    """
    try:
        import lm_eval
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"The harness cannot be imported ({error}): install `glora[lm-eval]`."
        ) from error
    manager = TaskManager(include_path=None if include is None else str(include))
    unknown = sorted(set(tasks) - set(manager.all_tasks))
    if unknown or not tasks:
        raise ConfigurationError(
            f"The harness knows no task {unknown[0] if unknown else ''!r}; name one of its own or "
            f"the folder of its file with `include`."
        )
    answer: Any = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(model_path), "dtype": dtype},
        tasks=list(tasks),
        num_fewshot=shots,
        limit=limit,
        batch_size=batch_size,
        device=device,
        task_manager=manager,
        bootstrap_iters=0,
        log_samples=False,
    )
    return {
        task: {
            name.split(",")[0]: float(value)
            for name, value in answer["results"][task].items()
            if isinstance(value, int | float) and "stderr" not in name
        }
        for task in tasks
    }
