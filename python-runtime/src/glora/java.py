"""The only door for Java: plain values and tensors in, plain values out.

Every function takes and gives None, booleans, integers, floats, strings, lists and dicts; tensors
come in only, on memory that Java owns. Sessions are numbers. Nothing here keeps experiment state,
and nothing imports torch before a function that needs it is called, so that `configure` and the
variables set by whoever started the process come first.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glora import environment as _environment
from glora.errors import ConfigurationError, SourceError

if TYPE_CHECKING:
    from torch import Tensor

    from glora.trainer import Trainer

__all__ = [
    "bind",
    "candidates",
    "choices",
    "close",
    "configure",
    "counts",
    "environment",
    "evaluate",
    "export_adapter",
    "export_merged",
    "features",
    "fetch",
    "guess",
    "look_at_vtab",
    "merge",
    "open",
    "predict",
    "prepare",
    "reset",
    "score",
    "state_load",
    "state_save",
    "step",
]

_sessions: dict[int, Trainer] = {}
_opened = 0


def configure(settings: Mapping[str, Any]) -> None:
    """Fixes `threads` and, unless `deterministic` is false, deterministic operators."""
    _environment.configure(
        _value(settings, "threads", "configure"),
        deterministic=bool(settings.get("deterministic", True)),
    )


def environment(request: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns versions, kernels, threads and `device`, and their `fingerprint`.

    Args:
        request: `device`, as an experiment names it; `cpu` when omitted.
    """
    return _environment.describe(str((request or {}).get("device", "cpu")))


def fetch(request: Mapping[str, Any]) -> dict[str, Any]:
    """Fetches `source` (pinned by `sha256` where given) into `cache`; see `glora.sources`."""
    from glora.sources import fetch as fetch_source

    source = _value(request, "source", "fetch")
    return fetch_source(source, request.get("sha256"), request.get("cache")).to_json()


def prepare(request: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the prepared set of `model` and `task` in `cache`; see `glora.data`."""
    from glora.data import prepare as prepare_set

    return prepare_set(
        _value(request, "model", "prepare"),
        _value(request, "task", "prepare"),
        request.get("cache"),
    ).to_json()


def guess(request: Mapping[str, Any]) -> dict[str, Any]:
    """Looks at the table `data` for `model`; see `glora.data.guess`."""
    from glora.data.guess import guess as look

    return look(
        _value(request, "model", "guess"),
        _value(request, "data", "guess"),
        request.get("cache"),
        text_column=request.get("text_column"),
        pair_column=request.get("pair_column"),
        label_column=request.get("label_column"),
        target=request.get("target"),
    )


def look_at_vtab(request: Mapping[str, Any]) -> dict[str, Any]:
    """Looks at a copy of VTAB-1k in `folder`; returns `tasks`, see `glora.data.vtab.Looked`."""
    from glora.data.vtab import look

    found = look(Path(_value(request, "folder", "look_at_vtab")))
    return {"tasks": [task.to_json() for task in found]}


def predict(request: Mapping[str, Any]) -> dict[str, Any]:
    """Scores the rows of `input` with `model_path` into `output`; see `glora.predict`.

    Args:
        request: also `text_column`, `pair_column`, `label_separator`, `max_length`, `batch_size`
            where they are not the defaults; of a language model `prompt`, `labels` and
            `label_words`, or `form` and `template`. What does not apply is left aside.

    Returns:
        `rows`, `cut`, `kind`, `counts`, `numbers`.
    """
    from dataclasses import asdict

    from glora import models
    from glora import predict as predicting

    path = Path(_value(request, "model_path", "predict"))
    family = models.read_config(path)["model_type"]
    call: Any = predicting.predict_table
    names = ["text_column", "pair_column", "label_separator", "max_length", "batch_size"]
    if models.modality(family) == "image":
        call, names = predicting.predict_pictures, ["batch_size"]
    elif family in models.CAUSAL and request.get("form") is not None:
        call, names = predicting.predict_answers, ["form", "template", "max_length"]
    elif family in models.CAUSAL:
        call = predicting.predict_words
        names = ["prompt", "labels", "label_words", "text_column", "max_length", "batch_size"]
    settings = {name: request[name] for name in names if request.get(name) is not None}
    source, target = (_value(request, name, "predict") for name in ("input", "output"))
    return asdict(call(path, source, target, **settings))


def choices(request: Mapping[str, Any]) -> dict[str, float]:
    """Lets a language model answer questions of multiple choice; see `glora.choices`.

    Args:
        request: `model_path`, `format` and `source`; `name` (the harness's task), `shots`,
            `examples`, `limit`, `batch_size`, `device`, `precision` and `cache` where they are not
            the defaults.

    Returns:
        Metric to value.
    """
    from glora.sources import fetch as fetch_source

    cache = request.get("cache")
    form = str(_value(request, "format", "choices"))
    source = fetch_source(_value(request, "source", "choices"), None, cache).path
    model = _value(request, "model_path", "choices")
    device = _environment.resolve_device(str(request.get("device", "cpu")))
    half = request.get("precision", "float32") == "bfloat16"
    settings: dict[str, Any] = {
        "limit": request.get("limit"),
        "batch_size": int(request.get("batch_size", 8)),
        "device": device,
        "dtype": "bfloat16" if half else "float32",
    }
    shots, examples = request.get("shots"), request.get("examples")
    if form == "lm-eval":
        from glora.harness import run_tasks

        name = str(_value(request, "name", "choices"))
        return run_tasks(model, [name], include=source, shots=shots or None, **settings)[name]
    from glora.choices import score_files

    found = None if examples is None else fetch_source(examples, None, cache).path
    return score_files(model, form, source, shots=int(shots or 0), examples=found, **settings)


def features(request: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the prepared set of the head's inputs from `prepared`; see `glora.data`."""
    from glora.data import features as features_of

    return features_of(
        _value(request, "prepared", "features"),
        _value(request, "model_path", "features"),
        _value(request, "model_digest", "features"),
        request.get("cache"),
        int(request.get("batch", 64)),
        device=_environment.resolve_device(str(request.get("device", "cpu"))),
    ).to_json()


def open(request: Mapping[str, Any]) -> dict[str, Any]:
    """Loads a model and makes it trainable.

    Args:
        request: `method`, `model_path`, `model_digest` (checked where given), `labels`, `columns`
            and `target` (as in set.json), `settings` (the method's, and `precision`, `accumulate`
            and `gradient_checkpointing`), `seed`, `device`, `micro_batch` (rows that are computed
            at once; 0 for whole batches).

    Returns:
        `session`, `sites`, `ranks`, `parameters`, `hidden`, `device`, `notes` (sentences).
    """
    global _opened
    settings = request.get("settings") or {}
    device = _environment.resolve_device(str(request.get("device", "cpu")))
    precision = str(settings.get("precision", "float32"))
    _environment.require_precision(precision, device)
    # Imported here: they load torch.
    from glora.buffers import Column
    from glora.losses import Target
    from glora.methods import open_method
    from glora.methods.base import Opening
    from glora.models import weights_digest
    from glora.trainer import Trainer

    model_path = Path(_value(request, "model_path", "open"))
    expected = request.get("model_digest")
    if expected and weights_digest(model_path) != expected:
        raise SourceError(
            f"The weights in {model_path} have the SHA-256 {weights_digest(model_path)}, expected "
            f"{expected}: prepare again, or fetch the model anew."
        )
    columns = [Column.parse(value) for value in _value(request, "columns", "open")]
    labels = [str(label) for label in _value(request, "labels", "open")]
    target = Target.of(request.get("target"))
    plain = [c for c in columns if c.name == "features" and not c.sequence]
    method = open_method(
        str(_value(request, "method", "open")),
        Opening(
            model_path=model_path,
            labels=labels,
            target=target,
            settings=settings,
            features=plain[0].row_elements if plain else None,
            max_length=max((c.row_shape[0] for c in columns if c.sequence), default=None),
            pixels=next((c.pixels for c in columns if c.pixels), None),
            seed=int(request.get("seed", 0)),
            device=device,
            precision=precision,
        ),
    )
    if settings.get("gradient_checkpointing"):
        method.checkpoint_activations()
    trainer = Trainer(
        method,
        columns,
        len(labels),
        target,
        device=device,
        autocast=precision == "autocast",
        accumulate=int(settings.get("accumulate", 1)),
        micro_batch=int(request.get("micro_batch", 0)),
    )
    _opened += 1
    _sessions[_opened] = trainer
    counts = method.parameters()
    return {
        "session": _opened,
        "sites": [
            {
                "name": site.name,
                "in": site.in_features,
                "out": site.out_features,
                "bias": site.has_bias,
                "dead": sorted(site.dead),
            }
            for site in method.sites
        ],
        "ranks": list(method.ranks),
        "parameters": {
            "trainable": counts.trainable,
            "adapter": counts.adapter,
            "head": counts.head,
            "total": counts.total,
        },
        "hidden": method.hidden,
        "device": device,
        "notes": list(method.notes),
    }


def bind(session: int, tensors: Mapping[str, Tensor]) -> None:
    """Gives a session its buffers, by name; see `glora.buffers.Buffers`."""
    _trainer(session).bind(tensors)


def step(session: int) -> None:
    """Trains once on the bound batch."""
    _trainer(session).step()


def evaluate(session: int) -> None:
    """Runs the bound batch forward."""
    _trainer(session).evaluate()


def candidates(session: int, request: Mapping[str, Any] | None) -> dict[str, Any]:
    """Makes `evaluate` fast for some structures, or as before; see `Trainer.open_candidates`.

    Args:
        session: the session's number.
        request: `structures` (Base64 of the codes), `tokens`, `cache_mib` and `forward` (`auto`,
            `merged` or `unmerged`), or None for none.

    Returns:
        `order`, `blocks`, `shared` and `merged_sites`, and `rule`, which tells apart all that makes
        other bits; empty for none.
    """
    from glora.candidates import MERGE_RATIO

    trainer = _trainer(session)
    if request is None:
        trainer.close_candidates()
        return {}
    forward = str(_value(request, "forward", "candidates"))
    plan = trainer.open_candidates(
        [b64decode(text) for text in _value(request, "structures", "candidates")],
        int(_value(request, "tokens", "candidates")),
        int(_value(request, "cache_mib", "candidates")) << 20,
        merge={"auto": None, "merged": True, "unmerged": False}[forward],
    )
    return {
        "order": list(plan.order),
        "blocks": plan.blocks,
        "shared": plan.shared,
        "merged_sites": plan.merged_sites,
        "rule": f"auto, ratio {MERGE_RATIO}" if forward == "auto" else forward,
    }


def score(session: int, scores: Tensor) -> None:
    """Adds the first-order effects of all slices on the bound batch to `scores`."""
    _trainer(session).score(scores)


def sort_ranks(session: int, scores: Tensor) -> None:
    """Sorts the rank columns, and `scores` with them, best first; see `Trainer.sort_ranks`."""
    _trainer(session).sort_ranks(scores)


def state_save(session: int, path: str) -> None:
    """Writes weights and optimiser state to `path`, whole or not at all."""
    _trainer(session).save_state(Path(path))


def state_load(session: int, path: str) -> None:
    """Reads what `state_save` wrote."""
    _trainer(session).load_state(Path(path))


def reset(session: int, what: Mapping[str, Any]) -> None:
    """Draws fresh weights by `seed` if `weights`, forgets the optimiser's state if `optimizer`."""
    _trainer(session).reset(
        weights=bool(what.get("weights", False)),
        optimizer=bool(what.get("optimizer", False)),
        seed=int(what.get("seed", 0)),
    )


def counts(session: int) -> dict[str, int]:
    """Returns the adapter's entries as it stands: `stored`, `folded`; for methods without sites."""
    found = _trainer(session).method.counts()
    return {"stored": found.stored, "folded": found.folded}


def export_adapter(session: int, folder: str) -> dict[str, Any]:
    """Writes adapter and head; returns `digest` of the tensors' file, `entries`, `files`."""
    from glora.storage import sha256_file

    export = _trainer(session).export_adapter(Path(folder))
    return {
        "digest": sha256_file(Path(folder) / export.file),
        "entries": export.entries,
        "files": list(export.files),
    }


def merge(session: int) -> dict[str, float]:
    """Folds the bound structure into the body, for good; returns what changed."""
    return _trainer(session).merge()


def export_merged(session: int, folder: str) -> dict[str, Any]:
    """Writes the merged model's folder; returns the `digest` of its weights."""
    from glora.models import weights_digest

    _trainer(session).export_merged(Path(folder))
    return {"digest": weights_digest(Path(folder))}


def close(session: int) -> None:
    """Forgets a session and lets go of its buffers."""
    _trainer(session)
    del _sessions[session]


def _trainer(session: int) -> Trainer:
    trainer = _sessions.get(session)
    if trainer is None:
        raise ConfigurationError(
            f"The session {session} is not open; open are {sorted(_sessions) or 'none'}: use the "
            "number that `open` returned, before `close`."
        )
    return trainer


def _value(request: Mapping[str, Any], key: str, function: str) -> Any:
    if key not in request:
        found = ", ".join(sorted(request)) or "no key"
        raise ConfigurationError(
            f"`{function}` was called without `{key}` (found {found}): pass it."
        )
    return request[key]
