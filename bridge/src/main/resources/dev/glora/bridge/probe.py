"""Tells, as one line of JSON, what an embedder must know of this Python; see PythonProbe.java.

Runs on every Python since 2.7, so that a version that is too old is named and not a syntax error.
"""

import json
import os
import platform
import sys


def libraries():
    """Returns where the interpreter's shared library may lie, likeliest first."""
    import sysconfig

    config = sysconfig.get_config_vars()
    stem = "libpython" + config.get("VERSION", "")
    names = [config.get("INSTSONAME"), config.get("LDLIBRARY"), stem + ".so", stem + ".dylib"]
    folders = [config.get("LIBDIR"), os.path.join(sys.base_prefix, "lib")]
    if config.get("LIBDIR") and config.get("MULTIARCH"):
        folders.insert(1, os.path.join(config["LIBDIR"], config["MULTIARCH"]))
    if config.get("PYTHONFRAMEWORKPREFIX"):
        folders.insert(0, config["PYTHONFRAMEWORKPREFIX"])
    shared = [name for name in names if name and not name.endswith(".a")]
    paths = [os.path.join(folder, name) for folder in folders if folder for name in shared]
    return list(dict.fromkeys(paths))


def version(package):
    """Returns the installed version without importing the package, None if it is not installed."""
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def jep_directory():
    """Returns the folder of the package jep, None if it is not installed."""
    import importlib.util

    # The folder this runs in must not count: one named jep there would look like the package.
    sys.path[:] = [entry for entry in sys.path if entry]
    spec = importlib.util.find_spec("jep")
    return os.path.dirname(spec.origin) if spec and spec.origin else None


def made_for():
    """Returns the Python version that the virtual environment names, None without one."""
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg")) as settings:
            for line in settings:
                name, _, value = line.partition("=")
                if name.strip() in ("version", "version_info"):
                    return ".".join(value.strip().split(".")[:2])
    except (OSError, UnicodeDecodeError):
        pass
    return None


def built_for(directory):
    """Returns the version of libpython that jep's native part needs, None if unknown."""
    import re

    for name in ("libjep.so", "libjep.jnilib"):
        try:
            with open(os.path.join(directory or "", name), "rb") as library:
                found = re.search(rb"libpython(\d+\.\d+)", library.read())
        except OSError:
            continue
        return found.group(1).decode() if found else None
    return None


def details():
    """Returns what matters of a Python that is new enough."""
    import sysconfig

    jep = jep_directory()
    return {
        "made_for": made_for(),
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "libraries": libraries(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "jep_directory": jep,
        "jep_built_for": built_for(jep),
        "jep_version": version("jep"),
        "numpy_version": version("numpy"),
        "torch_version": version("torch"),
    }


answer = {
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
}
if sys.version_info >= (3, 8):  # noqa: UP036 - older ones only name themselves
    answer.update(details())
sys.stdout.write("\nglora-probe " + json.dumps(answer) + "\n")
