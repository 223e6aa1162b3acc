"""Data sets: read a source, draw the splits, tokenise or resize once into a prepared set.

    source ─ vader | table ─→ rows ─ splits ─→ train, val, test ─ tokens ─→ prepared set
    source ─ picture_sources ─→ pictures ─ deal ─→ train, val, test ─ images ─→ prepared set

A prepared set is a folder of safetensors files whose name is the digest of everything that
decided its content. `prepared.py` says what is in it.
"""

from __future__ import annotations

from glora.data.frozen import features
from glora.data.prepared import FORMAT, SPLITS, Prepared, PreparedSet, verify
from glora.data.rows import Row
from glora.data.splits import draw_splits, normal_text
from glora.data.task import Split, Task
from glora.data.tokens import prepare

__all__ = [
    "FORMAT",
    "SPLITS",
    "Prepared",
    "PreparedSet",
    "Row",
    "Split",
    "Task",
    "draw_splits",
    "features",
    "normal_text",
    "prepare",
    "verify",
]
