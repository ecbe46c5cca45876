"""Runs at the start of a Python process that has the variables of an emulated HCP.

Redirects the names and ports of that HCP, as in its own process, and then imports the
``sitecustomize`` that Python would have imported otherwise. Imports nothing of the emulator by
name, so that nothing of hcpsdk is loaded: the process may not need it.
"""

import importlib.machinery
import importlib.util
import os
import pathlib
import sys
from types import ModuleType

HERE = pathlib.Path(__file__).parent


def run(spec: importlib.machinery.ModuleSpec | None) -> ModuleType:
    """The module of *spec*, executed."""
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def redirect(routes: str) -> None:
    """Redirect what *routes* names. A Python without dnspython cannot use the library anyway."""
    path = HERE.parent / "_server" / "redirect.py"
    try:
        module = run(importlib.util.spec_from_file_location("_hcpsdk_testing_redirect", path))
    except ModuleNotFoundError as missing:
        if missing.name != "dns":
            raise
    else:
        module.redirect.add_exported(routes)


def run_next() -> None:
    """Run the ``sitecustomize`` that this one hides, if there is one."""
    sys.path[:] = [folder for folder in sys.path if folder != str(HERE)]
    following = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if following is not None:
        run(following)


try:
    if found := os.environ.get("HCPSDK_TESTING_ROUTES"):
        redirect(found)
finally:
    run_next()
