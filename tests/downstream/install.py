"""``python3 tests/downstream/install.py FOLDER``: an environment with programs of others.

The programs come first: they require the original, which this library then replaces. Ends with
status 3, and says so, if the package index does not have them.
"""

import os
import pathlib
import subprocess
import sys
import venv

PROGRAMS = ["hcplogs", "hcpcbc", "hcpt"]
NEEDED = ["h11", "trustme"]  # by the emulator
ROOT = pathlib.Path(__file__).parents[2]

if sys.version_info < (3, 12):  # it needs asyncore, which later releases of Python do not have
    PROGRAMS.append("hcpupd")
else:
    print("!!!! HCPUPD DOES NOT RUN ON PYTHON 3.12 AND LATER: NOT TESTED !!!!", file=sys.stderr)


def install(folder: pathlib.Path) -> None:
    """Make an environment in *folder*; `subprocess.CalledProcessError` if that fails."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet"]
    # Else pip would take what is there for installed, and not remove the original.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        subprocess.run([*pip, *PROGRAMS, *NEEDED], check=True, env=environment)
    except subprocess.CalledProcessError:
        print("!!!! PROGRAMS OF OTHERS CANNOT BE INSTALLED: NOT TESTED !!!!", file=sys.stderr)
        sys.exit(3)
    subprocess.run([*pip, "--no-deps", str(ROOT)], check=True, env=environment)


if __name__ == "__main__":
    install(pathlib.Path(sys.argv[1]))
