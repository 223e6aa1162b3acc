"""Multiple choice by likelihood, against sums taken one answer at a time."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import tiny_language
import torch

from glora import choices
from glora.errors import ConfigurationError
from glora.models import load_causal, load_tokenizer

ARC = [
    {
        "id": "1",
        "question": {
            "stem": "which film is good",
            "choices": [{"text": "the bright one", "label": "A"}, {"text": "dull", "label": "B"}],
        },
        "answerKey": "A",
    },
    {
        "id": "2",
        "question": "which is bad",
        "choices": {"text": ["a lovely day", "a poor plot", "night"], "label": ["1", "2", "3"]},
        "answerKey": "2",
    },
]
HELLASWAG = [
    {
        "activity_label": "Film",
        "ctx_a": "A man is [title] here.",
        "ctx_b": "he",
        "endings": ["is [step] good", "is very long and dull", "looks"],
        "label": "1",
    }
]
TRUTHFULQA = [
    {
        "question": "Is it good?",
        "mc1_targets": {"yes": 1, "no it is not": 0},
        "mc2_targets": {"choices": ["yes", "a bit", "no"], "labels": [1, 1, 0]},
    }
]


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language.write_model(tmp_path_factory.mktemp("language"))


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def slow_likelihood(model_path: Path, prompt: str, answer: str) -> float:
    """The definition: Σ log p(token | all before it), over transformers' own logits."""
    model, tokenizer = load_causal(model_path), load_tokenizer(model_path)
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    ids = tokenizer(f"{prompt} {answer}", add_special_tokens=False, return_tensors="pt")
    with torch.no_grad():
        scores = model(**ids).logits[0].double().log_softmax(-1)
    whole = ids["input_ids"][0]
    return sum(float(scores[t - 1, whole[t]]) for t in range(len(before), len(whole)))


def test_arc_is_scored_plain_and_by_length(model_path: Path, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "arc.jsonl", ARC)
    questions = choices.read("arc", file)
    assert questions[0].prompt == "Question: which film is good\nAnswer:"
    plain = normal = 0
    for question in questions:
        likely = [slow_likelihood(model_path, question.prompt, a) for a in question.answers]
        plain += question.right[max(range(len(likely)), key=likely.__getitem__)]
        shares = [x / len(a) for x, a in zip(likely, question.answers, strict=True)]
        normal += question.right[max(range(len(shares)), key=shares.__getitem__)]
    for batch_size in (1, 8):
        found = choices.score_files(model_path, "arc", file, batch_size=batch_size)
        assert found == {"acc": plain / 2, "acc_norm": normal / 2, "rows": 2}


def test_likelihoods_are_the_definitions(model_path: Path, tmp_path: Path) -> None:
    questions = choices.read("hellaswag", write_lines(tmp_path / "h.jsonl", HELLASWAG))
    (question,) = questions
    assert question.prompt == "Film: A man is. here. He"
    assert question.answers == ("is good", "is very long and dull", "looks")
    found = choices.likelihoods(
        load_causal(model_path), load_tokenizer(model_path), questions, 96, 2, None
    )
    expected = [slow_likelihood(model_path, question.prompt, a) for a in question.answers]
    assert found[0] == pytest.approx(expected, rel=1e-4)


def test_mmlu_reads_a_folder_with_examples_of_each_subject(
    model_path: Path, tmp_path: Path
) -> None:
    rows = [[f"what is {n}", "good", "bad", "dull", "long", "ABCD"[n]] for n in range(4)]
    write_csv(tmp_path / "test" / "world_history_test.csv", rows)
    write_csv(tmp_path / "test" / "anatomy_test.csv", rows[:2])
    for subject in ("world_history", "anatomy"):
        write_csv(tmp_path / "dev" / f"{subject}_dev.csv", rows)
    questions = choices.read("mmlu", tmp_path / "test", 2, tmp_path / "dev")
    assert len(questions) == 6
    assert questions[2].prompt == (
        "The following are multiple choice questions (with answers) about world history.\n\n"
        "what is 0\nA. good\nB. bad\nC. dull\nD. long\nAnswer: A\n\n"
        "what is 1\nA. good\nB. bad\nC. dull\nD. long\nAnswer: B\n\n"
        "what is 0\nA. good\nB. bad\nC. dull\nD. long\nAnswer:"
    )
    found = choices.score_files(
        model_path, "mmlu", tmp_path / "test", shots=0, limit=1, batch_size=4
    )
    assert found["rows"] == 2
    assert found["acc"] in (0.0, 0.5, 1.0)


def test_truthfulqa_has_both_its_metrics(model_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "mc_task.json"
    file.write_text(json.dumps(TRUTHFULQA), encoding="utf-8")
    first, second = choices.read("truthfulqa", file)
    assert first.prompt.startswith("Q: What is human life expectancy")
    assert first.prompt.endswith("\n\nQ: Is it good?\nA:")
    found = choices.score("truthfulqa", [first, second], [[-1.0, -2.0], [-1.0, -3.0, -2.0]])
    weights = [2.718281828459045**x for x in (-1, -3, -2)]
    assert found["mc1"] == 1.0
    assert found["mc2"] == pytest.approx((weights[0] + weights[1]) / sum(weights))
    scored = choices.score_files(model_path, "truthfulqa", file, max_length=64)
    assert scored["rows"] == 1
    assert 0 < scored["mc2"] < 1


@pytest.mark.parametrize(
    ("form", "content", "said"),
    [
        ("arc", '{"question": "a"}', "Row 1 .* not of the format .*choices"),
        ("arc", '{"question": "a", "choices": []}', "not of the format|0 answers"),
        ("hellaswag", "[", "no JSON list and no JSON lines"),
        ("mmlu", "a,b,c", "Row 1 .* has 3 cells"),
        ("truthfulqa", "[]", "has no questions"),
        ("quiz", "", "format of the questions is 'quiz'"),
    ],
)
def test_malformed_questions_are_one_sentence(
    form: str, content: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "questions"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        choices.read(form, file)


def test_examples_must_be_there(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "arc.jsonl", ARC)
    with pytest.raises(ConfigurationError, match="no file gives them"):
        choices.read("arc", file, 3)
    with pytest.raises(ConfigurationError, match="has 2 examples, expected at least the 3"):
        choices.read("arc", file, 3, file)
    with pytest.raises(ConfigurationError, match="is no file"):
        choices.read("arc", tmp_path / "absent.jsonl")
