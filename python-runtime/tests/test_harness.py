"""lm-evaluation-harness on a merged folder: a local task, against our own scores."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import tiny_language

from glora import choices, harness
from glora.errors import ConfigurationError, EnvironmentNotUsable

TASK = """
task: quiz
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{file}"}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices.text}}}}"
doc_to_target: "{{{{choices.label.index(answerKey)}}}}"
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""


def write_questions(file: Path) -> Path:
    rows = []
    for number in range(12):
        texts = ["a good film", "dull", f"very long and weak {number}"]
        right = "ABC"[number % 3]
        rows.append(
            {
                "question": f"which is it {number}",
                "choices": {"text": texts, "label": ["A", "B", "C"]},
                "answerKey": right,
            }
        )
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return file


@pytest.mark.filterwarnings("ignore")
def test_a_local_task_gives_the_numbers_of_our_own_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="glora[lm-eval] is not installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    model = tiny_language.write_model(tmp_path / "model")
    file = write_questions(tmp_path / "quiz.jsonl")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "quiz.yaml").write_text(TASK.format(file=file), encoding="utf-8")
    found = harness.run_tasks(model, ["quiz"], include=tmp_path / "tasks")["quiz"]
    own = choices.score_files(model, "arc", file)
    assert found["acc"] == pytest.approx(own["acc"])
    assert found["acc_norm"] == pytest.approx(own["acc_norm"])
    with pytest.raises(ConfigurationError, match="knows no task 'absent'"):
        harness.run_tasks(model, ["absent"], include=tmp_path / "tasks")


def test_a_missing_harness_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(EnvironmentNotUsable, match=r"install `glora\[lm-eval\]`"):
        harness.run_tasks(tmp_path, ["quiz"])
