"""The results as tables that are both aligned text and reStructuredText."""

from collections.abc import Callable, Iterable, Sequence

from .peers import BASE, NAMES
from .results import Results, Spread
from .works import ALL_WORKS, FIGURES, GROWTH, WORKS, Figure, Work

NOTHING = ""  # RST would take a dash for a list
Cell = Callable[[Work, str], str]  # what a work and a peer have in common


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A "simple table": the first column to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)

    def line(cells: Sequence[str]) -> str:
        first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        return "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()

    return "\n".join([rule, line(head), rule, *map(line, lines[1:]), rule]) + "\n"


def number(value: float | None) -> str:
    """With as many digits as say something."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def figure_number(figure: Figure, value: float | None) -> str:
    """Without digits after the point if there can be none."""
    if value is None or figure.is_ratio:
        return number(value)
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def with_quartiles(spread: Spread | None) -> str:
    if spread is None:
        return NOTHING
    return f"{number(spread.median)} ({number(spread.low)}-{number(spread.high)})"


# Goals


def goals(results: Results) -> str:
    """What has a goal, and whether it is met."""
    head = ["work", "original", NAMES["pycurl"], "floor", "hcpsdk", "goal", "met"]
    return table(head, [*_works_with_goals(results), *_figures_with_goals(results)])


def _works_with_goals(results: Results) -> Iterable[list[str]]:
    for work in ALL_WORKS:
        ours = results.cpu(work, "ours")
        if work.goal is None or ours is None:
            continue
        others = (results.cpu(work, peer) for peer in ("pycurl", "raw"))
        yield [
            work.title,
            number(work.original),
            *(number(other.median if other else None) for other in others),
            with_quartiles(ours),
            number(work.goal),
            met(ours.median, work.goal),
        ]


def _figures_with_goals(results: Results) -> Iterable[list[str]]:
    for figure in FIGURES:
        ours = results.figure(figure, "ours")
        if ours is None:
            continue
        peers = ("pycurl", "raw", "ours")
        yield [
            figure.title,
            figure_number(figure, figure.original),
            *(figure_number(figure, results.figure(figure, peer)) for peer in peers),
            figure_number(figure, figure.goal),
            met(ours, figure.goal),
        ]


def met(value: float, goal: float | None) -> str:
    """As it is printed: 0.384 meets a goal of 0.38."""
    if goal is None:
        return NOTHING
    return "yes" if round(value, 2) <= goal else "MISSED"


# Peers


def matrix(results: Results, works: Sequence[Work], peers: Sequence[str], cell: Cell) -> str:
    """A row for each work that was measured, a column for each peer."""
    rows = [
        [work.title, *(cell(work, peer) for peer in peers)]
        for work in works
        if work.name in results.costs
    ]
    return table(["work", *(NAMES[peer] for peer in peers)], rows) if rows else ""


def sections(results: Results, with_rates: bool) -> list[tuple[str, str]]:
    """All tables with their titles; those of works that were not measured are empty.

    Args:
        results: What was measured.
        with_rates: False leaves out requests per second, which say more about the machine.
    """
    peers = [peer for peer in NAMES if any(peer in rounds for rounds in results.costs.values())]
    others = [peer for peer in peers if peer != BASE]
    growth = [work for series in GROWTH for work in series]

    def per_second(work: Work, peer: str) -> str:
        seconds = results.seconds(work, peer, "wall")
        return number(1 / seconds if seconds else None)

    def memory(work: Work, peer: str) -> str:
        peak = results.memory(work, peer)
        return NOTHING if peak is None else f"{peak / 1024:,.0f}"

    def cpu(work: Work, peer: str) -> str:
        return with_quartiles(results.cpu(work, peer))

    def wall(work: Work, peer: str) -> str:
        return with_quartiles(results.wall(work, peer))

    found = [
        ("CPU time, http.client = 1", matrix(results, WORKS, others, cpu)),
        ("Time passed, http.client = 1", matrix(results, WORKS, others, wall)),
        ("Growth: CPU time, http.client with as many = 1", matrix(results, growth, others, cpu)),
        ("Growth: CPU time, the same library with one = 1", _against_one(results, peers, "cpu")),
        (
            "Growth: time passed, the same library with one = 1",
            _against_one(results, peers, "wall"),
        ),
        ("Peak of memory above the warm process, KiB", matrix(results, ALL_WORKS, peers, memory)),
        ("Counted", _counted(results)),
    ]
    if with_rates:
        found.append(("Requests per second", matrix(results, ALL_WORKS, peers, per_second)))
    return found


def _against_one(results: Results, peers: Sequence[str], which: str) -> str:
    first = {work.name: series[0] for series in GROWTH for work in series}

    def cell(work: Work, peer: str) -> str:
        now, one = (results.seconds(each, peer, which) for each in (work, first[work.name]))
        return number(now / one if now and one else None)

    measured = [series for series in GROWTH if series[0].name in results.costs]
    return matrix(results, [work for series in measured for work in series[1:]], peers, cell)


def _counted(results: Results) -> str:
    peers = [peer for peer in NAMES if any(peer in each for each in results.figures.values())]
    rows = [
        [
            figure.title + (", http.client = 1" if figure.is_ratio else ""),
            *(figure_number(figure, results.figure(figure, peer)) for peer in peers),
        ]
        for figure in FIGURES
        if figure.name in results.figures
    ]
    return table(["figure", *(NAMES[peer] for peer in peers)], rows) if rows else ""
