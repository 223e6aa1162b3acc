"""A small checkout: the real launcher and set-up, around stand-ins for what they fetch or start."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = ROOT / "experiments" / "offline"
# A build that was started in the background passes SIGINT on as ignored, and so would its children;
# a handler here is the default there.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What the scripts may use besides the things they look for: the tests' PATH holds nothing else.
UTILITIES = (
    *("sh", "basename", "cat", "cksum", "cp", "dirname", "env", "find", "mkdir"),
    *("readlink", "sed", "sleep", "sort", "tr", "uname"),
)
LIBRARIES = ("numpy", "peft", "PIL", "safetensors", "transformers")
JEP_BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "jep-4.3.1-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("jep/__init__.py", "")
        wheel.writestr("jep/libjep.so", "")
        info = "jep-4.3.1.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: jep\\nVersion: 4.3.1\\n")
        tags = "Root-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\n" + tags)
        wheel.writestr(info + "RECORD", "")
    return name
"""
JAVA = """#!/bin/sh
case "$*" in
*-XshowSettings:properties*) echo "    java.home = {home}" >&2 ;;
*) for argument; do echo "$argument"; done ;;
esac
"""
# Says when it has begun, so that a test can act while it is under way, and when it was ended.
MAVEN = """#!/bin/sh
echo mvn >>"{calls}"
sleep "${{FAKE_MVN_SECONDS:-0}}" &
trap 'kill $!; echo ended >>"{calls}"; exit 143' TERM INT
wait
[ -z "${{FAKE_MVN_ERROR:-}}" ] || {{ echo "$FAKE_MVN_ERROR"; exit 1; }}
mkdir -p orchestrator/target/lib
cat */src/main/java/*.java >orchestrator/target/glora-orchestrator-0.jar
echo library >orchestrator/target/lib/library.jar
case "$*" in
*" bridge/graalpy "*)
    mkdir -p bridge/graalpy/target/lib
    cat bridge/graalpy/src/main/java/*.java >bridge/graalpy/target/glora-bridge-graalpy-0.jar
    echo sandbox >bridge/graalpy/target/lib/sandbox.jar
    ;;
esac
"""


@dataclass(frozen=True)
class SmallCheckout:
    """A checkout in a folder of its own, with a PATH of its own."""

    root: Path
    bin: Path
    jdk: Path
    calls: Path
    environment: dict[str, str]

    def start(self, *command: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Starts a command as the leader of its own process group."""
        return subprocess.Popen(
            [str(word) for word in command],
            env={**self.environment, **variables},
            cwd=self.root.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        process = self.start(*command, **variables)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def glora(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs `./glora`."""
        return self.run(self.root / "glora", *arguments, **variables)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs shell text with the functions of tools/lib.sh; $1 is the checkout."""
        library = f'. "$1/tools/lib.sh"; {script}'
        return self.run("sh", "-c", library, "sh", self.root)

    def pretend_environment(self) -> None:
        """Makes an empty environment with a valid stamp."""
        python = self.root / ".venv" / "bin" / "python"
        write_program(python, "#!/bin/sh\n")
        key = self.shell('environment_key "$1"').stdout
        (self.root / ".venv" / "glora-stamp").write_text(key)

    def made(self) -> list[str]:
        """Returns what was called so far: "python3" and "mvn"."""
        return self.calls.read_text().split() if self.calls.exists() else []


def write_program(path: Path, text: str) -> None:
    """Writes an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def write_jdk(home: Path, version: str) -> None:
    """Writes a JDK whose programs print their arguments."""
    for program in ("java", "javac"):
        write_program(home / "bin" / program, JAVA.format(home=home))
    (home / "release").write_text(f'IMPLEMENTOR="nobody"\nJAVA_VERSION="{version}"\n')


def write_wheel(folder: Path, name: str, version: str) -> str:
    """Writes a wheel with one empty module; returns its line for a lock file."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return locked(path, name, version)


def write_jep(folder: Path) -> str:
    """Writes a source distribution that builds without a compiler; returns its line."""
    path = folder / "jep-4.3.1.tar.gz"
    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: jep\nVersion: 4.3.1\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        'backend-path = ["."]\n',
        "backend.py": JEP_BACKEND,
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"jep-4.3.1/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return locked(path, "jep", "4.3.1")


def locked(path: Path, name: str, version: str) -> str:
    """Returns the line of a lock file for a distribution."""
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def base_python() -> str:
    """Returns the interpreter that the environment of these tests was made with."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(Path(sys.base_prefix) / "bin" / version)


@pytest.fixture
def checkout(tmp_path: Path) -> SmallCheckout:
    """A fresh small checkout whose path has spaces."""
    root = tmp_path / "a folder with spaces" / "glora"
    (root / "tools").mkdir(parents=True)
    shutil.copy2(ROOT / "glora", root)
    for name in ("lib.sh", "setup", "setup_environment.py"):
        shutil.copy2(ROOT / "tools" / name, root / "tools")
    probe = Path("bridge/src/main/resources/dev/glora/bridge/probe_base.py")
    (root / probe).parent.mkdir(parents=True)
    shutil.copy2(ROOT / probe, root / probe)

    (root / "pom.xml").write_text("<project/>")
    for module in ("bridge", "bridge/graalpy", "orchestrator"):
        sources = root / module / "src" / "main" / "java"
        sources.mkdir(parents=True)
        (root / module / "pom.xml").write_text("<project/>")
        (sources / "First.java").write_text("class First {}\n")
        (sources / "Second.java").write_text("class Second {}\n")

    wheels = tmp_path / "wheels"
    wheels.mkdir()
    runtime = root / "python-runtime"
    (runtime / "src" / "glora").mkdir(parents=True)
    (runtime / "src" / "glora" / "__init__.py").write_text("")
    (runtime / "requirements.lock").write_text(
        "".join(write_wheel(wheels, name, "1.0") for name in LIBRARIES)
    )
    write_wheel(wheels, "torch", "2.13.0")
    (runtime / "requirements-torch.txt").write_text("torch==2.13.*\n")
    (runtime / "requirements-jep.lock").write_text(write_jep(wheels))

    programs = tmp_path / "bin"
    programs.mkdir()
    for name in UTILITIES:
        (programs / name).symlink_to(str(shutil.which(name)))
    calls = tmp_path / "calls"
    write_program(programs / "mvn", MAVEN.format(calls=calls))
    write_program(programs / "cc", "#!/bin/sh\n")
    write_program(
        programs / "python3", f'#!/bin/sh\necho python3 >>"{calls}"\nexec "{base_python()}" "$@"\n'
    )
    jdk = tmp_path / "a jdk"
    write_jdk(jdk, "17.0.15")
    for program in ("java", "javac"):
        (programs / program).symlink_to(jdk / "bin" / program)

    environment = {
        "PATH": str(programs),
        "HOME": str(tmp_path),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels.as_uri(),
        "PYTHONIOENCODING": "utf-8",
    }
    return SmallCheckout(root, programs, jdk, calls, environment)


def offline(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    """A script of the offline suite, which finds what it shares with others beside itself."""
    monkeypatch.syspath_prepend(OFFLINE)
    return import_module(name)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return offline(monkeypatch, "judge")


@pytest.fixture
def structures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return offline(monkeypatch, "structures")
