"""Instructions per request against what was recorded: no noise, so CI can hold us to it."""

import json
import sys
from pathlib import Path

from . import counting
from .peers import BASE
from .results import is_optimized

RECORDED = Path(__file__).parent / "instructions.json"
SLACK = 1.10
STRANGER_SLACK = 1.25  # for a Python of which nothing was recorded
FIGURES = ("instructions-few", "instructions-hcp")

Ratios = dict[str, float]  # by figure: ours to http.client's


def this_python() -> str:
    """What ratios depend on: which Python, and whether its compiler was thorough."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return version + (" optimized" if is_optimized() else "")


def measure() -> Ratios:
    found = {}
    for figure in FIGURES:
        counts = counting.instructions(f"small-http-{figure.rpartition('-')[2]}", [BASE, "ours"])
        found[figure] = round(counts["ours"] / counts[BASE], 3)
    return found


def limits(recorded: dict[str, Ratios], python: str) -> Ratios:
    """What may be needed; for a Python of which nothing was recorded, a little more than others."""
    if python in recorded:
        return {figure: recorded[python][figure] * SLACK for figure in FIGURES}
    return {
        figure: max(ratios[figure] for ratios in recorded.values()) * STRANGER_SLACK
        for figure in FIGURES
    }


def record() -> None:
    """Take what is measured now for what may be needed from now on, by this Python."""
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    recorded[this_python()] = measure()
    RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    print(f"recorded for Python {this_python()}: {recorded[this_python()]}")


def is_kept() -> bool:
    """True if no more is needed than allowed; prints what was found."""
    recorded = json.loads(RECORDED.read_text())
    if this_python() not in recorded:
        print(f"NOTHING RECORDED for Python {this_python()} in {RECORDED.name}: others' count")
    found, allowed = measure(), limits(recorded, this_python())
    for figure in FIGURES:
        verdict = "fine" if found[figure] <= allowed[figure] else "TOO MUCH"
        print(f"{figure}: {found[figure]:.3f}, allowed {allowed[figure]:.3f}: {verdict}")
    return all(found[figure] <= allowed[figure] for figure in FIGURES)
