"""Instruction tuning: conversations from Alpaca's and ShareGPT's files, and how they are written.

    alpaca     [{"instruction": …, "input": …, "output": …}, …]      input may be "" or absent
    sharegpt   [{"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}]}, …]

as one JSON list, or as JSON lines. A conversation is written out by a template, and the spans of
the answers in it are what is trained:

    template   a row reads
    alpaca     Below is an instruction … ### Instruction: … ### Response: ANSWER</s> (Taori et al.)
    chat       the model's own chat template
    vicuna     A chat between … USER: … ASSISTANT: ANSWER</s>USER: … (Zheng et al.)

where </s> stands for the tokenizer's end of text, which is trained too: a model that never saw it
never stops. What is left out: a row without an answer, turns of the assistant before the first
question, and a row whose answers begin behind `max_length` (a longer one is cut at its end).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glora import storage
from glora.data.objects import objects
from glora.errors import ConfigurationError
from glora.language import NO_TARGET

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = [
    "FORMATS",
    "TEMPLATES",
    "Encoded",
    "encode",
    "encode_question",
    "joined",
    "pack",
    "question",
    "read",
    "template_of",
]

Turn = dict[str, str]

FORMATS = ("alpaca", "sharegpt")
TEMPLATES = ("alpaca", "chat", "vicuna")
_ROLES = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard"), "assistant"),
    "system": "system",
}
_OPEN = 64
# Stands where an answer is asked for, in rows that are read as if it were there.
_OPEN_ANSWER = "?"
_ALPACA = (
    "Below is an instruction that describes a task{paired}. Write a response that appropriately "
    "completes the request.\n\n### Instruction:\n{instruction}\n\n{more}### Response:\n"
)
_VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions."
)


@dataclass(frozen=True)
class Encoded:
    """One document.

    Attributes:
        ids: its tokens.
        targets: of each position the token that follows, where it is part of an answer, else
            `NO_TARGET`.
    """

    ids: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]


def read(path: Path, form: str) -> list[str]:
    """Read a file's conversations.

    Args:
        path: of the file.
        form: one of `FORMATS`.

    Returns:
        The canonical JSON of each conversation's turns, `[{"role", "content"}]`; of Alpaca's rows
        that of `instruction`, `input` and `output`.

    Raises:
        ConfigurationError: wrong encoding, no JSON, or a row that is not of the format.
    """
    read_row = _alpaca if form == "alpaca" else _sharegpt
    rows = [read_row(path, number, row) for number, row in objects(path)]
    found = [storage.canonical_json(row).decode() for row in rows if row]
    if not found:
        raise ConfigurationError(
            f"{path} has {len(rows)} rows and none with an answer; expected rows in {form}'s "
            f"format, or set task.format to another one of {', '.join(FORMATS)}."
        )
    return found


def _text(path: Path, number: int, row: Mapping[str, Any], key: str, default: Any = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str):
        raise ConfigurationError(
            f"Row {number} of {path} has {value!r} as {key!r}, found {', '.join(map(str, row))}; "
            f"expected a text, mend the row or set task.format."
        )
    return value.strip()


def _alpaca(path: Path, number: int, row: Mapping[str, Any]) -> dict[str, str] | None:
    found = {
        "instruction": _text(path, number, row, "instruction"),
        "input": _text(path, number, {**row, "input": row.get("input") or ""}, "input"),
        "output": _text(path, number, row, "output"),
    }
    return found if found["output"] else None


def _role(turn: Mapping[str, Any]) -> str | None:
    return _ROLES.get(str(turn.get("from", turn.get("role"))).lower())


def _sharegpt(path: Path, number: int, row: Mapping[str, Any]) -> list[Turn] | None:
    listed = row.get("conversations", row.get("messages"))
    if not isinstance(listed, list):
        raise ConfigurationError(
            f"Row {number} of {path} has no list `conversations`, found "
            f"{', '.join(map(str, row)) or 'nothing'}; mend the row or set task.format."
        )
    turns: list[Turn] = []
    for turn in listed:
        turn = turn if isinstance(turn, dict) else {}
        role = _role(turn)
        if role is None:
            said = turn.get("from", turn.get("role"))
            raise ConfigurationError(
                f"Row {number} of {path} has a turn from {said!r}; expected one of "
                f"{', '.join(_ROLES)}."
            )
        content = _text(path, number, turn, "value" if "value" in turn else "content")
        if not content or (role == "assistant" and not any(t["role"] == "user" for t in turns)):
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n\n" + content
        else:
            turns.append({"role": role, "content": content})
    while turns and turns[-1]["role"] != "assistant":
        turns.pop()
    return turns or None


def question(path: Path, number: int, row: Mapping[str, Any], form: str) -> str:
    """Return what a row asks, as `read` returns a conversation; answers at its end are left out.

    Raises:
        ConfigurationError: the row is not of the format, or asks nothing.
    """
    found: Any
    if form == "alpaca":
        found = _alpaca(path, number, {**row, "output": _OPEN_ANSWER})
        asks = bool(found and found["instruction"])
    else:
        found = _sharegpt(path, number, _unanswered(row))
        asks = bool(found)
    if not asks:
        raise ConfigurationError(
            f"Row {number} of {path} asks nothing; expected an instruction or a turn of the user, "
            f"complete or remove it."
        )
    return storage.canonical_json(found).decode()


def _unanswered(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row of ShareGPT's whose last turn is an open answer."""
    key = "conversations" if "conversations" in row else "messages"
    turns = row.get(key)
    if not isinstance(turns, list):
        return row
    asked = list(turns)
    while asked and isinstance(asked[-1], dict) and _role(asked[-1]) == "assistant":
        asked.pop()
    return {**row, key: [*asked, {"from": "assistant", "value": _OPEN_ANSWER}]}


def template_of(form: str, asked: str | None, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the template that a task means.

    Args:
        form: of the file.
        asked: one of `TEMPLATES`, or None for the format's own: Alpaca's; for ShareGPT's the
            model's chat template if it has one, else Vicuna's.
        tokenizer: of the model.

    Raises:
        ConfigurationError: the model has no chat template, or Alpaca's is asked for conversations.
    """
    own = "chat" if tokenizer.chat_template else "vicuna"
    chosen = asked or ("alpaca" if form == "alpaca" else own)
    if chosen == "chat" and not tokenizer.chat_template:
        raise ConfigurationError(
            "task.template is chat and the model's tokenizer has no chat template; expected alpaca "
            "or vicuna."
        )
    if chosen == "alpaca" and form != "alpaca":
        raise ConfigurationError(
            "task.template is alpaca, which has one question and one answer, and task.format is "
            f"{form}; expected chat or vicuna."
        )
    return chosen


def encode(
    row: str, template: str, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> Encoded | None:
    """Write a conversation out and tokenise it; None where no token of an answer is left.

    Args:
        row: of `read`.
        template: of `template_of`.
        tokenizer: of the model, a fast one: the answers are found by their places in the text.
        max_length: tokens at which the document is cut.
    """
    text, spans = _written(row, template, tokenizer)
    encoded = tokenizer(
        text, add_special_tokens=template != "chat", return_offsets_mapping=True, verbose=False
    )
    trained = [_inside(text, begin, stop, spans) for begin, stop in encoded["offset_mapping"]]
    ids = np.array(encoded["input_ids"][:max_length], np.int32)
    targets = np.full(len(ids), NO_TARGET, np.int32)
    answer = np.array(trained[1 : len(ids)], bool)
    targets[:-1][answer] = ids[1:][answer]
    return Encoded(ids, targets) if answer.any() else None


def encode_question(row: str, template: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens of a conversation up to where its last answer begins.

    Args:
        row: of `question`.
        template: of `template_of`.
        tokenizer: of the model.
    """
    text, spans = _written(row, template, tokenizer)
    # Vicuna's answers begin with a space, which belongs to their first token.
    asked = text[: spans[-1][0]]
    ids: list[int] = tokenizer(asked, add_special_tokens=template != "chat", verbose=False)[
        "input_ids"
    ]
    return ids


def _written(
    row: str, template: str, tokenizer: PreTrainedTokenizerBase
) -> tuple[str, list[tuple[int, int]]]:
    """A conversation's text, and where its answers are in it."""
    content = json.loads(row)
    turns = _turns(content) if isinstance(content, dict) and template != "alpaca" else content
    end = str(tokenizer.eos_token or "")
    if template == "alpaca":
        return _written_alpaca(content, end)
    if template == "vicuna":
        return _written_vicuna(turns, end)
    return _written_chat(turns, tokenizer)


def _inside(text: str, begin: int, stop: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a token is part of an answer; white space before the answer may be in it, too."""
    return any(
        begin < stop <= end and stop > start and (begin >= start or not text[begin:start].strip())
        for start, end in spans
    )


def _turns(row: Mapping[str, str]) -> list[Turn]:
    question = row["instruction"] + (f"\n\n{row['input']}" if row["input"] else "")
    return [{"role": "user", "content": question}, {"role": "assistant", "content": row["output"]}]


def _written_alpaca(row: Mapping[str, str], end: str) -> tuple[str, list[tuple[int, int]]]:
    more = f"### Input:\n{row['input']}\n\n" if row["input"] else ""
    paired = ", paired with an input that provides further context" if more else ""
    prompt = _ALPACA.format(paired=paired, instruction=row["instruction"], more=more)
    text = prompt + row["output"] + end
    return text, [(len(prompt), len(text))]


def _written_vicuna(turns: Sequence[Turn], end: str) -> tuple[str, list[tuple[int, int]]]:
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    text, spans = system[0] if system else _VICUNA, []
    for turn in turns:
        if turn["role"] == "user":
            text += f" USER: {turn['content']} ASSISTANT:"
        elif turn["role"] == "assistant":
            start = len(text)
            text += f" {turn['content']}{end}"
            spans.append((start, len(text)))
    return text, spans


def _written_chat(
    turns: Sequence[Turn], tokenizer: PreTrainedTokenizerBase
) -> tuple[str, list[tuple[int, int]]]:
    def written(upto: int, *, asking: bool) -> str:
        rendered = tokenizer.apply_chat_template(
            list(turns[:upto]), tokenize=False, add_generation_prompt=asking
        )
        return str(rendered)

    text, spans = written(len(turns), asking=False), []
    for number, turn in enumerate(turns):
        if turn["role"] != "assistant":
            continue
        before, after = written(number, asking=True), written(number + 1, asking=False)
        if not after.startswith(before) or not text.startswith(after):
            raise ConfigurationError(
                "The model's chat template writes a conversation's beginning otherwise when more "
                "follows, so its answers cannot be found; expected task.template vicuna."
            )
        spans.append((len(before), len(after.rstrip())))
    return text, spans


def pack(documents: Sequence[Encoded], max_length: int) -> list[list[int]]:
    """Put documents into rows of at most `max_length` tokens, each into the first with room.

    Of the rows only the last `_OPEN` are looked at, so that the work grows with the documents.

    Returns:
        The documents' numbers, row by row; a document is never cut in two.
    """
    rows: list[list[int]] = []
    room: list[int] = []
    for number, document in enumerate(documents):
        size = len(document.ids)
        opened = range(max(0, len(rows) - _OPEN), len(rows))
        place = next((row for row in opened if room[row] >= size), len(rows))
        if place == len(rows):
            rows.append([])
            room.append(max_length)
        rows[place].append(number)
        room[place] -= size
    return rows


def joined(
    documents: Sequence[Encoded], max_length: int, padding: int
) -> dict[str, npt.NDArray[np.int32]]:
    """Return one row of documents behind each other.

    Returns:
        [max_length] each: `input_ids`, `target_ids` and `position_ids`, which begin anew with each
        document and stay 0 behind the last.
    """
    row = {
        "input_ids": np.full(max_length, padding, np.int32),
        "target_ids": np.full(max_length, NO_TARGET, np.int32),
        "position_ids": np.zeros(max_length, np.int32),
    }
    start = 0
    for document in documents:
        stop = start + len(document.ids)
        row["input_ids"][start:stop] = document.ids
        row["target_ids"][start:stop] = document.targets
        row["position_ids"][start:stop] = np.arange(stop - start)
        start = stop
    return row
