"""Prompts with a word for each class."""

from __future__ import annotations

from typing import Any

import pytest
import tiny_language

from glora.data import words
from glora.errors import ConfigurationError
from glora.models import load_tokenizer

PROMPT = "{text} Sentiment:"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_tokenizer(tiny_language.write_model(tmp_path_factory.mktemp("language")))


def test_a_class_is_the_token_behind_the_prompt(tokenizer: Any) -> None:
    named = words.words_of(["negative", "positive"], None)
    assert named == {"negative": " negative", "positive": " positive"}
    tokens = words.word_tokens(PROMPT, named, tokenizer)
    assert [tokenizer.decode([token]) for token in tokens] == [" negative", " positive"]
    ids = words.prompts(["a good film"], PROMPT, tokenizer, 64)[0]
    whole = tokenizer("a good film Sentiment: positive")["input_ids"]
    assert [*ids, tokens[1]] == whole


def test_a_long_text_is_cut_and_the_rest_of_the_prompt_stays(tokenizer: Any) -> None:
    prompt = "Review: {text}\nSentiment:"
    for length in range(24, 60):
        ids = words.prompts(["good film and story " * 30], prompt, tokenizer, length)[0]
        text = tokenizer.decode(ids)
        assert len(ids) <= length
        assert text.startswith("<s>Review: good")
        assert text.endswith("\nSentiment:")
    with pytest.raises(ConfigurationError, match="tokens without a text"):
        words.prompts(["good"], prompt, tokenizer, 8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"negative": " bad"}, "names 'negative'; expected a word for each"),
        ({"negative": " bad", "positive": " good", "odd": " x"}, "and for no other"),
        ({"negative": " good", "positive": " good"}, "one word for two classes"),
    ],
)
def test_words_that_do_not_fit_the_classes_are_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        words.words_of(["negative", "positive"], given)


def test_a_word_of_several_tokens_is_refused_with_its_tokens(tokenizer: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"' unbelievable' .* no single token"):
        words.word_tokens(PROMPT, {"negative": " unbelievable"}, tokenizer)
