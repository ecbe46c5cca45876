"""The manual's pictures, as SVG: `regenerate.py` writes them to ``docs/pictures``.

They are narrow, so that their words can be read on a phone, and bring their own colours for light
and for dark screens.
"""

import textwrap
from xml.sax.saxutils import escape

from hcpsdk._transport.state import State

WIDTH = 520
STYLE = """
.card { fill: #f6f8fa; }
.box { fill: #fff; stroke: #8c96a1; stroke-width: 1.2; }
.group { fill: #eaf1f8; stroke: #7f9db9; stroke-width: 1.2; }
.inner { fill: #f8fbfd; stroke: #a9bdd0; }
.main { fill: #dbeafa; stroke: #2f77b5; stroke-width: 1.6; }
.line { fill: none; stroke: #57606a; stroke-width: 1.5; }
.alarm { fill: none; stroke: #b3402f; stroke-width: 1.5; stroke-dasharray: 5 4; }
.tip { fill: #57606a; }
.alarm-tip { fill: #b3402f; }
text { font: 14px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 15px; }
.small { font-size: 13px; fill: #4c5661; }
.code { font: 13px ui-monospace, Consolas, Menlo, "DejaVu Sans Mono", monospace; }
.warn { font-size: 13px; fill: #9c3323; }
@media (prefers-color-scheme: dark) {
.card { fill: #1a2027; }
.box { fill: #232b34; stroke: #6d7884; }
.group { fill: #1d2a37; stroke: #54708b; }
.inner { fill: #22303d; stroke: #4a6075; }
.main { fill: #1d3f5e; stroke: #5aa2dd; }
.line { stroke: #a3adb8; }
.alarm { stroke: #e58a7b; }
.tip { fill: #a3adb8; }
.alarm-tip { fill: #e58a7b; }
text { fill: #dce1e6; }
.small { fill: #aeb7c1; }
.warn { fill: #eb9a8c; }
}
"""
LINE = 18  # from one line of text to the next


class Picture:
    """Boxes, arrows and words on a card."""

    def __init__(self, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "<defs>",
            *(
                f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
                f'markerHeight="8" orient="auto-start-reverse">'
                f'<path class="{name}" d="M0 0L10 5L0 10z"/></marker>'
                for name in ("tip", "alarm-tip")
            ),
            "</defs>",
            f'<rect class="card" width="{WIDTH}" height="{height}" rx="10"/>',
        ]

    def box(self, x: int, y: int, width: int, height: int, kind: str = "box") -> None:
        self._parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>'
        )

    def words(self, x: int, y: int, text: str, kind: str = "small", anchor: str = "middle") -> None:
        """*text* with its first line at *y*; ``|`` begins a new line."""
        for number, line in enumerate(text.split("|")):
            place = f'x="{x}" y="{y + number * LINE}" text-anchor="{anchor}"'
            self._parts.append(f'<text class="{kind}" {place}>{escape(line)}</text>')

    def named(
        self, x: int, y: int, width: int, height: int, name: str, text: str = "", kind: str = "box"
    ) -> None:
        """A box with a name in bold, and what it does."""
        self.box(x, y, width, height, kind)
        lines = 1 + (text.count("|") + 1 if text else 0)
        top = y + (height - lines * LINE) // 2 + 14
        self.words(x + width // 2, top, name, "title")
        if text:
            self.words(x + width // 2, top + LINE, text)

    def arrow(self, path: str, *, alarm: bool = False, both: bool = False) -> None:
        """An arrow along *path*, the ``d`` of an SVG path."""
        kind, tip = ("alarm", "alarm-tip") if alarm else ("line", "tip")
        start = f' marker-start="url(#{tip})"' if both else ""
        self._parts.append(f'<path class="{kind}" d="{path}" marker-end="url(#{tip})"{start}/>')

    def svg(self) -> str:
        return "\n".join([*self._parts, "</svg>"]) + "\n"


def environment() -> str:
    """What stands around an HCP, and what is in it."""
    it = Picture(680, "Applications, name servers, an HCP with nodes and tenants, and its replica")
    it.named(20, 20, 150, 56, "Application", "with hcpsdk", "main")
    it.named(190, 20, 150, 56, "Application", "with hcpsdk", "main")
    it.named(390, 20, 110, 56, "DNS")
    it.arrow("M342 48H388", both=True)
    it.words(434, 98, "which addresses has|n1.m.hcp1.local?")
    it.words(214, 116, "HTTPS,|each to|all nodes")

    it.box(20, 190, 480, 262, "group")
    it.words(34, 212, "HCP", "title", "start")
    for number, x in enumerate((34, 150, 266, 382), 1):
        it.named(x, 224, 104, 44, f"Node {number}")
    for start, end in ((88, 86), (128, 190), (244, 306), (284, 424)):
        it.arrow(f"M{start} 76L{end} 222")
    it.words(260, 294, "each node serves each request; objects are spread over all")
    it.box(34, 308, 280, 128, "inner")
    it.words(174, 330, "Tenant m", "title")
    it.named(46, 342, 122, 80, "n1", "namespace:|its own objects")
    it.named(180, 342, 122, 80, "n2", "namespace:|its own objects")
    it.box(328, 308, 158, 128, "inner")
    it.words(407, 330, "Tenant f", "title")
    it.named(340, 342, 134, 80, "archive", "namespace:|its own objects")

    it.arrow("M260 454V538", both=True)
    it.words(272, 490, "replication link:|copies what is stored", anchor="start")
    it.box(20, 540, 480, 120, "group")
    it.words(260, 564, "Replica: another HCP, at another place", "title")
    for number, x in enumerate((34, 150, 266, 382), 1):
        it.named(x, 578, 104, 40, f"Node {number}")
    it.words(260, 644, "the same tenants and namespaces, under another domain")
    return it.svg()


# Where each state of a Connection is drawn, left and top.
PLACES = {"CLOSED": (170, 20), "IDLE": (20, 214), "WAITING": (320, 214), "READING": (170, 424)}

# Which state follows which, and why; then the arrow, and where its words begin.
# tests/service/test_states.py sees each of these happen.
MOVES = [
    ("CLOSED", "WAITING", "request", "M350 52C410 52 450 120 450 211", (452, 104)),
    ("IDLE", "WAITING", "request", "M200 240H317", (205, 232)),
    ("READING", "WAITING", "next|request", "M320 423C326 380 345 330 370 301", (374, 356)),
    ("WAITING", "IDLE", "answered", "M320 274H203", (203, 292)),
    (
        "WAITING",
        "READING",
        "head of|a GET's|answer",
        "M450 298C450 400 410 466 353 466",
        (458, 346),
    ),
    ("WAITING", "CLOSED", "failed", "M372 213C372 165 350 120 332 108", (384, 168)),
    ("READING", "IDLE", "read|to its end", "M170 466C110 466 70 400 70 301", (86, 350)),
    ("READING", "CLOSED", "failed,|close()", "M285 423V107", (291, 326)),
    ("IDLE", "CLOSED", "idletime over,|close()", "M90 213C90 120 120 55 167 55", (110, 146)),
]


def states() -> str:
    """The states of a Connection, with the meanings that the code gives them."""
    it = Picture(530, "The states of a Connection, and what leads from one to the next")
    for _old, new, why, path, (x, y) in MOVES:
        is_failure = new == "CLOSED" and "failed" in why
        it.arrow(path, alarm=is_failure)
        it.words(x, y, why, "warn" if is_failure else "small", "start")
    for state in State:
        x, y = PLACES[state.name]
        it.named(x, y, 180, 84, state.name, wrapped(state.value, 25), "main")
    return it.svg()


def wrapped(text: str, width: int) -> str:
    """*text* in lines of up to *width* letters, parted by ``|``."""
    return "|".join(textwrap.wrap(text, width))


def request() -> str:
    """The way of a request through the library, and back."""
    it = Picture(
        672, "A request's way from the program to a node of HCP, and the answer's way back"
    )
    it.box(100, 20, 320, 56)
    it.words(260, 43, "Your program", "title")
    it.words(260, 63, 'connection.PUT("/rest/a b", body=file)', "code")
    it.arrow("M260 76V118")

    connection = "encodes the name, measures the body,|asks for headers, and for a wire"
    it.named(100, 120, 320, 84, "Connection", connection, "main")
    it.arrow("M175 204V256")
    it.words(168, 236, "headers", anchor="end")
    it.arrow("M345 204V256")
    it.words(337, 236, "next address", anchor="end")

    it.named(100, 258, 150, 84, "Target", "name, credentials,|TLS settings", "main")
    it.arrow("M250 300H268")
    it.named(270, 258, 150, 84, "Circle", "addresses in turn,|looked up when due", "main")
    it.arrow("M175 342V398")
    it.arrow("M345 342V398")

    wire = "one socket: kept from the last request,|or a new one, TCP and TLS handshake"
    it.named(100, 400, 320, 84, "Wire", wire, "main")
    it.arrow("M260 484V566")
    it.words(270, 516, "head and body|of the request", anchor="start")
    it.named(
        100, 568, 320, 84, "A node of HCP", "stores the object, and answers:|201 Created", "group"
    )

    it.arrow("M100 610H84V48H98")
    it.words(76, 330, "the|answer", anchor="end")
    it.arrow("M420 442H438V162H422", alarm=True)
    it.words(446, 280, "failed:|tried|again,|where|that does|no harm", "warn", "start")
    return it.svg()


PICTURES = {"environment": environment, "states": states, "request": request}
