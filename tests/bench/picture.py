"""The results as a picture: bars, in colours that follow the reader's light or dark mode."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from .peers import BASE, NAMES
from .results import Results
from .works import Work, by_name

PICTURED = (
    "small-http-hcp", "small-https-hcp", "small-http-few", "threads-8",
    "put-http", "put-https", "connect-http", "connect-https",
)  # fmt: skip
PEERS = ("ours", "pycurl", "raw", BASE, "urllib3", "httpx", "requests")

WIDTH, COLUMNS = 430, 2  # pixels of a panel, and how many are side by side
LABELS, BAR, STEP = 130, 12, 18  # pixels: where bars begin, how high they are, from one to the next
END = 2.0  # ratio at which bars are cut off; the numbers beside them tell how far they would go
SCALE = (WIDTH - LABELS - 60) / END

STYLE = """
svg { --text: #24292f; --paper: #ffffff; --bar: #b4bcc5; --ours: #1565c0; --line: #8c959f }
@media (prefers-color-scheme: dark) {
  svg { --text: #d5dbe1; --paper: #16191d; --bar: #56606b; --ours: #64a8f0; --line: #7d8791 }
}
.paper { fill: var(--paper) } text { fill: var(--text); font: 12px sans-serif }
.title { font-weight: bold } .bar { fill: var(--bar) } .ours { fill: var(--ours) }
.one { stroke: var(--line); stroke-dasharray: 3 3 }
"""


def svg(results: Results) -> str:
    """The picture; of works that were measured."""
    works = [by_name(name) for name in PICTURED if name in results.costs]
    panel = STEP * (len(PEERS) + 2) + 24
    height = panel * -(-len(works) // COLUMNS) + 10
    width = WIDTH * COLUMNS
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" height="{height}">',
        "<title>CPU time of HTTP clients, compared to http.client</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for number, work in enumerate(works):
        x, y = WIDTH * (number % COLUMNS), panel * (number // COLUMNS)
        lines += [f'<g transform="translate({x} {y})">', *_panel(results, work), "</g>"]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(results: Results, work: Work) -> Iterator[str]:
    """The bars of one work."""
    bars = [(NAMES[peer], peer, results.cpu(work, peer)) for peer in PEERS]
    found = [(label, peer, cpu.median) for label, peer, cpu in bars if cpu is not None]
    if work.original is not None:
        found.append(("the original *", "original", work.original))
    one = LABELS + SCALE
    yield f'<text class="title" x="16" y="22">{escape(work.title)}</text>'
    for number, (label, peer, ratio) in enumerate(found):
        y = 32 + number * STEP
        kind = "bar ours" if peer == "ours" else "bar"
        length = min(ratio, END) * SCALE
        value = f"{ratio:.2f}" + (" →" if ratio > END else "")
        yield f'<text x="{LABELS - 6}" y="{y + BAR - 2}" text-anchor="end">{escape(label)}</text>'
        yield f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}"/>'
        yield f'<text x="{LABELS + length + 5:.1f}" y="{y + BAR - 2}">{value}</text>'
    bottom = 32 + len(found) * STEP
    yield f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="28" y2="{bottom}"/>'
