"""XML from the network, turned into plain values; nothing in it can do harm.

Document types are refused altogether, and with them entities of any kind, external ones and those
that grow when they are expanded. HCP sends none.
"""

from collections.abc import Callable

from hcpsdk._errors import HcpsdkError

MAX_DEPTH = 100  # nested elements; real documents have four
MAX_BYTES = 4096  # of a document, from which the excerpt is taken
EXCERPT_LENGTH = 60  # characters of an unreadable document that the message shows


Excerpt = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


class Element:
    """An element: its name (``{namespace}name`` if it is in one), and what is in it."""

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""  # all of it that is in no child


def parse(document: bytes, root: str, excerpt: Excerpt = _as_it_is) -> Element:
    """The root element of *document*; *excerpt* makes parts of it fit for messages.

    Raises:
        HcpsdkError: It is no XML, has a document type, or its root is not called *root*; the
            message shows how it begins.
    """
    # Imported here, because most programs never parse XML.
    from xml.parsers import expat

    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError) as exc:
        # LookupError and ValueError: an encoding that Python or expat does not know.
        exc.args = tuple(excerpt(arg) if isinstance(arg, str) else arg for arg in exc.args)
        raise HcpsdkError(
            f"invalid <{root}> document: {exc}; {_beginning(document, excerpt)}"
        ) from exc
    assert reader.root is not None  # expat insists on one
    if reader.root.name != root:
        name = excerpt(reader.root.name)
        raise HcpsdkError(
            f"invalid <{root}> document: its root is <{name}>; {_beginning(document, excerpt)}"
        )
    return reader.root


class _Reader:
    """Builds the elements as the parser meets them."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []  # the pieces of text in each of them

    def start(self, name: str, attributes: dict[str, str]) -> None:
        found = Element(_full(name), {_full(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(found)
        else:
            self.root = found
        self._open.append(found)
        self._texts.append([])
        if len(self._open) > MAX_DEPTH:
            raise ValueError("elements are nested too deeply")

    def end(self, _name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def data(self, text: str) -> None:
        self._texts[-1].append(text)

    def refuse_doctype(self, *_declaration: object) -> None:
        raise ValueError("it has a document type")


def _full(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _beginning(document: bytes, excerpt: Excerpt) -> str:
    if not document:
        return "it is empty"
    # Cut last, so that no part of a secret is left.
    text = excerpt(document[:MAX_BYTES].decode("utf-8", "replace"))
    return f"starts with {text[:EXCERPT_LENGTH]!r}"
