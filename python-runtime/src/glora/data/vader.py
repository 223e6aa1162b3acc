"""The VADER snippets: texts of four domains, each with a mean human rating from -4 to 4.

C.J. Hutto and E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of
Social Media Text", ICWSM 2014. The source distribution of vaderSentiment carries them as a
tarball in a tarball; a file's lines are id ⇥ mean rating ⇥ text, UTF-8, ended by CR LF.
"""

from __future__ import annotations

import difflib
import html
import html.entities
import io
import math
import re
import tarfile
from pathlib import Path

from glora import sources
from glora.data.rows import Row, Rows, one_line
from glora.data.task import Task
from glora.errors import ConfigurationError, SourceError

LABELS = ("negative", "positive")
FILES = {
    "movies": "movieReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "products": "amazonReviewSnippets_GroundTruth.txt",
    "editorials": "nytEditorialSnippets_GroundTruth.txt",
}
# Their snippets are sentences, with ids document_sentence. Sentences of one document speak of one
# thing: drawn one by one, 95 and 86 of 100 test rows would have one of their document in train.
DOCUMENTS = ("products", "editorials")
_INNER = "hutto_ICWSM_2014.tar.gz"
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")


def read(path: Path, task: Task) -> Rows:
    """Read one domain; a row's label is the sign of its rating where |rating| ≥ threshold.

    Where the target is a number, the label is the mean rating itself, of every row.

    Args:
        path: the source distribution, the tarball inside of it, or a folder with either's files.
        task: `domain` and `threshold` are used.

    Raises:
        ConfigurationError: the domain is not known.
        SourceError: the file is missing or malformed.
    """
    if task.domain not in FILES:
        near = difflib.get_close_matches(str(task.domain), FILES, n=1)
        raise ConfigurationError(
            f"task.domain is {task.domain!r}; expected one of {', '.join(FILES)}"
            + (f" (the nearest is {near[0]})." if near else ".")
        )
    name = FILES[task.domain]
    content = sources.read_member(path, name)
    if content is None:
        content = _nested(path, name)
    if task.target == "labels":
        raise ConfigurationError(
            "task.target is labels; the VADER snippets have one rating each, expected class or "
            "number."
        )
    rated = _rated(content, name)
    settings: dict[str, object] = {"reader": "vader", "domain": task.domain}
    by_document = task.domain in DOCUMENTS
    if by_document:
        settings["grouped"] = "document"
    number = task.target == "number"
    if not number:
        settings["threshold"] = float(task.threshold)
    rows = tuple(
        Row(
            text,
            rating if number else int(rating > 0),
            group=name.rpartition("_")[0] if by_document else None,
        )
        for name, rating, text in rated
        if number or abs(rating) >= task.threshold
    )
    return Rows(("rating",) if number else LABELS, rows, settings)


def _nested(path: Path, name: str) -> bytes:
    inner = sources.read_member(path, _INNER)
    if inner is None:
        raise SourceError(
            f"{path} holds neither {name} nor {_INNER}; expected the source distribution of "
            f"vaderSentiment 3.3.2 (the wheel has no data)."
        )
    try:
        with tarfile.open(fileobj=io.BytesIO(inner)) as tarred:
            for member in tarred:
                file = tarred.extractfile(member) if member.name.endswith(f"/{name}") else None
                if file is not None:
                    return file.read()
    except (tarfile.TarError, EOFError) as error:
        raise SourceError(
            f"The archive {_INNER} in {path} is damaged ({error}); fetch it anew."
        ) from error
    raise SourceError(f"The archive {_INNER} in {path} holds no {name}; fetch it anew.")


def _rated(content: bytes, name: str) -> list[tuple[str, float, str]]:
    """Each snippet's id, mean rating and text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is not UTF-8 ({error}); fetch it anew.") from error
    rows = []
    # Not splitlines(): it would also cut at U+0085 and U+2028 inside of a snippet.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        parts = line.split("\t")
        rating = _number(parts[1]) if len(parts) == 3 else math.nan
        if math.isnan(rating):
            raise SourceError(
                f"Line {number} of {name} is {line[:60]!r}; expected id, rating and text with "
                f"tabs between them, fetch it anew."
            )
        snippet = one_line(_unescape(parts[2]))
        if snippet:
            rows.append((parts[0], rating, snippet))
    return rows


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _unescape(text: str) -> str:
    """Resolve HTML's named characters; the editorials have some escaped twice (`&amp;amp;`)."""
    for _ in range(2):
        text = _ENTITY.sub(_character, text)
    return text


def _character(found: re.Match[str]) -> str:
    # unescape() alone would also resolve a known name at the start of an unknown one.
    known = found[0].startswith("&#") or found[0][1:] in html.entities.html5
    return html.unescape(found[0]) if known else found[0]
