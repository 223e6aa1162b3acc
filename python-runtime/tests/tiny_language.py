"""Tiny causal language models of each family, with a tokenizer of their own, made from a seed.

python tests/tiny_language.py DIR [FAMILY]     writes DIR/model and DIR/data.tsv
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tiny
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

HIDDEN, BLOCKS, HEADS, INNER, POSITIONS = 32, 2, 4, 48, 160
KIND = {
    "gpt2": "GPT2",
    "llama": "Llama",
    "mistral": "Mistral",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
}
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}"
    "{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def write_model(folder: Path, family: str = "llama", seed: int = 0, chat: bool = True) -> Path:
    """Write a seeded model and its tokenizer, as transformers saves them."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(chat)
    size = len(tokenizer)
    settings: dict[str, Any] = {
        "vocab_size": size,
        "hidden_size": HIDDEN,
        "num_hidden_layers": BLOCKS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 2,
        "head_dim": HIDDEN // HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
    }
    if family == "gpt2":
        settings = {
            "vocab_size": size,
            "n_embd": HIDDEN,
            "n_layer": BLOCKS,
            "n_head": HEADS,
            "n_positions": POSITIONS,
        }
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = getattr(transformers, f"{KIND[family]}Config")(
        **settings, **ends, tie_word_embeddings=True
    )
    name = f"{KIND[family]}LMHeadModel" if family == "gpt2" else f"{KIND[family]}ForCausalLM"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, name)(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load(folder: Path) -> Any:
    """Return a model folder's tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder))


def _tokenizer(chat: bool) -> Any:
    from transformers import PreTrainedTokenizerFast

    words = [*tiny.GOOD, *tiny.BAD, *tiny.PLAIN, "not", "positive", "negative", "Sentiment:"]
    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    own.train_from_iterator([" ".join(f"{word} {word}" for word in words)], trainer)
    own.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    if chat:
        tokenizer.chat_template = CHAT
    return tokenizer


def write_alpaca(file: Path, rows: int = 60) -> Path:
    """Write instructions whose answer is decided by a word of the input."""
    texts = [line.split("\t") for line in _table(rows)]
    data = [
        {"instruction": "Say what it is.", "input": text, "output": f"It is {label}."}
        for text, label in texts
    ]
    file.write_text(json.dumps(data), encoding="utf-8")
    return file


def write_sharegpt(file: Path, rows: int = 20) -> Path:
    """Write conversations of two questions each, as JSON lines."""
    lines = []
    for number, line in enumerate(_table(rows)):
        text, label = line.split("\t")
        turns = [("human", text), ("gpt", label), ("human", f"sure {number}?"), ("gpt", "yes")]
        said = [{"from": role, "value": value} for role, value in turns]
        lines.append(json.dumps({"id": str(number), "conversations": said}))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _table(rows: int) -> list[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = tiny.write_data(Path(folder) / "data.tsv", rows=rows)
        return file.read_text("utf-8").splitlines()[1:]


def main(arguments: list[str]) -> int:
    """Write a model and the table of `tiny` into the folder that is named."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python tests/tiny_language.py DIR [FAMILY]\n")
        return 2
    folder = Path(arguments[0])
    write_model(folder / "model", *arguments[1:])
    tiny.write_data(folder / "data.tsv")
    write_alpaca(folder / "alpaca.json", rows=80)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
