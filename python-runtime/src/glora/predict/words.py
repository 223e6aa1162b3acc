"""Scoring texts with a merged language model whose classes are words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from glora.data import words
from glora.data.rows import one_line
from glora.language import word_scores
from glora.models import load_causal, load_tokenizer
from glora.predict.output import Predictions, check_suffix, finite, scored, text_rows

__all__ = ["predict_words"]


def predict_words(
    model_path: str | Path,
    source: str | Path,
    target: str | Path,
    *,
    prompt: str,
    labels: Sequence[str],
    label_words: Mapping[str, str] | None = None,
    text_column: str = "text",
    max_length: int = 64,
    batch_size: int = 8,
) -> Predictions:
    """Let a language model say each row's class: the one whose word is the likeliest behind it.

    The score of a class is its word's likelihood as a share of that of all classes' words.

    Args:
        model_path: a merged causal language model's folder.
        source: a TSV, CSV, JSON lines or Parquet file, or plain text with one row a line (`.txt`).
        target: where to, as a whole or not at all; its suffix chooses the format.
        prompt: what the model reads, with {text} in it.
        labels: names of the classes.
        label_words: class to word; a space and the class's name when omitted.
        text_column: the column with the text; of plain text there is only one.
        max_length: tokens of a prompt; a text that does not fit is cut at its end.
        batch_size: rows scored at a time.

    Raises:
        ConfigurationError: a table that cannot be read, a missing column, a name that the table
            has already, a format that is not known, or words that do not fit the tokenizer.
        EnvironmentNotUsable: Parquet without pyarrow.
        SourceError: the folder is incomplete.
        StorageError: no space, or the target cannot be written.
    """
    source, target, model_path = Path(source), Path(target), Path(model_path)
    check_suffix(target)
    records = text_rows(source, (text_column,), ("--text-column",))
    tokenizer = load_tokenizer(model_path)
    chosen = words.words_of(labels, label_words)
    tokens = words.word_tokens(prompt, chosen, tokenizer)
    texts = [one_line(str(record[text_column])) for record in records]
    ids = words.prompts(texts, prompt, tokenizer, max_length)
    whole = tokenizer([prompt.replace(words.PLACE, text) for text in texts], verbose=False)
    cut = sum(len(row) > max_length for row in whole["input_ids"])
    model = load_causal(model_path)
    parts = []
    for start in range(0, len(ids), batch_size):
        rows = [torch.tensor(row) for row in ids[start : start + batch_size]]
        batch = {
            "input_ids": pad_sequence(rows, batch_first=True),
            "attention_mask": pad_sequence([torch.ones_like(r) for r in rows], batch_first=True),
        }
        with torch.inference_mode():
            parts.append(finite(word_scores(model, batch, tokens), model_path))
    return scored(target, records, "class", list(chosen), torch.cat(parts), cut)
