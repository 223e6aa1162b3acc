"""Says whether the Python that runs this file can carry an environment that Java embeds.

Prints "ok 3.11.7", or the version and in a few words why not.

Run by PythonEnvironment.java and by a checkout's tools/setup with whatever `python3` they find, so
it keeps to what every Python 3 can parse.
"""

import os
import sys
import sysconfig


def reason_against() -> str:
    """Returns why this interpreter cannot be used, or an empty string."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return "not 3.11 to 3.13"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "free-threaded"
    if not has_shared_library():
        return "without its shared library libpython"
    if not os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h")):
        return "without its headers (Python.h)"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return "without " + str(error.name)
    return ""


def has_shared_library() -> bool:
    """Returns whether libpython can be loaded into a Java process.

    The build's own word is not enough: Debian's says "shared" also where the package that holds
    the library is missing.
    """
    variable = sysconfig.get_config_var
    if variable("PYTHONFRAMEWORK"):
        return True
    if not variable("Py_ENABLE_SHARED"):
        return False
    names = {variable("LDLIBRARY"), variable("INSTSONAME")} - {None, ""}
    libdir = variable("LIBDIR") or ""
    folders = [
        libdir,
        os.path.join(libdir, variable("MULTIARCH") or ""),
        os.path.join(sys.base_prefix, "lib"),
    ]
    return any(os.path.exists(os.path.join(folder, name)) for folder in folders for name in names)


if __name__ == "__main__":
    version = ".".join(str(part) for part in sys.version_info[:3])
    against = reason_against()
    sys.stdout.write((version + " " + against if against else "ok " + version) + "\n")
