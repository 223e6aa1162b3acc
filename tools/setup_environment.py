"""Makes what a checkout runs on: the Python environment `.venv` and the jars in `.build/`.

Called by `tools/setup`, which has looked for the JDK, Maven, Python and the C compiler before.

Two promises shape it. An interrupted set-up is finished by the next call: what is complete says
so by the last thing written (the environment's stamp, the name of the jars' folder), and whatever
lacks that is made from scratch, because pip takes a half-installed package for an installed one.
Two calls at once do not disturb each other: each part is made under a file lock, and the second
finds the work of the first.
"""

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

PYTHON_FILES = "python-runtime"
STAMP = "glora-stamp"
# The module whose jar and libraries a part is: the command's, and the one that only policies need.
JAR_PARTS = {"jars": "orchestrator", "policy": "bridge/graalpy"}
LOG_LINES = 15
# Jars of other states of the sources are kept a month, since a long run may still read them. They
# cost little: equal files are links.
JARS_KEPT_SECONDS = 30 * 24 * 3600

# Settings of pip or Python that would send files elsewhere than into .venv.
MISLEADING = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PIP_NO_DEPS",
)

# jep cannot be imported outside a Java process, so only its native half is looked for.
IMPORT_CHECK = """
import importlib.util, pathlib
import numpy, peft, PIL, safetensors, torch, transformers
if importlib.util.find_spec("glora") is None:
    raise SystemExit("the package glora is not on the path")
folder = pathlib.Path(importlib.util.find_spec("jep").origin).parent
if not list(folder.glob("*jep*.so")) + list(folder.glob("*jep*.jnilib")):
    raise SystemExit(f"no native library in {folder}")
"""

# What the last lines of a log say, and the sentence for it. The first that matches is taken.
CAUSES = (
    (r"No space left on device|Errno 28\b", "the disk is full; free some space"),
    (
        r"DO NOT MATCH THE HASHES",
        "a downloaded package does not have the digest in the lock file; clear pip's cache "
        "(pip cache purge) or correct the package index",
    ),
    (
        r"name resolution|resolve host|Unknown host|NewConnectionError|Connection refused|"
        r"Network is unreachable|Could not transfer|ConnectTimeout|ReadTimeout|ProxyError|"
        r"timed out",
        "a package registry could not be reached; connect to the network, or point pip or Maven "
        "at a mirror",
    ),
)


class SetupFailed(Exception):
    """A set-up step that failed; the message is the whole sentence for the user."""


class Progress:
    """Writes one line for each step, "[2/6] Python libraries … 38 s"; on a terminal they run."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announces a step and, when its block has ended well, writes the seconds it took."""
        self._step += 1
        line = f"[{self._step}/{self._steps}] {title} … "
        start = time.monotonic()
        ended = threading.Event()

        def tick() -> None:
            while not ended.wait(1.0):
                self._write(f"\r{line}{time.monotonic() - start:.0f} s")

        ticker = threading.Thread(target=tick, daemon=True)
        self._write(line)
        if sys.stderr.isatty():
            ticker.start()
        try:
            yield
        except BaseException:
            ended.set()
            self._write("\n")
            raise
        ended.set()
        if ticker.is_alive():
            ticker.join()
            self._write(f"\r{line}")
        self._write(f"{time.monotonic() - start:.0f} s\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


class Checkout:
    """The folder of the project, and the keys of what is made from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.build = root / ".build"
        self.venv = root / ".venv"

    def environment_key(self) -> str:
        """Returns the key of the lock files, as the launcher computes it."""
        return self._shell("environment_key", self.root)

    def jars_key(self, part: str, sources: Path) -> str:
        """Returns the key of a part's sources in a folder, as the launcher computes it."""
        return self._shell(f"{part}_key", sources)

    def environment_ready(self) -> bool:
        """Returns whether .venv is complete and made from the present lock files."""
        stamp = self.venv / STAMP
        if not (self.venv / "bin" / "python").exists() or not stamp.is_file():
            return False
        return stamp.read_text().partition("\n")[0] == self.environment_key()

    def _shell(self, function: str, folder: Path) -> str:
        script = f'. "$1/tools/lib.sh"; {function} "$2"'
        command = ["sh", "-c", script, "sh", str(self.root), str(folder)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Runner:
    """Runs programs with their output in a log, and the lock in their hands.

    A child inherits the lock's descriptor: if only this process is killed, the lock lasts until
    pip or Maven, which may still be writing, has ended too.
    """

    def __init__(self, log: Path, lock: int) -> None:
        self._log = log
        self._lock = lock
        log.write_text("")

    def run(self, what: str, command: list[str], cwd: Path, **variables: str) -> None:
        """Runs a command to its end.

        Raises:
            SetupFailed: it exited with another status than 0.
        """
        environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
        environment.update(variables)
        with self._log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock,),
            )
            try:
                status = child.wait()
            except BaseException:
                child.terminate()
                child.wait()
                raise
        if status != 0:
            self._fail(what, status)

    def _fail(self, what: str, status: int) -> NoReturn:
        lines = self._log.read_text(errors="replace").splitlines()
        tail = "\n".join(lines[-LOG_LINES:])
        # A full disk may have kept the program from saying so: the log is on it.
        said = tail if shutil.disk_usage(self._log.parent).free > 2**20 else "Errno 28"
        cause = next((sentence for pattern, sentence in CAUSES if re.search(pattern, said)), None)
        reason = (
            f": {cause}, and call again" if cause else f" with status {status}; the log says why"
        )
        raise SetupFailed(f"{what} failed{reason} (log: {self._log}).\n{tail}")


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[int]:
    """Holds a file lock, after waiting for another process that holds it; yields its descriptor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"glora: waiting for another process, which makes the {what}.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def make_environment(checkout: Checkout, progress: Progress) -> None:
    """Makes .venv from the lock files, from scratch, unless another process has just done so."""
    with locked(checkout.build / "venv.lock", "Python environment") as lock:
        if checkout.environment_ready():
            return
        key = checkout.environment_key()
        runner = Runner(checkout.build / "venv.log", lock)
        venv, root = checkout.venv, checkout.root
        python = str(venv / "bin" / "python")
        version = sys.version.split()[0]

        with progress.step(f"Python environment ({version})"):
            discard(venv)
            runner.run("making .venv", [sys.executable, "-m", "venv", str(venv)], root)
        for title, arguments in pip_steps(root / PYTHON_FILES):
            with progress.step(title):
                runner.run(f"installing {title}", [python, "-m", "pip", *arguments], root)
        with progress.step("check of the environment"):
            link_package(venv, root / PYTHON_FILES / "src")
            check = [python, "-c", IMPORT_CHECK]
            runner.run("importing what was installed", check, root, HF_HUB_OFFLINE="1")
            facts = f"python {version}\njdk {os.environ.get('JAVA_HOME', 'unknown')}\n"
            write_atomically(venv / STAMP, f"{key}\n{facts}")


def pip_steps(files: Path) -> list[tuple[str, list[str]]]:
    """Returns what pip installs, in order: the title of a step and pip's arguments."""
    # --no-compile: byte code is made on first import, for the few modules ever imported.
    install = ["--no-input", "--disable-pip-version-check", "install", "--no-compile"]
    install += ["--progress-bar", "off"]
    exactly = ["--require-hashes", "--no-deps", "-r"]
    # jep is compiled with the numpy and setuptools just installed, since its numpy support is fixed
    # then, and past pip's cache, where a jep made for another build of the same Python looks alike.
    compiled = ["--no-build-isolation", "--no-cache-dir"]
    return [
        ("Python libraries", [*install, *exactly, str(files / "requirements.lock")]),
        ("PyTorch", [*install, "-r", str(files / "requirements-torch.txt")]),
        ("jep", [*install, *compiled, *exactly, str(files / "requirements-jep.lock")]),
    ]


def link_package(venv: Path, sources: Path) -> None:
    """Makes the checkout's own package importable; one file cannot be left half-installed."""
    (site_packages,) = venv.glob("lib/python3.*/site-packages")
    write_atomically(site_packages / "glora-checkout.pth", f"{sources}\n")


def make_jars(checkout: Checkout, progress: Progress, part: str) -> None:
    """Builds the jars of a part from a copy of the sources into `.build/PART/KEY`.

    A copy, so that neither an edit during the build nor a `mvn verify` beside it, which writes the
    same target folders, can end up under the wrong key.
    """
    module = JAR_PARTS[part]
    with locked(checkout.build / "jars.lock", "jars") as lock:
        for left in checkout.build.glob("unfinished-*"):
            discard(left)
        folder = checkout.build / part
        if (folder / checkout.jars_key(part, checkout.root)).is_dir():
            return
        older = sorted(folder.glob("*"), key=lambda jars: jars.stat().st_mtime)
        runner = Runner(checkout.build / f"{part}.log", lock)
        with progress.step(part if part == "jars" else f"jars of the {part}"):
            work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=checkout.build))
            copy_sources(checkout.root, work)
            key = checkout.jars_key(part, work)
            modules = ["-pl", module, "-am"]
            maven = ["mvn", "-q", "-B", "-DskipTests", "-Dglora.unchecked", *modules, "package"]
            runner.run("building the jars", maven, work, MAVEN_OPTS=maven_options())
            target = work / module / "target"
            built = [*target.glob("*.jar"), *(target / "lib").glob("*.jar")]
            if not built:
                raise SetupFailed(
                    f"Building the jars left no jar in {target}, expected {module}'s."
                )
            finished = work / "finished"
            finished.mkdir()
            for jar in built:
                place_jar(jar, finished / jar.name, older[-1:])
            folder.mkdir(exist_ok=True)
            finished.rename(folder / key)
            discard(work)
        for jars in older:
            if time.time() - jars.stat().st_mtime > JARS_KEPT_SECONDS:
                discard(jars)


def maven_options() -> str:
    """Returns MAVEN_OPTS for one short build: the second compiler would not pay."""
    return f"-XX:TieredStopAtLevel=1 {os.environ.get('MAVEN_OPTS', '')}".strip()


def copy_sources(root: Path, work: Path) -> None:
    """Copies the poms and the main sources, the same files that the key is made of."""
    for pom in [root / "pom.xml", *root.glob("*/pom.xml"), *root.glob("*/*/pom.xml")]:
        place = work / pom.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(pom, place)
    for sources in [*root.glob("*/src/main"), *root.glob("*/*/src/main")]:
        shutil.copytree(sources, work / sources.relative_to(root))


def place_jar(jar: Path, place: Path, older: list[Path]) -> None:
    """Moves a jar to its place, or links to an equal one of an earlier build."""
    for folder in older:
        twin = folder / jar.name
        if twin.is_file() and filecmp.cmp(twin, jar, shallow=False):
            os.link(twin, place)
            return
    jar.rename(place)


def discard(path: Path) -> None:
    """Removes a folder, or a link to one but not what it points to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        (path / STAMP).unlink(
            missing_ok=True
        )  # first, so that a half-removed environment is no environment
        shutil.rmtree(path)


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that is either absent or whole, also after a power cut."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def main(arguments: list[str]) -> int:
    """Makes the parts named before a "--", then becomes the command behind it, if any."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parts, command = arguments[:end], arguments[end + 1 :]
    checkout = Checkout(Path(__file__).resolve().parent.parent)
    jars = [part for part in parts if part in JAR_PARTS]
    progress = Progress(5 * ("venv" in parts) + len(jars))
    # TERM ends like Ctrl-C: by an exception, so that the running program is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if "venv" in parts:
            make_environment(checkout, progress)
        for part in jars:
            make_jars(checkout, progress, part)
    except SetupFailed as failure:
        print(f"glora: {failure}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"glora: the set-up failed: {error}; correct that, and call again.", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("glora: the set-up was interrupted; the next call finishes it.", file=sys.stderr)
        return 130
    if command:
        # Python ignores SIGPIPE, and a program started by exec would go on ignoring it.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execv(command[0], command)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
