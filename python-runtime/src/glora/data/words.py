"""Classification as generation: a prompt with the text in it, and a word for each class.

    task.prompt         "{text} Sentiment:"
    task.label_words    {negative: " negative", positive: " positive"}

A row is the prompt's tokens; the class is the word that follows (Schick and Schütze 2021 call the
words a verbaliser). A word is one token behind the prompt, so that one pass scores all classes. A
text that is too long is cut at its end; the rest of the prompt stays whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from glora.errors import ConfigurationError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["PLACE", "prompts", "word_tokens", "words_of"]

PLACE = "{text}"


def words_of(labels: Sequence[str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the word of each class: the given one, or a space and the class's name.

    Raises:
        ConfigurationError: a class without a word, a word without a class, or one of two classes.
    """
    words = {label: f" {label}" for label in labels} if given is None else dict(given)
    missing, unknown = sorted(set(labels) - set(words)), sorted(set(words) - set(labels))
    if missing or unknown:
        raise ConfigurationError(
            f"task.label_words names {', '.join(map(repr, words)) or 'no class'}; expected a word "
            f"for each of the classes {', '.join(map(repr, labels))} and for no other."
        )
    if len(set(words.values())) < len(words):
        raise ConfigurationError(
            f"task.label_words has one word for two classes ({words}); expected different ones."
        )
    return {label: words[label] for label in labels}


def word_tokens(
    prompt: str, words: Mapping[str, str], tokenizer: PreTrainedTokenizerBase
) -> list[int]:
    """Return the token of each class's word, as it follows the prompt.

    Raises:
        ConfigurationError: a word is several tokens there, or merges with the prompt's end, or
            two words begin with the same token.
    """
    before = tokenizer(prompt.replace(PLACE, "a"))["input_ids"]
    tokens = []
    for label, word in words.items():
        after = tokenizer(prompt.replace(PLACE, "a") + word)["input_ids"]
        if after[: len(before)] != before or len(after) != len(before) + 1:
            pieces = tokenizer.convert_ids_to_tokens(after)[max(len(before) - 1, 0) :]
            raise ConfigurationError(
                f"The word {word!r} of the class {label!r} is no single token behind "
                f"{prompt[-20:]!r}, the tokens there are {pieces}; expected a word of one token "
                f"(most begin with a space), set task.label_words or the end of task.prompt."
            )
        tokens.append(int(after[-1]))
    return tokens


def prompts(
    texts: Sequence[str], prompt: str, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[list[int]]:
    """Return the tokens of each text's prompt, at most `max_length`.

    Raises:
        ConfigurationError: the prompt alone is too long.
    """
    empty = len(tokenizer(prompt.replace(PLACE, ""))["input_ids"])
    if empty >= max_length:
        raise ConfigurationError(
            f"task.prompt has {empty} tokens without a text and task.max_length is {max_length}; "
            f"expected more, so that a text fits."
        )
    return [_prompt(text, prompt, tokenizer, max_length) for text in texts]


def _prompt(
    text: str, prompt: str, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[int]:
    while True:
        ids: list[int] = tokenizer(prompt.replace(PLACE, text))["input_ids"]
        excess = len(ids) - max_length
        if excess <= 0:
            return ids
        # What is cut in tokens is cut in characters: the tokens at the new end may be others.
        places = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        kept = places["offset_mapping"][: max(len(places["offset_mapping"]) - excess, 0)]
        text = text[: kept[-1][1]].rstrip() if kept else ""
