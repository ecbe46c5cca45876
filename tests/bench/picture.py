"""The results as a picture: bars, in colours for light and for dark screens."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from .peers import BASE, NAMES
from .results import Results
from .works import Work, by_name

PICTURED = (
    "small-http-hcp", "small-https-hcp", "threads-8", "put-http", "put-https", "connect-https",
)  # fmt: skip
PEERS = ("ours", "pycurl", "raw", BASE, "urllib3", "httpx", "requests")

# Pixels. Narrow, so that the words can be read on a phone.
WIDTH = 520
BEGIN, BAR, STEP = 146, 13, 19  # where bars begin, how high they are, from one to the next
TITLE = 34  # from the top of a panel to its first bar
END = 2.0  # ratio at which bars are cut off; the numbers beside them tell how far they would go
SCALE = (WIDTH - BEGIN - 70) / END

STYLE = """
.card { fill: #f6f8fa; }
.bar { fill: #aab4bf; }
.ours { fill: #2f77b5; }
.one { stroke: #57606a; stroke-dasharray: 3 3; }
text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #24292f; }
.value { stroke: #f6f8fa; stroke-width: 4px; paint-order: stroke; }
.title { font-weight: 600; font-size: 14px; }
@media (prefers-color-scheme: dark) {
.card { fill: #1a2027; }
.bar { fill: #5b6773; }
.ours { fill: #5aa2dd; }
.one { stroke: #a3adb8; }
.value { stroke: #1a2027; }
text { fill: #dce1e6; }
}
"""


def svg(results: Results) -> str:
    """The picture, with a panel for each work that was measured."""
    panels = []
    height = 10
    for work in (by_name(name) for name in PICTURED if name in results.costs):
        bars = _bars(results, work)
        panels += [f'<g transform="translate(0 {height})">', *_panel(work.title, bars), "</g>"]
        height += TITLE + STEP * len(bars) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">',
        "<title>CPU time of HTTP clients, http.client = 1</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="card" width="{WIDTH}" height="{height}" rx="6"/>',
        *panels,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bars(results: Results, work: Work) -> list[tuple[str, float]]:
    """Who took part, and how much CPU time was needed."""
    measured = [(NAMES[peer], results.cpu(work, peer)) for peer in PEERS]
    bars = [(label, cpu.median) for label, cpu in measured if cpu is not None]
    return bars if work.original is None else [*bars, ("the original *", work.original)]


def _panel(title: str, bars: list[tuple[str, float]]) -> Iterator[str]:
    yield f'<text class="title" x="16" y="22">{escape(title)}</text>'
    values = []  # drawn last, so that the line does not cross them
    for number, (label, ratio) in enumerate(bars):
        y = TITLE + number * STEP
        base = y + BAR - 2
        kind = "bar ours" if label == NAMES["ours"] else "bar"
        length = min(ratio, END) * SCALE
        value = f"{ratio:.2f}" + (" →" if ratio > END else "")
        yield f'<text x="{BEGIN - 8}" y="{base}" text-anchor="end">{escape(label)}</text>'
        yield f'<rect class="{kind}" x="{BEGIN}" y="{y}" width="{length:.1f}" height="{BAR}"/>'
        x = BEGIN + length + 6
        values.append(f'<text class="value" x="{x:.1f}" y="{base}">{value}</text>')
    one, bottom = BEGIN + SCALE, TITLE + len(bars) * STEP
    yield f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{TITLE - 4}" y2="{bottom}"/>'
    yield from values
