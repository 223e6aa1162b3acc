"""Looking at data of one's own for a causal language model: prompts, words, conversations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glora import models
from glora.data import budget, instructions, words
from glora.data.rows import one_line
from glora.errors import ConfigurationError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["form_of", "guess_conversations", "prompt_for"]

EPOCHS, BATCH = 2, 8
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def form_of(columns: Iterable[str]) -> str | None:
    """Return the format of conversations that has such columns, if one has."""
    names = set(columns)
    if {"instruction", "output"} <= names:
        return "alpaca"
    return "sharegpt" if names & {"conversations", "messages"} else None


def prompt_for(
    labels: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> tuple[str, dict[str, str]]:
    """Propose a prompt, and a word of one token behind it for each class.

    The words are the classes' own names where the tokenizer has them as such, with a space and
    perhaps in small letters; else letters, whose meaning the prompt says.

    Raises:
        ConfigurationError: there are more classes than letters, or letters are no tokens.
    """
    prompt = f"{words.PLACE}\nAnswer:"
    for change in (str, str.lower):
        named = {label: f" {change(label)}" for label in labels}
        if _fit(prompt, named, tokenizer):
            return prompt, named
    letters = dict(zip(labels, LETTERS, strict=False))
    meanings = "\n".join(f"{letter}. {one_line(label)}" for label, letter in letters.items())
    meanings = meanings.replace(words.PLACE, "text")
    for end, space in (("Answer:", " "), ("Answer:\n", "")):
        prompt = f"{words.PLACE}\n{meanings}\n{end}"
        lettered = {label: space + letter for label, letter in letters.items()}
        if len(lettered) == len(labels) and _fit(prompt, lettered, tokenizer):
            return prompt, lettered
    raise ConfigurationError(
        f"The names of the {len(labels)} classes are no single tokens of the model, and there are "
        f"no letters for them; expected at most {len(LETTERS)} classes, or write the experiment "
        f"yourself with task.prompt and task.label_words."
    )


def _fit(prompt: str, chosen: dict[str, str], tokenizer: PreTrainedTokenizerBase) -> bool:
    try:
        words.word_tokens(prompt, words.words_of(list(chosen), chosen), tokenizer)
    except ConfigurationError:
        return False
    return True


def guess_conversations(path: Path, form: str, model: Path) -> dict[str, Any]:
    """Look at instructions and their answers, and propose the settings of an experiment.

    Args:
        path: JSON, or JSON lines.
        form: `alpaca` or `sharegpt`.
        model: folder of the model.

    Returns:
        As `guess.guess`; `texts` is the number of different conversations with an answer, `format`
        and `template` say how they are read and written.

    Raises:
        ConfigurationError: the model is no causal language model, rows that are not of the format,
            or too few.
    """
    family = str(models.read_config(model)["model_type"])
    if family not in models.CAUSAL:
        raise ConfigurationError(
            f"{path} has instructions and their answers, and the model is of the family "
            f"{family!r}; expected a causal language model ({', '.join(models.CAUSAL)}), name one "
            f"with --model."
        )
    tokenizer = models.load_tokenizer(model)
    template = instructions.template_of(form, None, tokenizer)
    rows = instructions.read(path, form)
    different = list(dict.fromkeys(rows))
    positions = 1 << 30  # lengths are wanted, so nothing is cut
    encoded = [instructions.encode(row, template, tokenizer, positions) for row in different]
    tokens = sorted(len(document.ids) for document in encoded if document is not None)
    budget.refuse_few(len(tokens), "conversations with an answer", path)
    sizes = budget.sizes(len(tokens), {"train": 0, "val": 0, "test": 0})
    return {
        "kind": "conversations",
        "rows": len(rows),
        "texts": len(tokens),
        "format": form,
        "template": template,
        "target": "class",
        "classes": {},
        "numbers": {},
        **sizes,
        "stratified": False,
        **budget.lengths(tokens, model),
        **budget.training(sizes["split"]["train"], EPOCHS, BATCH),
        **budget.lora_parameters(model),
    }
