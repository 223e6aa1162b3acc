"""What the scripts of the offline suite share: the command, and a run's task."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def glora(runs: Path, *arguments: str) -> Any:
    """Calls the command and returns its answer; ends with its message where it fails."""
    command = [str(ROOT / "glora"), *arguments, "--json", "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip() or f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout)


def task_name(resolved: Mapping[str, Any]) -> str:
    """Returns the task of a resolved experiment: its domain, else the source of its data."""
    task = resolved["task"]
    return str(task.get("domain") or task["source"]["source"])
