"""What the documents say can be done: their Python runs, and what they point at is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python-runtime" / "src")}

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "adapter").is_dir()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_points_at_is_there(document: Path) -> None:
    text = document.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = {link for link in links if link and "://" not in link}
    experiments = {f"{ROOT}/{path}" for path in re.findall(r"\bexperiments/[\w-]+\.yaml", text)}

    missing = [
        path for path in sorted(local | experiments) if not (document.parent / path).exists()
    ]

    assert missing == []
