"""How other Python processes reach the HCPs of this one: environment variables.

Imports `_server`. ``sitecustomize.py`` belongs to the other processes: Python imports it at their
start, because `variables()` adds this folder to PYTHONPATH.
"""

import os
import pathlib
import shlex

from .._server.redirect import ROUTES_VARIABLE, redirect

CA_FILE_VARIABLE = "HCPSDK_TESTING_CAFILE"
FOLDER = str(pathlib.Path(__file__).parent)


def variables(ca_file: pathlib.Path) -> dict[str, str]:
    """The environment variables of a process that is to reach all HCPs of this one."""
    before = os.environ.get("PYTHONPATH")
    folders = [each for each in before.split(os.pathsep) if each != FOLDER] if before else []
    return {
        "PYTHONPATH": os.pathsep.join([FOLDER, *folders]),
        ROUTES_VARIABLE: redirect.exported(),
        CA_FILE_VARIABLE: str(ca_file),
    }


def export_lines(ca_file: pathlib.Path) -> list[str]:
    """Lines for a POSIX shell that set the variables, and keep the shell's own PYTHONPATH."""
    values = variables(ca_file)
    del values["PYTHONPATH"]
    return [
        f"export PYTHONPATH={shlex.quote(FOLDER)}${{PYTHONPATH:+:$PYTHONPATH}}",
        *(f"export {name}={shlex.quote(value)}" for name, value in values.items()),
    ]
