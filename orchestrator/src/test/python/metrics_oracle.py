"""What scikit-learn and scipy say of the cases on standard input: the oracle of MetricsTest."""

from __future__ import annotations

import json
import sys

import numpy as np
from scipy import stats
from scipy.special import expit, log_softmax, softmax
from sklearn import metrics


def of_class(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    labels, classes = labels[:, 0].astype(int), range(logits.shape[1])
    predictions = logits.argmax(1)
    if logits.shape[1] == 2:
        area = metrics.roc_auc_score(labels, logits[:, 1] - logits[:, 0])
    else:
        area = metrics.roc_auc_score(labels, softmax(logits, axis=1), multi_class="ovr")
    parts = metrics.precision_recall_fscore_support(
        labels, predictions, labels=classes, zero_division=np.nan
    )
    return {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "loss": -log_softmax(logits, axis=1)[range(len(labels)), labels].mean(),
        "macro_f1": metrics.f1_score(
            labels, predictions, average="macro", labels=classes, zero_division=0
        ),
        "mcc": metrics.matthews_corrcoef(labels, predictions),
        "auroc": area,
        "precision": parts[0].tolist(),
        "recall": parts[1].tolist(),
    }


def of_labels(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    predictions = logits > 0
    parts = metrics.precision_recall_fscore_support(labels, predictions, zero_division=np.nan)
    return {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "loss": metrics.log_loss(labels.ravel(), expit(logits).ravel()),
        "micro_f1": metrics.f1_score(labels, predictions, average="micro"),
        "macro_f1": metrics.f1_score(labels, predictions, average="macro", zero_division=0),
        "auroc": metrics.roc_auc_score(labels, logits, average="macro"),
        "precision": parts[0].tolist(),
        "recall": parts[1].tolist(),
    }


def of_number(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    labels, predictions = labels[:, 0], logits[:, 0]
    return {
        "mse": metrics.mean_squared_error(labels, predictions),
        "rmse": metrics.root_mean_squared_error(labels, predictions),
        "mae": metrics.mean_absolute_error(labels, predictions),
        "pearson": stats.pearsonr(predictions, labels).statistic,
        "spearman": stats.spearmanr(predictions, labels).statistic,
    }


def main() -> None:
    """Answer every case."""
    kinds = {"class": of_class, "labels": of_labels, "number": of_number}
    answers = []
    for case in json.load(sys.stdin):
        # They are single precision, of which JSON holds the shortest decimals.
        labels, logits = (
            np.array(case[name], np.float32).astype(np.float64) for name in ("labels", "logits")
        )
        answers.append(kinds[case["kind"]](labels, logits))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
