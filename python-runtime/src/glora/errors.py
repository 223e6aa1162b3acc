"""The errors that glora raises on purpose.

Every message is one sentence that says what was found, what was expected and what to do.
Whoever drives glora (the Java side, a script) decides by the class: `ConfigurationError` is the
caller's to mend, `EnvironmentNotUsable` the machine's, everything else is a failed attempt.
"""

from __future__ import annotations

__all__ = [
    "AdapterError",
    "ConfigurationError",
    "DivergedError",
    "EnvironmentNotUsable",
    "GloraError",
    "MergeError",
    "SourceError",
    "StorageError",
]


class GloraError(Exception):
    """Base of every error that glora raises on purpose."""


class ConfigurationError(GloraError):
    """A setting, a pattern or a structure does not fit; nothing was changed."""


class EnvironmentNotUsable(GloraError):
    """A library, a version or a device that is needed is not there."""


class SourceError(GloraError):
    """A model or a data set could not be fetched or is not what its digest says."""


class DivergedError(GloraError):
    """A training step gave a loss that is not finite; the weights are as before the step."""


class MergeError(GloraError):
    """A model cannot be merged or unmerged as it stands; nothing was changed."""


class StorageError(GloraError):
    """A file could not be read or written, or is damaged."""


class AdapterError(StorageError):
    """An adapter's files are damaged, incomplete, or were made for another body."""
