"""``python3 tests/downstream/install.py FOLDER``: an environment with programs of others.

The programs come first: they require the original, which this library then replaces.
"""

import pathlib
import subprocess
import sys
import venv

PROGRAMS = ("hcplogs", "hcpcbc", "hcpt")
NEEDED = ("h11", "trustme")  # by the emulator
ROOT = pathlib.Path(__file__).parents[2]


def install(folder: pathlib.Path) -> None:
    """Make an environment in *folder*; `subprocess.CalledProcessError` if that fails."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet"]
    subprocess.run([*pip, *PROGRAMS, *NEEDED], check=True)
    subprocess.run([*pip, "--no-deps", str(ROOT)], check=True)


if __name__ == "__main__":
    install(pathlib.Path(sys.argv[1]))
