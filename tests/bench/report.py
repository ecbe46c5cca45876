"""The results as tables (aligned text that is also reStructuredText) and as a picture."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from xml.sax.saxutils import escape

from .clients import BASE, CLIENTS, MIB, title
from .counts import is_optimized
from .measure import Rounds, Spread, ratios
from .works import ALL_WORKS, FIGURES, GROWTH, WORKS, Figure, Work, by_name

Cell = Callable[[Work, str], str]  # what a work and a client have in common


@dataclass
class Results:
    """All that a run has measured."""

    about: dict[str, str]
    costs: dict[str, Rounds] = field(default_factory=dict)  # by work
    counts: dict[str, dict[str, float]] = field(default_factory=dict)  # by figure and client

    def median(self, work: Work, client: str, which: str) -> float | None:
        """Seconds or bytes of one request; of memory the highest peak."""
        costs = [getattr(cost, which) for cost in self.costs.get(work.name, {}).get(client, ())]
        return (max if which == "memory" else statistics.median)(costs) if costs else None

    def ratio(self, work: Work, client: str, which: str = "cpu") -> Spread | None:
        return ratios(self.costs.get(work.name, {}), client, which)

    def figure(self, figure: Figure, client: str) -> float | None:
        """The number that its goal is about."""
        if figure.name == "memory":
            peaks = [self.median(work, client, "memory") for work in WORKS]
            return max((peak for peak in peaks if peak is not None), default=0) / MIB
        found = self.counts.get(figure.name, {})
        if client not in found:
            return None
        return found[client] / found[BASE] if figure.is_ratio else found[client]


def about(server: str, rounds: int, large: int) -> dict[str, str]:
    """Where and how something is measured."""
    names = ("urllib3", "requests", "httpx", "pycurl")
    present = [name for name in names if any(metadata.distributions(name=name))]
    return {
        "Python": platform.python_version() + ("" if is_optimized() else ", built without PGO"),
        "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in present) or "none",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "server": server,
        "rounds": str(rounds),
        "large object": f"{large // MIB} MiB",
    }


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A "simple table": the first column to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)

    def line(cells: Sequence[str]) -> str:
        first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        return "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()

    return "\n".join([rule, line(head), rule, *map(line, lines[1:]), rule])


def number(value: float | None) -> str:
    """With as many digits as have a meaning; nothing for None (RST takes a dash for a list)."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def figure_number(figure: Figure, value: float | None) -> str:
    """Without digits after the point if there can be none."""
    if value is None or figure.is_ratio:
        return number(value)
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def with_quartiles(ratio: Spread | None) -> str:
    if ratio is None:
        return ""
    return f"{number(ratio.median)} ({number(ratio.low)}-{number(ratio.high)})"


def met(value: float, goal: float | None) -> str:
    """As it is printed: 0.384 meets a goal of 0.38."""
    if goal is None:
        return ""
    return "yes" if round(value, 2) <= goal else "MISSED"


def goals(results: Results) -> str:
    """What has a goal, and whether it is met."""
    rows = []
    for work in ALL_WORKS:
        ours = results.ratio(work, "hcpsdk")
        if work.goal is not None and ours is not None:
            others = [results.ratio(work, client) for client in ("pycurl", "socket")]
            medians = [number(each.median if each else None) for each in others]
            goal = [number(work.goal), met(ours.median, work.goal)]
            rows.append([work.title, number(work.original), *medians, with_quartiles(ours), *goal])
    for figure in FIGURES:
        if (value := results.figure(figure, "hcpsdk")) is not None:
            found = (results.figure(figure, client) for client in ("pycurl", "socket", "hcpsdk"))
            numbers = [
                figure_number(figure, each) for each in (figure.original, *found, figure.goal)
            ]
            rows.append([figure.title, *numbers, met(value, figure.goal)])
    return table(["work", "original", title("pycurl"), "floor", "hcpsdk", "goal", "met"], rows)


def sections(results: Results) -> list[tuple[str, str]]:
    """All tables with their titles; without those of which nothing was measured."""
    present = [each for each in CLIENTS if any(each in rounds for rounds in results.costs.values())]
    others = [client for client in present if client != BASE]
    growth = [work for series in GROWTH for work in series]
    first = {work.name: series[0] for series in GROWTH for work in series}

    def matrix(works: Sequence[Work], clients: Sequence[str], cell: Cell) -> str:
        rows = [
            [work.title, *(cell(work, client) for client in clients)]
            for work in works
            if work.name in results.costs
        ]
        return table(["work", *map(title, clients)], rows) if rows else ""

    def ratio(which: str) -> Cell:
        return lambda work, client: with_quartiles(results.ratio(work, client, which))

    def to_one(which: str) -> Cell:
        def cell(work: Work, client: str) -> str:
            now, one = (results.median(each, client, which) for each in (work, first[work.name]))
            return number(now / one if now and one else None)

        return cell

    def memory(work: Work, client: str) -> str:
        return f"{(results.median(work, client, 'memory') or 0) / 1024:,.0f}"

    more = [work for work in growth if work is not first[work.name]]
    found = [
        ("CPU time, http.client = 1", matrix(WORKS, others, ratio("cpu"))),
        ("Time passed, http.client = 1", matrix(WORKS, others, ratio("wall"))),
        ("Growth: CPU time, http.client with as many = 1", matrix(growth, others, ratio("cpu"))),
        ("Growth: CPU time, the same library with one = 1", matrix(more, present, to_one("cpu"))),
        (
            "Growth: time passed, the same library with one = 1",
            matrix(more, present, to_one("wall")),
        ),
        ("Peak of memory above the warm process, KiB", matrix(ALL_WORKS, present, memory)),
        ("Counted", _counted(results)),
    ]
    return [(name, text) for name, text in found if text]


def _counted(results: Results) -> str:
    clients = [name for name in CLIENTS if any(name in each for each in results.counts.values())]
    rows = [
        [
            figure.title + (f", {BASE} = 1" if figure.is_ratio else ""),
            *(figure_number(figure, results.figure(figure, client)) for client in clients),
        ]
        for figure in FIGURES
        if figure.name in results.counts
    ]
    return table(["figure", *map(title, clients)], rows) if rows else ""


# The picture: bars, narrow enough to be read on a phone

PICTURED = (
    "small-http-hcp", "small-https-hcp", "threads-8", "put-http", "put-https", "connect-https",
)  # fmt: skip
BARS = ("hcpsdk", "pycurl", "socket", BASE, "urllib3", "httpx", "requests")
BEGIN, STEP, UNIT = 146, 19, 152  # pixels: where bars begin, from one to the next, length of 1.0
LONGEST = 2.0  # bars are cut off here

STYLE = """
.card { fill: #f6f8fa; } .bar { fill: #aab4bf; } .ours { fill: #2f77b5; }
text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 14px; }
@media (prefers-color-scheme: dark) {
.card { fill: #1a2027; } .bar { fill: #5b6773; } .ours { fill: #5aa2dd; } text { fill: #dce1e6; }
}
"""


def picture(results: Results) -> str:
    """CPU times as SVG, in colours for light and for dark screens."""
    y, parts = 10, []
    for work in (by_name(name) for name in PICTURED if name in results.costs):
        parts.append(f'<text class="title" x="16" y="{y + 22}">{escape(work.title)}</text>')
        y += 34
        found = [(name, results.ratio(work, name)) for name in BARS]
        bars = [(title(name), ratio.median) for name, ratio in found if ratio]
        for label, ratio in [
            *bars,
            *([("the original *", work.original)] if work.original else []),
        ]:
            length = min(ratio, LONGEST) * UNIT
            arrow = " →" if ratio > LONGEST else ""
            parts += [
                f'<text x="{BEGIN - 8}" y="{y + 11}" text-anchor="end">{escape(label)}</text>',
                f'<rect class="{"ours" if label == "hcpsdk" else "bar"}" x="{BEGIN}" y="{y}" '
                f'width="{length:.1f}" height="13"/>',
                f'<text x="{BEGIN + length + 6:.1f}" y="{y + 11}">{ratio:.2f}{arrow}</text>',
            ]
            y += STEP
        y += 12
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="520" height="{y}" role="img">'
    name = "<title>CPU time of HTTP clients, http.client = 1</title>"
    card = f'<rect class="card" width="520" height="{y}" rx="6"/>'
    return "\n".join([head, name, f"<style>{STYLE}</style>", card, *parts, "</svg>\n"])
