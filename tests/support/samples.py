"""Runs samples as a user does, in a process of their own. Imports nothing of the repository."""

import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples"


def command(script: object, *arguments: object, options: tuple[str, ...] = ()) -> list[str]:
    """The command that runs a script with an emulated HCP around it."""
    start = [sys.executable, "-m", "hcpsdk.testing", "run", *options]
    return [*start, *map(str, (script, *arguments))]


def run(
    script: object, *arguments: object, folder: Path, options: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    """What *script* printed, and how it ended."""
    whole = command(script, *arguments, options=options)
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, timeout=60)


def run_alone(
    script: object, *arguments: object, folder: Path
) -> "subprocess.CompletedProcess[str]":
    """The same without an HCP."""
    whole = [sys.executable, *map(str, (script, *arguments))]
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, timeout=60)
