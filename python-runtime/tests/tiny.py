"""A tiny model and a tiny labelled table, made from a seed: what tests run real steps on.

    python tests/tiny.py DIR        writes DIR/model (a BERT, 2 blocks, hidden 32) and DIR/data.tsv

Neither torch nor transformers is imported, so that a Java test has its files in a moment.
A text is a film's review in a made-up English: its class is decided by the words of praise or
blame in it, one of which may stand behind a "not" and then counts the other way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

HIDDEN, BLOCKS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 64
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = {
    "good": "good great fine warm bright funny moving superb charming tender lovely rich",
    "bad": "bad awful dull cold weak boring clumsy terrible shallow tedious ugly poor",
    "plain": "the a this that film story plot actor scene music end start is was seems looks and "
    "but with very quite rather often one man woman town house night day long short old new first",
}
GOOD, BAD, PLAIN = (tuple(words.split()) for words in WORDS.values())
PIECES = ("##s", "##ly", "##ing", "##ed", "##er", "##ness")
SPLIT = {"train": 64, "val": 32, "test": 32, "seed": 5}
MAX_LENGTH = 16
LABELS = ("negative", "positive")


def vocabulary() -> list[str]:
    """Return the word pieces: special ones, letters, words, endings."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    whole = [*SPECIAL, "not", *GOOD, *BAD, *PLAIN]
    pieces = [*letters, *(f"##{letter}" for letter in letters), *PIECES, ".", ",", "!"]
    return list(dict.fromkeys([*whole, *pieces]))


def write_model(folder: Path, seed: int = 0, blocks: int = BLOCKS) -> Path:
    """Write a seeded BERT body with its tokenizer, as transformers saves one."""
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary()
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": len(words),
        "hidden_size": HIDDEN,
        "num_hidden_layers": blocks,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(
        _weights(len(words), blocks, seed), folder / "model.safetensors", metadata={"format": "pt"}
    )
    _write_tokenizer(folder, words)
    return folder


def write_data(file: Path, seed: int = 0, rows: int = 160) -> Path:
    """Write a table with the columns text and label, half of each class, no two texts equal."""
    draw = np.random.default_rng(seed)
    lines: dict[str, str] = {}
    while len(lines) < rows:
        label = len(lines) % 2
        lines.setdefault(_text(draw, label), LABELS[label])
    file.parent.mkdir(parents=True, exist_ok=True)
    table = "".join(f"{text}\t{label}\n" for text, label in lines.items())
    file.write_text("text\tlabel\n" + table, encoding="utf-8")
    return file


def task(data: Path) -> dict[str, object]:
    """Return the task block of an experiment on the tiny table."""
    return {"source": f"local:{data}", "split": dict(SPLIT), "max_length": MAX_LENGTH}


def _text(draw: np.random.Generator, label: int) -> str:
    words = list(draw.choice(PLAIN, size=int(draw.integers(2, 8))))
    for _ in range(int(draw.integers(1, 4))):
        turned = draw.random() < 0.1
        word = str(draw.choice((BAD, GOOD)[label ^ int(turned)]))
        words.insert(int(draw.integers(0, len(words) + 1)), f"not {word}" if turned else word)
    return " ".join(words) + str(draw.choice([".", "!", ""]))


def _weights(words: int, blocks: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """Draw the body: wider than a fresh BERT's 0.02, so that its output depends on its input."""
    draw = np.random.default_rng(seed)
    tensors: dict[str, npt.NDArray[np.float32]] = {}

    def matrix(name: str, rows: int, columns: int, scale: float) -> None:
        drawn = draw.standard_normal((rows, columns)) * scale
        tensors[f"{name}.weight"] = drawn.astype(np.float32)

    def linear(name: str, rows: int, columns: int) -> None:
        matrix(name, rows, columns, columns**-0.5)
        tensors[f"{name}.bias"] = (draw.standard_normal(rows) * 0.1).astype(np.float32)

    def norm(name: str) -> None:
        tensors[f"{name}.weight"] = np.ones(HIDDEN, np.float32)
        tensors[f"{name}.bias"] = np.zeros(HIDDEN, np.float32)

    matrix("embeddings.word_embeddings", words, HIDDEN, 1.0)
    # What a pre-trained body knows already: words of one kind point the same way.
    mood = draw.standard_normal(HIDDEN).astype(np.float32)
    for sign, known in ((1, GOOD), (-1, BAD)):
        for word in known:
            tensors["embeddings.word_embeddings.weight"][vocabulary().index(word)] += sign * mood
    matrix("embeddings.position_embeddings", POSITIONS, HIDDEN, 0.1)
    matrix("embeddings.token_type_embeddings", 2, HIDDEN, 0.1)
    norm("embeddings.LayerNorm")
    for block in range(blocks):
        layer = f"encoder.layer.{block}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", INNER, HIDDEN)
        linear(f"{layer}.output.dense", HIDDEN, INNER)
        norm(f"{layer}.output.LayerNorm")
    linear("pooler.dense", HIDDEN, HIDDEN)
    return tensors


def _write_tokenizer(folder: Path, words: list[str]) -> None:
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])],
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": POSITIONS,
        **{
            f"{name}_token": f"[{piece}]"
            for name, piece in (
                ("pad", "PAD"),
                ("unk", "UNK"),
                ("cls", "CLS"),
                ("sep", "SEP"),
                ("mask", "MASK"),
            )
        },
    }
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings, indent=2) + "\n", encoding="utf-8"
    )


def main(arguments: list[str]) -> int:
    """Write both into the folder that is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python tests/tiny.py DIR\n")
        return 2
    folder = Path(arguments[0])
    write_model(folder / "model")
    write_data(folder / "data.tsv")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
