"""What was measured, the arithmetic on it, and how it is kept in a file."""

import json
import os
import platform
import statistics
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from .peers import BASE
from .rounds import Rounds
from .worker import Cost
from .works import MIB, WORKS, Figure, Work


class Spread(NamedTuple):
    """A median with its quartiles."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def is_optimized() -> bool:
    """True if this Python was built with profile-guided optimization: it is a third faster."""
    return "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")


def about(server: str, rounds: int, large: int) -> dict[str, str]:
    """Where and how something is measured."""
    libraries = [
        f"{name} {metadata.version(name)}"
        for name in ("urllib3", "requests", "httpx", "pycurl")
        if any(metadata.distributions(name=name))
    ]
    return {
        "Python": platform.python_version() + ("" if is_optimized() else ", built without PGO"),
        "libraries": ", ".join(libraries) or "none",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "server": server,
        "rounds": str(rounds),
        "large object": f"{large // MIB} MiB",
    }


@dataclass
class Results:
    """All that a run has measured."""

    about: dict[str, str]
    costs: dict[str, Rounds] = field(default_factory=dict)  # by work
    figures: dict[str, dict[str, float]] = field(default_factory=dict)  # by figure and peer

    def cpu(self, work: Work, peer: str) -> Spread | None:
        """CPU time as a ratio to ``http.client``'s in the same round."""
        return self._ratio(work, peer, 0)

    def wall(self, work: Work, peer: str) -> Spread | None:
        """Time passed, likewise."""
        return self._ratio(work, peer, 1)

    def _ratio(self, work: Work, peer: str, which: int) -> Spread | None:
        rounds = self.costs.get(work.name, {})
        if peer not in rounds or BASE not in rounds:
            return None
        pairs = zip(rounds[peer], rounds[BASE], strict=True)
        return spread([cost[which] / base[which] for cost, base in pairs])

    def memory(self, work: Work, peer: str) -> float | None:
        """Bytes of the highest peak above the warm process."""
        costs = self.costs.get(work.name, {}).get(peer)
        return max(cost.memory for cost in costs) if costs else None

    def seconds(self, work: Work, peer: str, which: str = "cpu") -> float | None:
        """CPU time (or ``"wall"``) of one request, the median."""
        costs = self.costs.get(work.name, {}).get(peer)
        if not costs:
            return None
        return statistics.median(cost.cpu if which == "cpu" else cost.wall for cost in costs)

    def figure(self, figure: Figure, peer: str) -> float | None:
        """The number that its goal is about."""
        if figure.name == "memory":
            peaks = [peak for work in WORKS if (peak := self.memory(work, peer)) is not None]
            return max(peaks) / MIB if peaks else None
        counts = self.figures.get(figure.name, {})
        if peer not in counts:
            return None
        return counts[peer] / counts[BASE] if figure.is_ratio else counts[peer]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Results":
        kept = json.loads(path.read_text())
        costs = {
            work: {peer: [Cost(*cost) for cost in each] for peer, each in rounds.items()}
            for work, rounds in kept["costs"].items()
        }
        return cls(kept["about"], costs, kept["figures"])
