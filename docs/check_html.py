"""Do all links within the built manual lead somewhere? ``python3 docs/check_html.py FOLDER``

Looks at each ``href`` and ``src`` of each page; what is outside the manual is not asked.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, the anchors in it, and its pictures without words."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.wordless: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        self.links += [values[name] for name in ("href", "src", "data") if name in values]
        if "_images/" in values.get("src", "") and len(values.get("alt", "")) < 20:
            self.wordless.append(values["src"])


def complaints(folder: Path) -> list[str]:
    """What is wrong with the pages in *folder*."""
    pages = {path.resolve(): Page(path) for path in folder.rglob("*.html")}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if not link.startswith(("https://", "http://", "mailto:", "data:image/svg+xml")):
                    found.append(f"{name}: {link}: no kind of link that we know")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{name}: {link}: no such file")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{name}: {link}: no such place on that page")
        found += [f"{name}: {picture}: no words for who cannot see it" for picture in page.wordless]
    return found if pages else [f"{folder}: no pages"]


if __name__ == "__main__":
    if wrong := complaints(Path(sys.argv[1])):
        sys.exit("\n".join(wrong))
