"""Sets for causal language models: prompts with a word for each class, and whole conversations.

    task.prompt set     input_ids, attention_mask; `target` {kind: word, tokens: [one a class]}
    task.format set     input_ids, target_ids and, where train is packed, position_ids; `target`
                        {kind: tokens}

Only train is packed: of val and test each row stays one document, with a result of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glora import models
from glora.data import instructions, prepared, words
from glora.data.rows import Row, Rows
from glora.data.task import Task
from glora.errors import ConfigurationError
from glora.language import OUTPUTS

__all__ = ["Generation", "conversations", "is_generation"]

Columns = Mapping[str, tuple[str, list[int], bool]]


def is_generation(task: Task) -> bool:
    """Whether a task asks for a causal language model."""
    return task.prompt is not None or task.format is not None


def conversations(path: Path, task: Task) -> Rows:
    """Read the conversations of a file.

    Raises:
        ConfigurationError: see `instructions.read`.
    """
    assert task.format is not None
    rows = tuple(Row(text, 0) for text in instructions.read(path, task.format))
    return Rows(OUTPUTS, rows, {"reader": "instructions", "format": task.format})


class Generation:
    """How a task's rows become a set.

    Attributes:
        settings: what of the task decided the content, beside the reader's settings.
        columns: name to type, shape of a row, and whether it is a sequence.
        target: of set.json.

    Args:
        task: its settings.
        labels: names of the classes.
        model: folder of the model, for its tokenizer.

    Raises:
        ConfigurationError: words, template or prompt do not fit the data or the tokenizer.
    """

    def __init__(self, task: Task, labels: Sequence[str], model: Path) -> None:
        self._task = task
        self._labels = list(labels)
        self._tokenizer = tokenizer = models.load_tokenizer(model)
        shape = [task.max_length]
        self.settings: dict[str, Any]
        self.columns: Columns
        self.target: dict[str, Any]
        if task.format is not None:
            self._template = instructions.template_of(task.format, task.template, tokenizer)
            self.settings = {"template": self._template, "packing": task.packing}
            names = ["input_ids", "target_ids", *(["position_ids"] if task.packing else [])]
            self.columns = dict.fromkeys(names, ("i32", shape, True))
            self.target = {"kind": "tokens"}
            return
        prompt = str(task.prompt)
        chosen = words.words_of(labels, task.label_words)
        self.settings = {"prompt": prompt, "label_words": chosen}
        self.columns = {
            "input_ids": ("i32", shape, True),
            "attention_mask": ("u8", shape, True),
        }
        self.target = {"kind": "word", "tokens": words.word_tokens(prompt, chosen, tokenizer)}

    def split(self, name: str, rows: Sequence[Row]) -> prepared.SplitContent:
        """Return a split's arrays and texts.

        Raises:
            ConfigurationError: the prompt is too long, or no answer is left in any row.
        """
        if self._task.format is not None:
            return self._documents(name, rows)
        texts = [row.text for row in rows]
        ids = words.prompts(texts, str(self._task.prompt), self._tokenizer, self._task.max_length)
        lengths = np.array([len(row) for row in ids], np.int32)
        input_ids = np.full((len(rows), self._task.max_length), self._padding, np.int32)
        for index, row in enumerate(ids):
            input_ids[index, : len(row)] = row
        mask = np.arange(self._task.max_length) < lengths[:, None]
        labels = np.array([row.label for row in rows], np.int64)
        arrays: dict[str, prepared.Array] = {
            "input_ids": input_ids,
            "attention_mask": mask.astype(np.uint8),
            "labels": labels,
            "lengths": lengths,
        }
        named = [self._labels[label] for label in labels]
        return prepared.SplitContent(arrays, prepared.text_lines(texts, named))

    @property
    def _padding(self) -> int:
        padding = self._tokenizer.pad_token_id
        return padding if isinstance(padding, int) else 0

    def _documents(self, name: str, rows: Sequence[Row]) -> prepared.SplitContent:
        length = self._task.max_length
        found = [
            (row, instructions.encode(row.text, self._template, self._tokenizer, length))
            for row in rows
        ]
        kept = [(row, document) for row, document in found if document is not None]
        if not kept:
            raise ConfigurationError(
                f"No row of the split {name} has a token of an answer within task.max_length = "
                f"{length}; expected more tokens, or other data."
            )
        documents = [document for _, document in kept]
        packs = [[number] for number in range(len(documents))]
        if self._task.packing and name == "train":
            packs = instructions.pack(documents, length)
        made = [
            instructions.joined([documents[n] for n in pack], length, self._padding)
            for pack in packs
        ]
        arrays: dict[str, prepared.Array] = {
            column: np.stack([row[column] for row in made]) for column in self.columns
        }
        arrays["labels"] = np.zeros(len(packs), np.int64)
        arrays["lengths"] = np.array(
            [sum(len(documents[n].ids) for n in pack) for pack in packs], np.int32
        )
        texts = ["\n".join(kept[n][0].text for n in pack) for pack in packs]
        return prepared.SplitContent(arrays, prepared.text_lines(texts, [None] * len(packs)))
