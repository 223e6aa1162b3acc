"""The arrows between the modules: they hold by test, not by habit."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import glora

PACKAGE = Path(glora.__file__).parent


def imported(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it, absolute names."""
    found: set[str] = set()
    package = ["glora", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def python(code: str) -> str:
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_the_door_itself_knows_the_door_for_java() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] not in ("java.py", "java"):
            reached = {
                n for n in imported(path) if n == "glora.java" or n.startswith("glora.java.")
            }
            assert not reached, f"{path.name} imports {reached}"


def test_nothing_in_the_package_knows_jep() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not any(n.split(".")[0] in ("jep", "java") for n in imported(path)), path.name


def test_importing_glora_loads_neither_torch_nor_numpy() -> None:
    heavy = "{'torch', 'numpy', 'transformers', 'safetensors'}"
    assert python(f"import glora, sys; print(sorted({heavy} & set(sys.modules)))") == "[]\n"


def test_structures_need_no_torch() -> None:
    code = "import glora, sys; glora.SearchSpace((4,)); print('torch' in sys.modules)"
    assert python(code) == "False\n"


def test_inject_and_merge_are_functions_whatever_was_imported_first() -> None:
    code = (
        "import glora.inject, glora.merge; from glora.inject import inject\n"
        "import glora\n"
        "print(callable(glora.inject), callable(glora.merge), glora.inject is inject)"
    )
    assert python(code) == "True True True\n"


def test_every_public_name_is_there() -> None:
    assert sorted(glora.__all__) == sorted(glora._EXPORTS)
    for name in glora.__all__:
        assert getattr(glora, name) is not None
        assert name in dir(glora)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        glora.nothing  # noqa: B018
