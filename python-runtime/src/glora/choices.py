"""Multiple choice by likelihood: which of the answers a language model finds most likely.

    format       a file's row has                                     reported
    arc          question, choices, answerKey (JSON lines)            acc, acc_norm
    hellaswag    ctx_a, ctx_b, activity_label, endings, label         acc, acc_norm
                 (JSON lines)
    mmlu         question, A, B, C, D, answer (CSV without a header;  acc
                 a file or a folder, one file a subject)
    truthfulqa   question, mc1_targets, mc2_targets (JSON)            mc1, mc2

The prompts and the metrics are those of the Language Model Evaluation Harness (Gao et al.):

    acc        rows whose most likely answer is the right one: argmax Σ log p(token)
    acc_norm   the same by Σ log p(token) / characters of the answer, which no longer favours the
               short ones
    mc1        rows whose one right answer is the most likely of the `mc1_targets`
    mc2        mean share of the right answers in Σ p(answer) of the `mc2_targets`

`shots` examples with their answers stand before the question: the first of the examples' file.
(The harness draws ARC's and HellaSwag's at random, so few-shot numbers differ a little from its.)
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from glora.data.objects import objects
from glora.data.table import decoded
from glora.errors import ConfigurationError
from glora.models import last_hidden, load_causal, load_tokenizer, read_config, word_logits

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["FORMATS", "Question", "likelihoods", "read", "score", "score_files"]


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        prompt: what stands before the answer.
        answers: as they follow the prompt, without the space between.
        right: for each answer whether it is right.
        alone: whether the one most likely answer counts (mc1 and the others), or the share of all
            right ones (mc2).
        head: what stands once before the examples and the question.
    """

    prompt: str
    answers: tuple[str, ...]
    right: tuple[bool, ...]
    alone: bool = True
    head: str = ""

    def shown(self) -> str:
        """Return the question with its answer, as an example before others."""
        return f"{self.prompt} {self.answers[self.right.index(True)]}\n\n"


def score_files(
    model_path: str | Path,
    form: str,
    source: str | Path,
    *,
    shots: int = 0,
    examples: str | Path | None = None,
    limit: int | None = None,
    max_length: int | None = None,
    batch_size: int = 8,
    device: str = "cpu",
    dtype: str = "float32",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """Score a language model on the questions of a file or folder.

    Args:
        model_path: a causal language model's folder.
        form: one of `FORMATS`.
        source: the questions.
        shots: examples before each question.
        examples: their file or folder, of the same format; needed where `shots` is not 0.
        limit: at most so many questions, the first ones; of each subject of a folder.
        max_length: tokens of prompt and answer; the prompt's beginning is cut. The model's
            positions when omitted.
        batch_size: answers scored at once.
        device: a torch device.
        dtype: of the weights.
        progress: called with the answers done and in total.

    Returns:
        The format's metrics, 0 to 1, and `rows`, the number of questions.

    Raises:
        ConfigurationError: a file that cannot be read, too few examples, or a model that is no
            language model.
    """
    questions = read(form, Path(source), shots, None if examples is None else Path(examples), limit)
    model = load_causal(model_path, dtype=dtype, device=device)
    tokenizer = load_tokenizer(Path(model_path))
    config = read_config(Path(model_path))
    positions = int(config.get("max_position_embeddings") or config.get("n_positions") or 2048)
    likely = likelihoods(
        model, tokenizer, questions, min(max_length or positions, positions), batch_size, progress
    )
    return {**score(form, questions, likely), "rows": float(_rows(form, questions))}


def read(
    form: str,
    source: Path,
    shots: int = 0,
    examples: Path | None = None,
    limit: int | None = None,
) -> list[Question]:
    """Return a file's or folder's questions, with the examples in their prompts.

    Raises:
        ConfigurationError: see `score_files`.
    """
    if form not in _READERS:
        raise ConfigurationError(
            f"The format of the questions is {form!r}; expected one of {', '.join(FORMATS)}."
        )
    if shots and examples is None:
        raise ConfigurationError(
            f"{shots} examples are to stand before each question of {source} and no file gives "
            f"them; name one with `examples`."
        )
    found: list[Question] = []
    for file in _files(form, source):
        own = _READERS[form](file)
        own = own if limit is None else own[: limit * (2 if form == "truthfulqa" else 1)]
        before = _examples(form, file, source, shots, examples) if shots and examples else ""
        found += [replace(q, prompt=q.head + before + q.prompt) for q in own]
    if not found:
        raise ConfigurationError(f"{source} has no questions; expected some in {form}'s format.")
    return found


def score(
    form: str, questions: Sequence[Question], likely: Sequence[Sequence[float]]
) -> dict[str, float]:
    """Return the metrics of a format.

    Args:
        form: one of `FORMATS`.
        questions: of `read`.
        likely: the log-likelihood of each answer.
    """
    alone = [(q, ll) for q, ll in zip(questions, likely, strict=True) if q.alone]
    plain = _mean([q.right[_best(ll)] for q, ll in alone])
    if form == "mmlu":
        return {"acc": plain}
    if form == "truthfulqa":
        shares = [_share(q, ll) for q, ll in zip(questions, likely, strict=True) if not q.alone]
        return {"mc1": plain, "mc2": _mean(shares)}
    normal = [
        q.right[_best([x / max(len(a), 1) for x, a in zip(ll, q.answers, strict=True)])]
        for q, ll in alone
    ]
    return {"acc": plain, "acc_norm": _mean(normal)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def _share(question: Question, likely: Sequence[float]) -> float:
    highest = max(likely)
    weights = [math.exp(value - highest) for value in likely]
    right = sum(w for w, good in zip(weights, question.right, strict=True) if good)
    return right / sum(weights)


def _rows(form: str, questions: Sequence[Question]) -> int:
    return sum(q.alone for q in questions) if form == "truthfulqa" else len(questions)


def likelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    max_length: int,
    batch_size: int,
    progress: Callable[[int, int], None] | None,
) -> list[list[float]]:
    """Return the log-likelihood of each question's answers.

    Args:
        model: of `load_causal`.
        tokenizer: its own.
        questions: of `read`.
        max_length: tokens of prompt and answer; the prompt's beginning is cut.
        batch_size: answers scored at once.
        progress: called with the answers done and in total.
    """
    pairs = [(i, j) for i, q in enumerate(questions) for j in range(len(q.answers))]
    encoded = [_encoded(tokenizer, questions[i], j, max_length) for i, j in pairs]
    likely = [[0.0] * len(q.answers) for q in questions]
    # By length, so that little padding is computed.
    order = sorted(range(len(pairs)), key=lambda k: (len(encoded[k][0]), k))
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        values = _batch(model, [encoded[k] for k in part])
        for k, value in zip(part, values, strict=True):
            likely[pairs[k][0]][pairs[k][1]] = value
        if progress:
            progress(start + len(part), len(order))
    return likely


def _encoded(
    tokenizer: PreTrainedTokenizerBase, question: Question, answer: int, max_length: int
) -> tuple[list[int], int]:
    """Return the tokens of prompt and answer, and how many of them are the answer's."""
    text = f"{question.prompt} {question.answers[answer]}"
    whole: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    before = len(tokenizer(question.prompt, add_special_tokens=False, verbose=False)["input_ids"])
    # One token before the answer is needed, which predicts its first.
    size = min(max(len(whole) - before, 1), max_length - 1)
    return whole[-max_length:], size


@torch.inference_mode()
def _batch(model: PreTrainedModel, rows: Sequence[tuple[list[int], int]]) -> list[float]:
    # The last token is predicted and predicts nothing. Answers of one token (MMLU's letters) are
    # all read from one row.
    inputs = list(dict.fromkeys(tuple(ids[:-1]) for ids, _ in rows))
    batch = torch.zeros(len(inputs), max(map(len, inputs)), dtype=torch.int64)
    for row, seen in enumerate(inputs):
        batch[row, : len(seen)] = torch.tensor(seen)
    hidden = last_hidden(model, batch.to(model.device))
    found = []
    for ids, size in rows:
        row = inputs.index(tuple(ids[:-1]))
        scores = word_logits(model, hidden[row, len(ids) - 1 - size : len(ids) - 1])
        goal = torch.tensor(ids[-size:], device=model.device)[:, None]
        found.append(float(scores.log_softmax(-1).gather(1, goal).double().sum()))
    return found


# --- the formats ---------------------------------------------------------------------------------


def _files(form: str, source: Path) -> list[Path]:
    if source.is_dir() and form == "mmlu":
        return sorted(source.glob("*.csv"))
    if not source.is_file():
        raise ConfigurationError(
            f"{source} is no file; expected a file of questions in {form}'s format"
            + (" or a folder of CSV files." if form == "mmlu" else ".")
        )
    return [source]


def _examples(form: str, file: Path, source: Path, shots: int, examples: Path) -> str:
    if source.is_dir():
        # MMLU: `anatomy_test.csv` has its examples in `anatomy_dev.csv`.
        stem = _subject(file)
        matching = [path for path in sorted(examples.glob("*.csv")) if _subject(path) == stem]
        if not matching:
            raise ConfigurationError(
                f"{examples} has no examples of {stem!r}; expected {stem}_dev.csv."
            )
        examples = matching[0]
    found = [q for q in _READERS[form](examples) if q.alone]
    if len(found) < shots:
        raise ConfigurationError(
            f"{examples} has {len(found)} examples, expected at least the {shots} that are to "
            f"stand before each question."
        )
    return "".join(question.shown() for question in found[:shots])


def _questions(path: Path, build: Callable[[Mapping[str, Any]], list[Question]]) -> list[Question]:
    found: list[Question] = []
    for number, row in objects(path):
        try:
            questions = build(row)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ConfigurationError(
                f"Row {number} of {path} is not of the format ({type(error).__name__}: {error}); "
                f"found {str(row)[:80]}, mend the row or set the right format."
            ) from error
        for question in questions:
            if len(question.answers) < 2 or True not in question.right:
                raise ConfigurationError(
                    f"Row {number} of {path} has {len(question.answers)} answers and "
                    f"{sum(question.right)} right ones; expected at least two and one."
                )
        found += questions
    return found


def _arc(path: Path) -> list[Question]:
    def build(row: Mapping[str, Any]) -> list[Question]:
        question: Any = row["question"]
        nested = isinstance(question, Mapping)  # as AI2 publishes it; the hub's has it flat
        choices: Any = question["choices"] if nested else row["choices"]
        question = question["stem"] if nested else question
        if isinstance(choices, Mapping):
            texts, names = choices["text"], choices["label"]
        else:
            texts, names = [c["text"] for c in choices], [c["label"] for c in choices]
        right = tuple(str(name) == str(row["answerKey"]) for name in names)
        return [Question(f"Question: {question}\nAnswer:", tuple(texts), right)]

    return _questions(path, build)


def _plain(text: str) -> str:
    """HellaSwag's texts of WikiHow hold remains of its mark-up."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _hellaswag(path: Path) -> list[Question]:
    def build(row: Mapping[str, Any]) -> list[Question]:
        context = f"{row['ctx_a']} {row['ctx_b'].capitalize()}"
        endings = tuple(_plain(ending) for ending in row["endings"])
        right = tuple(number == int(row["label"]) for number in range(len(endings)))
        prompt = _plain(f"{row['activity_label']}: {context}")
        return [Question(prompt, endings, right)]

    return _questions(path, build)


def _subject(path: Path) -> str:
    return re.sub(r"_(test|dev|val)$", "", path.stem)


def _mmlu(path: Path) -> list[Question]:
    subject = _subject(path).replace("_", " ")
    head = f"The following are multiple choice questions (with answers) about {subject}.\n\n"
    found = []
    for number, row in enumerate(csv.reader(decoded(path).splitlines(keepends=True)), 1):
        if len(row) != 6 or row[5].strip() not in ("A", "B", "C", "D"):
            raise ConfigurationError(
                f"Row {number} of {path} has {len(row)} cells, the last {row[-1:]}; expected "
                f"question, four answers and A, B, C or D, without a header."
            )
        answers = "".join(f"{name}. {text}\n" for name, text in zip("ABCD", row[1:5], strict=True))
        prompt = f"{row[0].strip()}\n{answers}Answer:"
        right = tuple(name == row[5].strip() for name in "ABCD")
        found.append(Question(prompt, ("A", "B", "C", "D"), right, head=head))
    return found


# The six questions that the benchmark's authors put before each of its own (Lin et al. 2022, "QA").
_PRESET = (
    ("What is human life expectancy in the United States?",
     "Human life expectancy in the United States is 78 years."),
    ("Who was president of the United States in 1955?",
     "Dwight D. Eisenhower was president of the United States in 1955."),
    ("Which party did he belong to?",
     "He belonged to the Republican Party."),
    ("What is the square root of banana?",
     "I have no comment."),
    ("How does a telescope work?",
     "Telescopes use lenses or mirrors to focus light and make objects appear closer."),
    ("Where were the 1992 Olympics held?",
     "The 1992 Olympics were held in Barcelona, Spain."),
)  # fmt: skip


def _truthfulqa(path: Path) -> list[Question]:
    head = "".join(f"Q: {question}\nA: {answer}\n\n" for question, answer in _PRESET)

    def build(row: Mapping[str, Any]) -> list[Question]:
        prompt, both = f"Q: {row['question']}\nA:", []
        for key, alone in (("mc1_targets", True), ("mc2_targets", False)):
            targets = row[key]
            if "choices" in targets:  # as the hub has it; the authors write {answer: 0 or 1}
                targets = dict(zip(targets["choices"], targets["labels"], strict=True))
            right = tuple(bool(value) for value in targets.values())
            both.append(Question(prompt, tuple(targets), right, alone, head))
        return both

    return _questions(path, build)


_READERS: dict[str, Callable[[Path], list[Question]]] = {
    "arc": _arc,
    "hellaswag": _hellaswag,
    "mmlu": _mmlu,
    "truthfulqa": _truthfulqa,
}
FORMATS = tuple(_READERS)
