"""Letting a merged language model answer: instructions and conversations, one answer each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch

from glora.data import instructions, table
from glora.data.objects import objects
from glora.errors import ConfigurationError
from glora.models import load_causal, load_tokenizer
from glora.predict.output import PREDICTION, Predictions, Record, check_suffix, refuse_taken, write

__all__ = ["predict_answers"]

# Whether the model said that its answer ends, within the tokens that it had.
ENDED = "ended"


def predict_answers(
    model_path: str | Path,
    source: str | Path,
    target: str | Path,
    *,
    form: str,
    template: str | None = None,
    max_length: int = 512,
) -> Predictions:
    """Generate an answer for each row and write the rows with it.

    The likeliest token is taken at each place (greedy), until the one that ends an answer or
    until question and answer have `max_length` tokens, as no row of the training had more.

    Args:
        model_path: a merged causal language model's folder.
        source: rows of the format: JSON (a list, or an object a line), or a table with the columns
            `instruction` and perhaps `input`; or plain text with one instruction a line (`.txt`).
            Answers that are there already do not count.
        target: where to, as a whole or not at all; its suffix chooses the format.
        form: `alpaca` or `sharegpt`.
        template: how a conversation is written; that of the format when omitted.
        max_length: tokens of question and answer.

    Raises:
        ConfigurationError: rows that cannot be read or have no question, or one of too many tokens.
        SourceError: the folder is incomplete.
        StorageError: no space, or the target cannot be written.
    """
    source, target, model_path = Path(source), Path(target), Path(model_path)
    check_suffix(target)
    tokenizer = load_tokenizer(model_path)
    chosen = instructions.template_of(form, template, tokenizer)
    records, asked = [], []
    for number, record in _rows(source, form):
        question = instructions.question(source, number, record, form)
        ids = instructions.encode_question(question, chosen, tokenizer)
        if len(ids) >= max_length:
            raise ConfigurationError(
                f"The question of row {number} of {source} has {len(ids)} tokens and a row of the "
                f"run has at most {max_length}, its answer included; shorten or remove it."
            )
        records.append(record)
        asked.append(ids)
    refuse_taken(source, records[0])
    model: Any = load_causal(model_path)
    ends = _ends(model, tokenizer)
    rows, unfinished = [], 0
    for record, ids in zip(records, asked, strict=True):
        with torch.inference_mode():
            said = model.generate(
                input_ids=torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
                max_new_tokens=max_length - len(ids),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=ends,
                pad_token_id=ends[0],
            )[0, len(ids) :].tolist()
        ended = said[-1] in ends
        unfinished += not ended
        answer = str(tokenizer.decode(said, skip_special_tokens=True)).strip()
        rows.append({**record, PREDICTION: answer, ENDED: ended})
    write(target, rows)
    return Predictions(len(rows), unfinished, "answer", {}, {})


def _rows(source: Path, form: str) -> list[tuple[int, Record]]:
    suffix = source.suffix.lower()
    if suffix in (".json", ".jsonl"):
        rows = [(number, dict(row)) for number, row in objects(source)]
    elif form == "alpaca" and suffix == ".txt":
        lines = [line for line in table.decoded(source).split("\n") if line.strip()]
        rows = [(number, {"instruction": line}) for number, line in enumerate(lines, 1)]
    elif form == "alpaca" and suffix in table.SUFFIXES:
        rows = [(n, dict(record.cells)) for n, record in enumerate(table.records(source), 1)]
    else:
        more = ", a table or a .txt with an instruction a line" if form == "alpaca" else ""
        raise ConfigurationError(
            f"{source} ends in {suffix!r}; the run's model answers rows of the format {form}, so a "
            f".json or .jsonl file of such{more} was expected."
        )
    if not rows:
        raise ConfigurationError(f"{source} has no rows; expected at least one.")
    return rows


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the one that was trained, and the model's own."""
    own = model.generation_config.eos_token_id
    listed = own if isinstance(own, list) else [own]
    found = [tokenizer.eos_token_id, *listed]
    ends = list(dict.fromkeys(cast(int, token) for token in found if token is not None))
    if not ends:
        raise ConfigurationError(
            "The model's tokenizer names no token that ends a text (eos_token), so an answer has "
            "no end; expected one in tokenizer_config.json."
        )
    return ends
